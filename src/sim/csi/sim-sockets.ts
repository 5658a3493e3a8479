import {
  type Channel,
  type ChannelCallOptions,
  Code,
  CsiStatus,
  memoryChannel,
  type Routes,
  type Sockets,
} from '../../csi/index.ts';
import type { Machine } from '../../host/simulated/index.ts';
import type { Dice } from '../dice.ts';
import type { Faults } from '../faults.ts';
import type { Journal } from '../journal.ts';
import type { SimProcess } from '../process.ts';

type Message = Awaited<ReturnType<Channel['unary']>>;
type Method = Parameters<Channel['unary']>[0];

interface Listening {
  readonly process: SimProcess;
  readonly routes: Routes;
  readonly stopped: AbortController;
}

export interface SocketTableOptions {
  readonly machine: Machine;
  readonly dice: Dice;
  readonly faults: Faults;
  readonly journal: Journal;
  /** Hears of a call as it reaches a driver; what it returns hears of the answer. */
  observe(method: string, request: object): ((error: unknown) => void) | undefined;
}

const TYPICAL_MS = 0.3;

/** The Unix sockets of a machine: who listens where. */
export class SocketTable {
  readonly #options: SocketTableOptions;
  readonly #listening = new Map<string, Listening>();
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();
  /** Volumes that CreateVolume was called for. */
  readonly #asked = new Set<string>();
  /** The last answers of calls that tell how things are, by call and what was asked: for when they come late. */
  readonly #oldAnswers = new Map<string, Message>();

  constructor(options: SocketTableOptions) {
    this.#options = options;
  }

  /** The sockets as one process has them. */
  of(process: SimProcess): Sockets {
    return {
      serve: (endpoint, routes) =>
        process.cross(0.5, () => {
          const path = pathOf(endpoint);
          const stopped = this.#listen(path, process, routes);
          const stop = () =>
            process.cross(0.5, () => {
              if (this.#listening.get(path)?.stopped !== stopped) return;
              this.#listening.delete(path);
              stopped.abort();
              this.#removeSocket(path);
            });
          return { endpoint: `unix://${path}`, socketPath: path, stop, [Symbol.asyncDispose]: stop };
        }),
      channel: (endpoint, clock) => {
        const path = pathOf(endpoint);
        const wire = memoryChannel(
          {
            running: () => {
              const found = this.#listening.get(path);
              return found?.process.alive
                ? { routes: found.routes, stopped: found.stopped.signal }
                : undefined;
            },
            started: () => this.#starting(path).promise,
          },
          clock,
        );
        return {
          endpoint: `unix://${path}`,
          unary: (method, request, options) => this.#unary(process, wire, path, method, request, options),
          stream: (method, request, options) => this.#stream(process, wire, method, request, options),
          lost: (signal) => wire.lost(signal),
          close: () => wire.close(),
        };
      },
    };
  }

  #listen(path: string, process: SimProcess, routes: Routes): AbortController {
    const { machine } = this.#options;
    // A socket that a dead process has left is replaced.
    this.#removeSocket(path);
    machine.makeFile(path, 'socket', 0o600);
    const stopped = new AbortController();
    this.#listening.set(path, { process, routes: this.#observed(routes), stopped });
    process.onDeath(() => {
      if (this.#listening.get(path)?.stopped === stopped) this.#listening.delete(path);
      stopped.abort();
    });
    const waiting = this.#waiting.get(path);
    this.#waiting.delete(path);
    waiting?.resolve();
    return stopped;
  }

  #removeSocket(path: string): void {
    const { machine } = this.#options;
    const { directory, name, path: canonical } = machine.parent(path, 'unlink');
    if (directory.entries.has(name)) machine.setName(directory, name, undefined, canonical);
  }

  #starting(path: string): PromiseWithResolvers<void> {
    let waiting = this.#waiting.get(path);
    if (!waiting) {
      waiting = Promise.withResolvers();
      this.#waiting.set(path, waiting);
    }
    return waiting;
  }

  #observed(routes: Routes): Routes {
    const { observe } = this.#options;
    const observed = new Map<string, Routes extends ReadonlyMap<string, infer R> ? R : never>();
    for (const [path, route] of routes) {
      if (route.kind !== 'unary') {
        observed.set(path, route);
        continue;
      }
      observed.set(path, {
        ...route,
        async call(request, incoming) {
          const answered = observe(path, request);
          try {
            const response = await route.call(request, incoming);
            answered?.(undefined);
            return response;
          } catch (error) {
            answered?.(error);
            throw error;
          }
        },
      });
    }
    return observed;
  }

  /** A code for a call that is not done. One that means "nothing is left of it" would be a lie about a CreateVolume. */
  #refusal(rpc: string): Code {
    const codes = [Code.UNAVAILABLE, Code.ABORTED, ...(rpc === 'CreateVolume' ? [] : [Code.INTERNAL])];
    return this.#options.faults.dice('csi-error').pick(codes);
  }

  /** One call, with what the seed does to it on its way. */
  async #unary(
    process: SimProcess,
    wire: Channel,
    socket: string,
    method: Method,
    request: Message,
    options: ChannelCallOptions,
  ): Promise<Message> {
    const { faults, dice, journal } = this.#options;
    const rpc = method.name;
    const quiet = QUIET.has(rpc);
    const tell = (what: string) => {
      if (!quiet) journal.write(process.name, `${rpc} ${subjectOf(request)}${what}`);
    };
    await process.cross(dice.delay(TYPICAL_MS), () => undefined);
    if (!quiet && faults.strikes('csi-error')) {
      const code = this.#refusal(rpc);
      tell(`: refused with code ${code}`);
      throw new CsiStatus(code, 'injected: nothing was done');
    }
    // A driver that has the volume, or is making it, does not say that it has no room for it.
    const first = rpc === 'CreateVolume' && !this.#asked.has(subjectOf(request));
    if (first && faults.strikes('csi-full')) {
      tell(': RESOURCE_EXHAUSTED');
      throw new CsiStatus(Code.RESOURCE_EXHAUSTED, 'injected: the pool is full');
    }
    const asked = TELLS.has(rpc) ? `${socket} ${rpc} ${textOf(request)}` : undefined;
    const old = asked === undefined ? undefined : this.#oldAnswers.get(asked);
    if (old && faults.strikes('csi-stale-list')) {
      tell(': an old answer');
      return old;
    }
    const lost = !quiet && faults.strikes('csi-lost-answer');
    if (!quiet && faults.strikes('csi-duplicate')) {
      tell(': sent twice');
      wire.unary(method, request, options).catch(() => undefined);
    }
    if (rpc === 'CreateVolume') this.#asked.add(subjectOf(request));
    tell('');
    let response: Message;
    try {
      response = await process.own(wire.unary(method, request, options));
    } catch (error) {
      tell(`: ${(error as Error).message}`);
      throw error;
    }
    if (asked !== undefined) this.#oldAnswers.set(asked, response);
    if (lost) {
      tell(': done, but the answer is lost');
      if (faults.dice('csi-lost-answer').chance(0.5))
        throw new CsiStatus(Code.UNAVAILABLE, 'injected: the connection broke');
      const waitMs = Number.isFinite(options.timeoutMs) ? options.timeoutMs : 1_000;
      await new Promise<void>((resolve) => process.clock.after(waitMs, resolve));
      throw new CsiStatus(Code.DEADLINE_EXCEEDED, 'injected: the answer came too late');
    }
    tell(': OK');
    return response;
  }

  /** A call with many answers: it may be refused, and break off after any of them. */
  async *#stream(
    process: SimProcess,
    wire: Channel,
    method: Method,
    request: Message,
    options: ChannelCallOptions,
  ): AsyncGenerator<Message, void> {
    const { faults, dice, journal } = this.#options;
    const tell = (what: string) => journal.write(process.name, `${method.name} ${subjectOf(request)}${what}`);
    await process.cross(dice.delay(TYPICAL_MS), () => undefined);
    if (faults.strikes('csi-error')) {
      tell(': refused');
      throw new CsiStatus(this.#refusal(method.name), 'injected: nothing was done');
    }
    tell('');
    const answers = wire.stream(method, request, options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await process.own(answers.next());
        if (next.done) return;
        if (faults.strikes('csi-lost-answer')) {
          tell(': broken off');
          throw new CsiStatus(Code.UNAVAILABLE, 'injected: the connection broke');
        }
        await process.cross(dice.delay(TYPICAL_MS), () => undefined);
        yield next.value;
      }
    } finally {
      void answers.return?.();
    }
  }
}

/** Calls that change nothing and tell how things are, or were a while ago. */
const TELLS: ReadonlySet<string> = new Set([
  'ListVolumes',
  'GetCapacity',
  'ControllerGetVolume',
  'ListSnapshots',
  'GetSnapshot',
  'GetVolumeGroupSnapshot',
  'NodeGetVolumeStats',
]);

function textOf(message: Message): string {
  return JSON.stringify(message, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

/** Calls that are asked all the time and change nothing. */
const QUIET: ReadonlySet<string> = new Set([
  'Probe',
  'GetPluginInfo',
  'GetPluginCapabilities',
  'ControllerGetCapabilities',
  'NodeGetCapabilities',
  'NodeGetInfo',
  'GetInfo',
  'NotifyRegistrationStatus',
]);

function pathOf(endpoint: string): string {
  return endpoint.replace(/^unix:(\/\/)?/, '');
}

function subjectOf(request: object): string {
  const { volumeId, name, nodeId, targetPath, stagingTargetPath } = request as Record<string, string>;
  return [volumeId ?? name, nodeId, targetPath ?? stagingTargetPath].filter(Boolean).join(' ');
}
