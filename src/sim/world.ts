import { type Logger, silentLogger, Trace, VirtualClock } from '../base/index.ts';
import {
  type Client,
  type ComponentContext,
  type EventRecorder,
  Informers,
  Recorder,
} from '../client/index.ts';
import type { Sockets } from '../csi/index.ts';
import type { Host } from '../host/index.ts';
import { createFaultyClient } from './api/faulty-client.ts';
import { SimApi } from './api/sim-api.ts';
import { SocketTable } from './csi/sim-sockets.ts';
import { childSeed, Dice } from './dice.ts';
import { type FaultOptions, Faults } from './faults.ts';
import { Machine } from './host/machine.ts';
import { createSimHost } from './host/sim-host.ts';
import { Journal, type JournalLine } from './journal.ts';
import { Monitor, type Violation } from './monitor.ts';
import { SimContainers } from './node/containers.ts';
import type { Part, PartContext } from './part.ts';
import { partsOf } from './parts.ts';
import { nodeRootOf, POOL } from './paths.ts';
import { SimProcess } from './process.ts';

export interface WorldOptions extends FaultOptions {
  readonly nodes: readonly string[];
  readonly onLine?: (line: JournalLine) => void;
  /** Takes what components log. */
  readonly log?: Logger;
  /** Changes a component before it is used: known bugs, for the test that they are found. */
  readonly sabotage?: Sabotage;
}

/** Places where a test can plant a bug. */
export interface Sabotage {
  client?(client: Client, part: string): Client;
  host?(host: Host, part: string): Host;
  sockets?(sockets: Sockets, part: string): Sockets;
}

interface Running {
  readonly part: Part;
  readonly process: SimProcess;
}

const SILENT_RECORDER: EventRecorder = { event() {} };
const RESTART_MS = { least: 50, most: 20_000 };

/** Everything that a seed decides: the machine, the API server, the processes, the faults. */
export class World {
  readonly clock = new VirtualClock();
  readonly journal: Journal;
  readonly faults: Faults;
  readonly machine: Machine;
  readonly api: SimApi;
  readonly monitor: Monitor;
  readonly containers: SimContainers;
  readonly sockets: SocketTable;
  readonly parts: readonly Part[];
  readonly options: WorldOptions;
  violation: Violation | undefined;
  readonly #dice: Dice;
  readonly #processes = new Map<string, Running>();
  readonly #starts = new Map<string, number>();
  /** Events are a third of all writes, and nothing depends on them: most seeds go without. */
  readonly #writesEvents: boolean;
  #restarting = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    const { clock } = this;
    this.#dice = new Dice(childSeed(options.seed, 'world'));
    this.#writesEvents = this.#dice.chance(0.25);
    this.journal = new Journal(clock, options.onLine);
    this.faults = new Faults(options);
    this.machine = new Machine(() => clock.now(), new Dice(childSeed(options.seed, 'machine')));
    this.api = new SimApi(clock, new Dice(childSeed(options.seed, 'api')));
    this.monitor = new Monitor({
      machine: this.machine,
      pool: POOL,
      nodeRoot: nodeRootOf,
      api: () => (this.api.up ? this.api.client : undefined),
      running: () => this.containers.running(),
      violated: (violation) => this.violated(violation),
    });
    this.containers = new SimContainers(clock, this.monitor);
    this.sockets = new SocketTable({
      machine: this.machine,
      dice: new Dice(childSeed(options.seed, 'sockets')),
      faults: this.faults,
      journal: this.journal,
      observe: (method, request) => {
        void this.monitor.called(method, request as Record<string, unknown>);
        return undefined;
      },
    });
    this.parts = partsOf(options.nodes);
  }

  /** All processes are up, and the API server too. */
  get settled(): boolean {
    return this.api.up && this.#restarting === 0 && this.#processes.size === this.parts.length;
  }

  violated(violation: Violation): void {
    if (this.violation) return;
    this.violation = violation;
    this.journal.write('INVARIANT', `${violation.rule}: ${violation.detail}`);
  }

  async start(): Promise<void> {
    await this.api.start();
    for (const part of this.parts) this.#spawn(part);
  }

  #spawn(part: Part, copy = ''): void {
    const name = `${part.name}${copy}`;
    const start = (this.#starts.get(name) ?? 0) + 1;
    this.#starts.set(name, start);
    const dice = new Dice(childSeed(this.options.seed, `${name} ${start}`));
    const process = new SimProcess(name, this.clock, dice, () => this.#mayCrash(name));
    this.#processes.set(name, { part, process });
    this.journal.write(name, 'starts');
    part.start(this.#contextOf(process, dice)).then(
      () => this.#ended(process, 'ended by itself'),
      (error: unknown) => this.#ended(process, `cannot go on: ${(error as Error).message}`),
    );
  }

  #contextOf(process: SimProcess, dice: Dice): PartContext {
    const { api, faults, journal, options } = this;
    const { clock, name } = process;
    const faulty = createFaultyClient({
      api,
      process,
      dice,
      faults,
      journal,
      requested: () => this.monitor.requested(name, clock.monotonic()),
      written: (_verb, resource) => this.monitor.wrote(resource),
      killApi: () => this.#restartApi(),
    });
    const client = options.sabotage?.client?.(faulty, name) ?? faulty;
    const shared = {
      client,
      clock,
      random: dice.random,
      log: (options.log ?? silentLogger).child({ part: name }),
    };
    const informers = new Informers(shared);
    const components: ComponentContext = {
      ...shared,
      informers,
      trace: new Trace(clock),
      recorder: (component, host) =>
        this.#writesEvents ? new Recorder({ ...shared, component, host }) : SILENT_RECORDER,
    };
    const host = createSimHost({
      machine: this.machine,
      process,
      dice,
      journal,
      faults,
      now: () => this.clock.now(),
      observe: (call, args) => this.monitor.touched(call, args),
    });
    const sockets = this.sockets.of(process);
    return {
      components,
      process,
      dice,
      host: options.sabotage?.host?.(host, name) ?? host,
      sockets: options.sabotage?.sockets?.(sockets, name) ?? sockets,
      machine: this.machine,
      containers: this.containers,
    };
  }

  /** Asked whenever a process is about to reach outside. */
  #mayCrash(name: string): boolean {
    if (!this.faults.strikes('crash')) return false;
    const running = this.#processes.get(name);
    if (!running) return false;
    const reboots = running.part.onMachine && this.faults.strikes('reboot');
    if (reboots) this.#reboot();
    else this.#crash(running, 'crashes');
    return true;
  }

  #crash({ part, process }: Running, how: string): void {
    const { name } = process;
    this.#processes.delete(name);
    process.kill();
    this.journal.write(name, how);
    if (part.name === 'provisioner') this.monitor.provisionerDied();
    if (name !== part.name) return;
    const { least, most } = RESTART_MS;
    // Mostly soon, now and then after minutes.
    const pauseMs = this.#dice.chance(0.1)
      ? this.#dice.between(most, 300_000)
      : this.#dice.between(least, most);
    this.#restarting++;
    this.clock.after(pauseMs, () => {
      this.#restarting--;
      this.#spawn(part);
      if (part.mayDouble && this.faults.strikes('two-copies')) this.#double(part);
    });
  }

  /** A second copy runs beside the first until one of them ends. */
  #double(part: Part): void {
    this.#spawn(part, ' (second)');
    this.clock.after(this.#dice.between(1_000, 30_000), () => {
      const second = this.#processes.get(`${part.name} (second)`);
      if (second) this.#crash(second, 'hands over and ends');
    });
  }

  #ended(process: SimProcess, how: string): void {
    const running = this.#processes.get(process.name);
    if (running?.process === process) this.#crash(running, how);
  }

  /** Every process of the machine dies at once; what the kernel held is gone. */
  #reboot(): void {
    const victims = [...this.#processes.values()].filter(({ part }) => part.onMachine);
    for (const victim of victims) this.#crash(victim, 'dies with the machine');
    this.machine.reboot();
    this.containers.reboot();
    this.journal.write('machine', 'reboots');
  }

  #restartApi(): void {
    if (!this.api.up) return;
    this.api.kill();
    this.journal.write('apiserver', 'dies');
    this.#restarting++;
    this.clock.after(this.#dice.between(10, 5_000), () => {
      this.api.start().then(
        () => {
          this.#restarting--;
          this.journal.write('apiserver', 'is back');
        },
        (error: unknown) =>
          this.violated({ rule: 'what was acknowledged stays', detail: (error as Error).message }),
      );
    });
  }
}
