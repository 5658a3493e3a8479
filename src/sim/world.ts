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
import { Machine } from '../host/simulated/index.ts';
import type { DiskContent } from './api/engine.ts';
import { createFaultyClient } from './api/faulty-client.ts';
import { SimApi } from './api/sim-api.ts';
import { CONTROL, type Computer } from './computer.ts';
import { NetworkStorage } from './csi/network-storage.ts';
import { SocketTable } from './csi/sim-sockets.ts';
import { childSeed, Dice } from './dice.ts';
import { type FaultOptions, Faults } from './faults.ts';
import { forgottenFlexVolumes } from './flex/held.ts';
import { flexPrograms, installFlexDrivers } from './flex/programs.ts';
import { Link } from './host/link.ts';
import { createSimHost } from './host/sim-host.ts';
import { Journal, type JournalLine } from './journal.ts';
import { Monitor } from './monitor.ts';
import { SimContainers } from './node/containers.ts';
import type { Part, PartContext } from './part.ts';
import { partsOf } from './parts.ts';
import { POOL } from './paths.ts';
import type { SimProcess } from './process.ts';
import type { Setting } from './setting.ts';
import { Supervisor } from './supervisor.ts';
import type { Violation } from './violation.ts';
import { Whereabouts } from './whereabouts.ts';
import { WrittenData } from './written-data.ts';

export interface WorldOptions extends FaultOptions {
  readonly setting: Setting;
  /** The accounts of the controllers that run. @default all */
  readonly controllers?: ReadonlySet<string>;
  /** Claims come to ask for more, or for other attributes. @default false */
  readonly resizes?: boolean;
  /** @default false */
  readonly snapshots?: boolean;
  /** @default false */
  readonly flexVolumes?: boolean;
  /** Nodes attach what is attached to them, not the controller. @default false */
  readonly nodesAttach?: boolean;
  /** What the API server's disk holds at first. @default nothing */
  readonly disk?: DiskContent;
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

/** What a process has sent is done by then. */
const ON_ITS_WAY_MS = 50;
const SETTLED_MS = 30_000;
const SILENT_RECORDER: EventRecorder = { event() {} };

/** Everything that a seed decides: the machines, the API server, the processes, the faults. */
export class World {
  readonly clock = new VirtualClock();
  readonly journal: Journal;
  readonly faults: Faults;
  readonly storage: NetworkStorage;
  readonly computers: ReadonlyMap<string, Computer>;
  readonly api: SimApi;
  readonly where: Whereabouts;
  readonly monitor: Monitor;
  readonly containers: SimContainers;
  readonly options: WorldOptions;
  violation: Violation | undefined;
  readonly #supervisor: Supervisor;
  readonly #dice: Dice;
  /** Writes of leaders that lead no more, and of those in whose place they write. */
  readonly overlap = { old: 0, new: 0 };
  /** Events are a third of all writes, and nothing depends on them: most seeds go without. */
  readonly #writesEvents: boolean;

  constructor(options: WorldOptions) {
    this.options = options;
    const { clock } = this;
    const { seed, setting } = options;
    this.#dice = new Dice(childSeed(seed, 'world'));
    this.#writesEvents = this.#dice.chance(0.1);
    this.journal = new Journal(clock, options.onLine);
    this.faults = new Faults(options);
    this.storage = new NetworkStorage((device) =>
      this.computer(CONTROL).machine.newFileSystem('netfs', device, true),
    );
    this.computers = new Map([CONTROL, ...setting.nodes].map((name) => [name, this.#newComputer(name)]));
    this.api = new SimApi(clock, new Dice(childSeed(seed, 'api')), options.disk);
    const violated = (violation: Violation) => this.violated(violation);
    this.where = new Whereabouts([...this.computers.values()], this.storage);
    this.monitor = new Monitor({
      where: this.where,
      data: new WrittenData({ machine: (node) => this.computer(node).machine, violated }),
      nowMs: () => clock.monotonic(),
      newSchedulerAtMs: () => this.#supervisor.handedOverAtMs('scheduler'),
      running: () => this.containers.running(),
      violated,
    });
    this.containers = new SimContainers(clock, this.monitor);
    const attachesFlex = ({ name }: Part) =>
      name === 'controllers' && options.flexVolumes && !options.nodesAttach;
    this.#supervisor = new Supervisor({
      seed,
      clock,
      faults: this.faults,
      journal: this.journal,
      parts: partsOf({ ...setting, ...options }),
      computer: (name) => this.computer(name),
      run: (part, process, dice) => {
        // With a node that was deleted while nobody led went what was attached to it.
        if (attachesFlex(part)) this.#detachForgotten(0);
        return part.start(this.#contextOf(part, process, dice));
      },
      died: (part) => {
        const { name } = part;
        if (attachesFlex(part)) this.#detachForgotten(ON_ITS_WAY_MS);
        if (name.startsWith('provisioner')) this.monitor.provisioningBrokeOff();
      },
      powerless: ({ name, machine }) => {
        machine.reboot();
        this.containers.reboot(name);
      },
    });
  }

  /** All processes are up, and the API server too. */
  get settled(): boolean {
    return this.api.up && this.#supervisor.settled;
  }

  computer(name: string): Computer {
    const found = this.computers.get(name);
    if (!found) throw new Error(`no machine ${name}`);
    return found;
  }

  violated(violation: Violation): void {
    if (this.violation) return;
    this.violation = violation;
    this.journal.write('INVARIANT', `${violation.rule}: ${violation.detail}`);
  }

  async start(): Promise<void> {
    await this.#startApi();
    this.#supervisor.start();
  }

  /** A node's machine loses its power, for good with `forMs` undefined. */
  powerOff(node: string, forMs: number | undefined): void {
    this.#supervisor.powerOff(this.computer(node), forMs);
  }

  /** A node's machine cannot be reached, and reaches nobody; what runs on it runs on. */
  cutOff(node: string, forMs: number): void {
    const { link } = this.computer(node);
    this.journal.write(node, 'is cut off');
    link.sever();
    this.clock.after(forMs, () => {
      this.journal.write(node, 'can be reached again');
      link.mend();
    });
  }

  /** What the disk driver keeps of a volume's attributes. */
  limitsOf(volumeId: string): string | undefined {
    const { machine } = this.computer(this.options.setting.poolNode);
    const record = machine.lookup(`${POOL}/${volumeId}.json`)?.node.content;
    return record && JSON.stringify((JSON.parse(record) as { limits?: object }).limits);
  }

  #newComputer(name: string): Computer {
    const { clock, faults, journal, storage, options } = this;
    const link = new Link();
    const dice = (what: string) => new Dice(childSeed(options.seed, `${what} ${name}`));
    const network = { storage, reachable: () => !link.cut };
    const losses = dice('machine');
    const machine = new Machine(
      name,
      () => clock.now(),
      (limit) => losses.int(limit),
      network,
    );
    const observe = (method: string, request: object) => {
      this.monitor.called(method, request as Record<string, unknown>);
      return undefined;
    };
    const sockets = new SocketTable({ machine, dice: dice('sockets'), faults, journal, observe });
    // Where administrators put the volumes that they make by hand.
    machine.makeDirectory('/static');
    machine.sync();
    if (options.flexVolumes) installFlexDrivers(machine);
    return { name, machine, sockets, link, power: 'on' };
  }

  #contextOf(part: Part, process: SimProcess, dice: Dice): PartContext {
    const { api, faults, journal, options, storage, containers } = this;
    const { clock, name } = process;
    const { machine, link, sockets: table } = this.computer(part.computer);
    const faulty = createFaultyClient({
      api,
      process,
      link,
      dice,
      faults,
      journal,
      // Two that lead at once, one of whose caches is behind, undo one another's status for as long as that lasts: upstream
      // has nothing against that but its clients' limits.
      requested: () => this.#supervisor.overlaps(part) || this.monitor.requested(process.name),
      written: (verb, resource, object) => {
        if (this.#supervisor.overlaps(part)) this.overlap[process.deposed ? 'old' : 'new']++;
        this.monitor.wrote(verb, resource, object, process.deposed);
      },
      emptied: (server, resource) => this.monitor.emptied(server, resource),
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
    const now = () => this.clock.now();
    const touched = (call: string, args: readonly unknown[]) => this.monitor.touched(call, args);
    // Most processes never touch their machine.
    let made: Host | undefined;
    const host = () =>
      createSimHost({
        machine,
        process,
        dice,
        journal,
        faults,
        now,
        observe: touched,
        program: options.flexVolumes
          ? flexPrograms({
              machine,
              storage,
              now,
              touched,
              called: (rpc, request) => this.monitor.ranFlexDriver(rpc, request, process.deposed),
            })
          : undefined,
      });
    const sockets = table.of(process);
    return {
      components,
      process,
      dice,
      get host() {
        made ??= options.sabotage?.host?.(host(), name) ?? host();
        return made;
      },
      sockets: options.sabotage?.sockets?.(sockets, name) ?? sockets,
      machine,
      storage,
      faults,
      containers,
    };
  }

  /** Two looks: what is on its way, or the next leader is about, is none of an administrator's business. */
  #detachForgotten(delayMs: number): void {
    const look = () => forgottenFlexVolumes(this.storage, (name) => this.monitor.node(name));
    this.clock.after(delayMs, () => {
      const first = look();
      this.clock.after(SETTLED_MS, () => {
        for (const grant of look().filter((one) => first.includes(one))) {
          this.journal.write('administrator', `detaches ${grant.volumeId} from ${grant.node}`);
          this.storage.revoke(grant.volumeId, grant.node);
        }
      });
    });
  }

  async #startApi(): Promise<void> {
    await this.api.start();
    await this.monitor.apiStarted(this.api.client);
  }

  #restartApi(): void {
    if (!this.api.up) return;
    this.api.kill();
    this.journal.write('apiserver', 'dies');
    this.clock.after(this.#dice.between(10, 5_000), () => {
      this.#startApi().then(
        () => this.journal.write('apiserver', 'is back'),
        (error: unknown) =>
          this.violated({ rule: 'what was acknowledged stays', detail: (error as Error).message }),
      );
    });
  }
}
