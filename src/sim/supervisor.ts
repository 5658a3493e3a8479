import type { Clock } from '../base/index.ts';
import { CONTROL, type Computer } from './computer.ts';
import { childSeed, Dice } from './dice.ts';
import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
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
/** How the processes of a part are told from each other. */
const COPIES = ['', ' (second)'];
/** A process is killed after at most so many of its turns. */
const MAX_TURNS = 50;

/** Starts processes, and starts them again when they have died; second copies and machines without power among them. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #dice: Dice;
  readonly #processes = new Map<string, Running>();
  readonly #starts = new Map<string, number>();
  readonly #twiceAtMs = new Map<string, number>();
  /** Parts that are to be started at some time. */
  readonly #restarting = new Set<Part>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#dice = new Dice(childSeed(options.seed, 'supervisor'));
  }

  /** Everything runs that can, and nothing twice. */
  get settled(): boolean {
    const { parts, computer } = this.#options;
    const expected = parts.filter((part) => computer(part.computer).power !== 'lost');
    return expected.every(
      (part) => this.#copiesOf(part.name).length === 1 && !computer(part.computer).link.cut,
    );
  }

  /** When two copies of a part ran at once the last time (monotonic milliseconds). */
  twiceAtMs(part: string): number {
    if (this.#copiesOf(part).length > 1) return this.#options.clock.monotonic();
    return this.#twiceAtMs.get(part) ?? Number.NEGATIVE_INFINITY;
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
    const victims = [...this.#processes.values()].filter(({ part }) => part.computer === computer.name);
    for (const victim of victims) this.#crash(victim, 'dies with the machine');
    this.#options.powerless(computer);
  }

  #copiesOf(part: string): readonly Running[] {
    return COPIES.flatMap((copy) => this.#processes.get(`${part}${copy}`) ?? []);
  }

  #spawn(part: Part): void {
    const { clock, faults, journal, seed, run } = this.#options;
    const name = COPIES.map((copy) => `${part.name}${copy}`).find((free) => !this.#processes.has(free));
    if (name === undefined) return;
    const start = (this.#starts.get(name) ?? 0) + 1;
    this.#starts.set(name, start);
    const dice = new Dice(childSeed(seed, `${name} ${start}`));
    const process = new SimProcess(name, clock, dice, {
      crashes: () => this.#mayCrash(name),
      killedAfter: () => (faults.strikes('kill') ? faults.dice('kill').int(MAX_TURNS) : undefined),
      kill: () => this.#ended(process, 'is killed'),
    });
    this.#processes.set(name, { part, process });
    journal.write(name, 'starts');
    run(part, process, dice).then(
      () => this.#ended(process, 'ended by itself'),
      (error: unknown) => this.#ended(process, `cannot go on: ${(error as Error).message}`),
    );
  }

  /** Asked whenever a process is about to reach outside. */
  #mayCrash(name: string): boolean {
    const { faults, journal, computer } = this.#options;
    if (!faults.strikes('crash')) return false;
    const running = this.#processes.get(name);
    if (!running) return false;
    const at = computer(running.part.computer);
    if (at.name !== CONTROL && faults.strikes('reboot')) {
      this.#endAll(at);
      journal.write(at.name, 'reboots');
    } else this.#crash(running, 'crashes');
    return true;
  }

  #ended(process: SimProcess, how: string): void {
    const running = this.#processes.get(process.name);
    if (running?.process === process) this.#crash(running, how);
  }

  #crash({ part, process }: Running, how: string): void {
    const { clock, journal, died } = this.#options;
    const { name } = process;
    this.#processes.delete(name);
    process.kill();
    journal.write(name, how);
    died(part);
    if (this.#copiesOf(part.name).length > 0) {
      this.#twiceAtMs.set(part.name, clock.monotonic());
      return;
    }
    const { least, most } = RESTART_MS;
    // Mostly soon, now and then after minutes.
    const pauseMs = this.#dice.chance(0.1)
      ? this.#dice.between(most, 300_000)
      : this.#dice.between(least, most);
    this.#restarting.add(part);
    clock.after(pauseMs, () => this.#restart(part));
  }

  #restart(part: Part): void {
    const { faults, computer } = this.#options;
    this.#restarting.delete(part);
    // Without power it waits for the machine, which starts all that it has.
    if (computer(part.computer).power !== 'on') return;
    this.#spawn(part);
    if (part.mayDouble && faults.strikes('two-copies')) this.#handOver(part);
  }

  /**
   * A new leader begins while the old one still works. The old one ends: nobody leads again with what it knew before
   * another led.
   */
  #handOver(part: Part): void {
    const [old, another] = this.#copiesOf(part.name);
    if (!old || another) return;
    this.#spawn(part);
    this.#options.clock.after(this.#dice.between(1_000, 30_000), () =>
      this.#ended(old.process, 'hands over and ends'),
    );
  }

  #tick(): void {
    const { clock, faults, parts } = this.#options;
    for (const part of parts)
      if (part.mayDouble && this.#copiesOf(part.name).length === 1 && faults.strikes('hand-over'))
        this.#handOver(part);
    clock.after(TICK_MS, () => this.#tick());
  }
}
