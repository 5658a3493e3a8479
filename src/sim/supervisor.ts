import type { Clock } from '../base/index.ts';
import { CONTROL, type Computer } from './computer.ts';
import { childSeed, Dice } from './dice.ts';
import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import { drawAbsence } from './leadership.ts';
import type { Part } from './part.ts';
import { SimProcess } from './process.ts';

export interface SupervisorOptions {
  readonly seed: number;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly journal: Journal;
  readonly parts: readonly Part[];
  computer(name: string): Computer;
  /** Runs the part's program in a process; settles when it ends by itself. */
  run(part: Part, process: SimProcess, dice: Dice): Promise<unknown>;
  died(part: Part): void;
  /** The kernel of a machine is gone with its power. */
  powerless(computer: Computer): void;
}

interface Running {
  readonly part: Part;
  readonly process: SimProcess;
}

const RESTART_MS = { least: 50, most: 20_000 };
const BOOT_MS = { least: 500, most: 15_000 };
const TICK_MS = 1_000;
/** A process is killed after at most so many of its turns. */
const MAX_TURNS = 50;

/** Starts processes, and starts them again when they have died; successors and machines without power among them. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #dice: Dice;
  readonly #processes = new Map<string, Running>();
  /** Leaders in whose place another leads, and that do not know. */
  readonly #deposed = new Set<Running>();
  readonly #starts = new Map<string, number>();
  readonly #handedOverAtMs = new Map<string, number>();
  /** Parts that are to be started at some time. */
  readonly #restarting = new Set<Part>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#dice = new Dice(childSeed(options.seed, 'supervisor'));
  }

  /** Everything runs that can, and nothing that should not. */
  get settled(): boolean {
    const { parts, computer } = this.#options;
    if (this.#deposed.size > 0) return false;
    if ([...this.#processes.values()].some(({ process }) => process.frozen)) return false;
    const expected = parts.filter((part) => computer(part.computer).power !== 'lost');
    return expected.every((part) => this.#processes.has(part.name) && !computer(part.computer).link.cut);
  }

  /** Whether an old leader of the part works on beside the new one. */
  overlaps(part: Part): boolean {
    for (const old of this.#deposed) if (old.part === part && !old.process.frozen) return true;
    return false;
  }

  /** When a part was handed over the last time, or two led at once the last time (monotonic milliseconds). */
  handedOverAtMs(part: string): number {
    for (const old of this.#deposed) if (old.part.name === part) return this.#options.clock.monotonic();
    return this.#handedOverAtMs.get(part) ?? Number.NEGATIVE_INFINITY;
  }

  start(): void {
    for (const part of this.#options.parts) this.#spawn(part);
    this.#tick();
  }

  /** The machine loses its power, for good with `forMs` undefined. */
  powerOff(computer: Computer, forMs: number | undefined): void {
    if (computer.power !== 'on') return;
    computer.power = forMs === undefined ? 'lost' : 'off';
    this.#options.journal.write(computer.name, forMs === undefined ? 'is lost' : 'loses its power');
    this.#endAll(computer);
    if (forMs !== undefined) this.#options.clock.after(forMs, () => this.#powerOn(computer));
  }

  #powerOn(computer: Computer): void {
    const { clock, journal, parts } = this.#options;
    computer.power = 'on';
    journal.write(computer.name, 'has power again');
    for (const part of parts) {
      if (part.computer !== computer.name || this.#restarting.has(part)) continue;
      this.#restarting.add(part);
      clock.after(this.#dice.between(BOOT_MS.least, BOOT_MS.most), () => this.#restart(part));
    }
  }

  /** Every process of the machine dies at once; what the kernel held is gone. */
  #endAll(computer: Computer): void {
    for (const victim of [...this.#processes.values(), ...this.#deposed])
      if (victim.part.computer === computer.name) this.#crash(victim, 'dies with the machine');
    this.#options.powerless(computer);
  }

  #spawn(part: Part): void {
    const { clock, faults, journal, seed, run } = this.#options;
    const { name } = part;
    if (this.#processes.has(name)) return;
    const start = (this.#starts.get(name) ?? 0) + 1;
    this.#starts.set(name, start);
    const dice = new Dice(childSeed(seed, `${name} ${start}`));
    const process = new SimProcess(name, clock, dice, {
      crashes: () => this.#mayCrash(running),
      killedAfter: () => (faults.strikes('kill') ? faults.dice('kill').int(MAX_TURNS) : undefined),
      kill: () => this.#crash(running, 'is killed'),
    });
    const running: Running = { part, process };
    this.#processes.set(name, running);
    journal.write(name, 'starts');
    run(part, process, dice).then(
      () => this.#crash(running, 'ended by itself'),
      (error: unknown) => this.#crash(running, `cannot go on: ${(error as Error).message}`),
    );
  }

  /** Asked whenever a process is about to reach outside. */
  #mayCrash(running: Running): boolean {
    const { faults, journal, computer } = this.#options;
    if (!faults.strikes('crash')) return false;
    const at = computer(running.part.computer);
    if (at.name !== CONTROL && faults.strikes('reboot')) {
      this.#endAll(at);
      journal.write(at.name, 'reboots');
    } else this.#crash(running, 'crashes');
    return true;
  }

  #crash(running: Running, how: string): void {
    const { least, most } = RESTART_MS;
    // Mostly soon, now and then after minutes.
    const pauseMs = this.#dice.chance(0.1)
      ? this.#dice.between(most, 300_000)
      : this.#dice.between(least, most);
    this.#end(running, how, pauseMs);
  }

  #end(running: Running, how: string, pauseMs: number): void {
    const { clock, journal, died } = this.#options;
    const { part, process } = running;
    if (!process.alive) return;
    process.kill();
    journal.write(process.name, how);
    died(part);
    // Another is there already.
    if (this.#deposed.delete(running)) {
      this.#handedOverAtMs.set(part.name, clock.monotonic());
      return;
    }
    this.#processes.delete(part.name);
    this.#restarting.add(part);
    clock.after(pauseMs, () => this.#restart(part));
  }

  #restart(part: Part): void {
    this.#restarting.delete(part);
    // Without power it waits for the machine, which starts all that it has.
    if (this.#options.computer(part.computer).power === 'on') this.#spawn(part);
  }

  /** Another leads from now on; of the old leader no more arrives than what it had sent. */
  #handOver(part: Part): void {
    const running = this.#processes.get(part.name);
    if (!running || !part.takeOverMs) return;
    this.#handedOverAtMs.set(part.name, this.#options.clock.monotonic());
    this.#end(running, 'leads no more', this.#dice.between(...part.takeOverMs));
  }

  /** The leader stands still, and another may lead before it goes on. */
  #freeze(running: Running): void {
    const { clock, journal } = this.#options;
    const { process } = running;
    const { frozenMs, successorAfterMs, overlapMs } = drawAbsence(this.#dice);
    journal.write(process.name, 'stands still');
    process.freeze();
    if (successorAfterMs < frozenMs) clock.after(successorAfterMs, () => this.#depose(running));
    clock.after(frozenMs, () => {
      if (!process.alive) return;
      journal.write(process.name, 'goes on');
      process.thaw();
      if (process.deposed) clock.after(overlapMs, () => this.#end(running, 'leads no more', 0));
    });
  }

  #depose(running: Running): void {
    const { part, process } = running;
    if (!process.alive) return;
    this.#processes.delete(part.name);
    this.#deposed.add(running);
    process.depose();
    this.#handedOverAtMs.set(part.name, this.#options.clock.monotonic());
    this.#spawn(part);
  }

  #tick(): void {
    const { clock, faults, parts } = this.#options;
    for (const part of parts) {
      const running = part.takeOverMs && this.#processes.get(part.name);
      if (!running || running.process.frozen) continue;
      if (faults.strikes('hand-over')) this.#handOver(part);
      else if (faults.strikes('freeze')) this.#freeze(running);
    }
    clock.after(TICK_MS, () => this.#tick());
  }
}
