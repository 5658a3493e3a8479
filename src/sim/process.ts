import type { Clock, Timer } from '../base/index.ts';
import type { Dice } from './dice.ts';

/** What was under way when a process died is done within this time or not at all: it is not started again sooner. */
const AFTERLIFE_MS = 40;

const NEVER = () => new Promise<never>(() => {});

/** When a process dies. */
export interface Fate {
  /** Asked at every crossing; has killed the process when it says yes. */
  crashes(): boolean;
  /** Asked whenever something comes to the process: after how many of its turns it dies. */
  killedAfter(): number | undefined;
  kill(): void;
}

/**
 * A process of the simulated machine. It reaches the outside only by crossing a boundary (the API, a socket, the host,
 * a timer); once it is dead nothing comes back across, so that it stands still at whatever await it was in.
 */
export class SimProcess {
  #name: string;
  /** Time as the process has it: its timers die with it. */
  readonly clock: Clock;
  readonly #world: Clock;
  readonly #dice: Dice;
  readonly #fate: Fate;
  readonly #atDeath = new Set<() => void>();
  #alive = true;
  #deposed = false;
  /** What has come to the process while it stands still, in order. */
  #held: (() => void)[] | undefined;
  #diedAtMs = Number.POSITIVE_INFINITY;

  constructor(name: string, world: Clock, dice: Dice, fate: Fate) {
    this.#name = name;
    this.#fate = fate;
    this.#world = world;
    this.#dice = dice;
    const run = (callback: () => void) => () => this.#answer(callback);
    const nothing: Timer = { cancel() {} };
    this.clock = {
      now: () => world.now(),
      monotonic: () => world.monotonic(),
      after: (delayMs, callback) => (this.#alive ? world.after(delayMs, run(callback)) : nothing),
      soon: (callback) => this.#alive && world.soon(run(callback)),
    };
  }

  get name(): string {
    return this.#name;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get frozen(): boolean {
    return this.#held !== undefined;
  }

  /** Another leads in its place. It does not know. */
  get deposed(): boolean {
    return this.#deposed;
  }

  depose(): void {
    this.#deposed = true;
    this.#name = `old ${this.#name}`;
  }

  /** Stands still as after SIGSTOP: what it has sent goes on, what comes for it waits. */
  freeze(): void {
    this.#held ??= [];
  }

  /** Goes on where it was, with everything at once that has come meanwhile. */
  thaw(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const deliver of held) this.#world.soon(deliver);
  }

  /** Resolves when it no longer stands still: for what comes to it without crossing a boundary of its own. */
  awake(): Promise<void> {
    return new Promise((resolve) => this.#deliver(resolve));
  }

  /** Ends the process as SIGKILL does. */
  kill(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#diedAtMs = this.#world.monotonic();
    for (const call of this.#atDeath) call();
    this.#atDeath.clear();
  }

  /** Calls back when the process dies, until the returned function is called. */
  onDeath(callback: () => void): () => void {
    this.#atDeath.add(callback);
    return () => this.#atDeath.delete(callback);
  }

  /**
   * Has work done on the other side of a boundary after `delayMs`. What was sent before the process died may still be
   * done; the answer is lost with the process.
   */
  cross<T>(delayMs: number, work: () => T | Promise<T>): Promise<T> {
    if (!this.#alive || this.#fate.crashes()) return NEVER();
    return new Promise<T>((resolve, reject) => {
      const arrive = async () => {
        const tooLate = this.#world.monotonic() > this.#diedAtMs + AFTERLIFE_MS;
        if (!this.#alive && (tooLate || this.#dice.chance(0.5))) return;
        try {
          const value = await work();
          this.#answer(() => resolve(value));
        } catch (error) {
          this.#answer(() => reject(error));
        }
      };
      this.#world.after(delayMs, () => void arrive());
    });
  }

  /** Work that takes no time on the other side of a boundary, which is a place to die all the same. */
  reach<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#alive || this.#fate.crashes()) return NEVER();
    return this.own(work());
  }

  #answer(deliver: () => void): void {
    this.#deliver(() => {
      this.#wakes();
      if (this.#alive) deliver();
    });
  }

  #deliver(deliver: () => void): void {
    if (!this.#alive) return;
    if (this.#held) this.#held.push(() => this.#deliver(deliver));
    else deliver();
  }

  /** Something has come: the process has its turns now, and may not live to have all of them. */
  #wakes(): void {
    const turns = this.#fate.killedAfter();
    if (turns === undefined) return;
    let left = turns;
    const turn = () => {
      if (left-- > 0) void Promise.resolve().then(turn);
      else if (this.#alive) this.#fate.kill();
    };
    turn();
  }

  /** The promise, as long as the process lives. */
  own<T>(promise: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      promise.then(
        (value) => this.#deliver(() => resolve(value)),
        (error: unknown) => this.#deliver(() => reject(error)),
      );
    });
  }
}
