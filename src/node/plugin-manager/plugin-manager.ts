import { type Clock, errorMessage, type Logger, type Timer } from '../../base/index.ts';
import type { Client, Informers } from '../../client/index.ts';
import type { CallRecord, Sockets } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { PendingOperations, pluginsRegistryDirectory } from '../../volume/index.ts';
import type { CsiDrivers } from '../../volume/plugins/csi/index.ts';
import { AllocatableUpdates } from './allocatable-updates.ts';
import { findSockets } from './find-sockets.ts';
import { NodeInfoManager } from './node-info-manager.ts';
import { type Registration, Registrations } from './registration.ts';

export interface PluginManagerOptions {
  readonly host: Pick<Host, 'files'>;
  readonly client: Client;
  readonly informers: Informers;
  readonly nodeName: string;
  /** The kubelet's root directory; sockets are looked for in its plugins_registry. */
  readonly nodeRoot: string;
  /** Filled with the drivers that register. */
  readonly drivers: CsiDrivers;
  readonly clock: Clock;
  readonly log: Logger;
  /** @default gRPC over Unix sockets */
  readonly sockets?: Sockets;
  /** Told of every call to a driver that has ended. */
  readonly onCall?: (driver: string) => (call: CallRecord) => void;
}

/** The directory is looked at this often even if no event came. */
const RESCAN_MS = 10_000;

/** One name for all that is done about a socket, so that what fails holds up the rest too. Upstream: goroutinemap. */
const OPERATION = 'plugin';

/**
 * Registers the CSI drivers whose sockets appear in plugins_registry, and unregisters those whose sockets go. What
 * fails is tried again with a growing back-off. Upstream: pkg/kubelet/pluginmanager.
 */
export function createPluginManager(options: PluginManagerOptions): PluginManager {
  return new PluginManager(options);
}

class PluginManager {
  readonly name = 'plugin-manager';
  readonly #options: PluginManagerOptions;
  readonly #directory: string;
  readonly #nodeInfo: NodeInfoManager;
  readonly #registrations: Registrations;
  readonly #allocatable: AllocatableUpdates;
  readonly #pending: PendingOperations;
  /** Sockets that are there, with what tells each from a later one at its path. */
  #sockets: ReadonlyMap<string, string> = new Map();
  /** Sockets whose driver is registered. */
  readonly #registered = new Map<string, { registration: Registration; identity: string }>();
  readonly #watches = new Map<string, () => void>();
  #scanning: Promise<void> | undefined;
  #scanAgain = false;
  #signal: AbortSignal | undefined;

  constructor(options: PluginManagerOptions) {
    this.#options = options;
    const { client, informers, nodeName, clock, drivers, log, sockets, onCall } = options;
    this.#directory = pluginsRegistryDirectory(options.nodeRoot);
    this.#nodeInfo = new NodeInfoManager({ client, informers, nodeName, clock });
    this.#registrations = new Registrations({
      drivers,
      nodeInfo: this.#nodeInfo,
      clock,
      log,
      sockets,
      onCall,
    });
    this.#allocatable = new AllocatableUpdates({ drivers, informers, clock, log });
    this.#pending = new PendingOperations({
      clock,
      settled: (_key, error, { retryAfterMs }) => {
        if (error !== undefined && !this.#signal?.aborted) {
          log.warn(errorMessage(error), { retryAfterMs });
          clock.after(retryAfterMs + 1, () => this.#reconcile(), { unref: true });
        }
        this.#reconcile();
      },
    });
  }

  /** Works until the signal aborts; drivers stay registered. Rejects if the directory cannot be made. */
  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const { host, clock, log } = this.#options;
    await host.files.makeDirectory(this.#directory, 0o750);
    this.#watch([this.#directory]);
    this.#allocatable.start(signal);
    let timer: Timer;
    const rescan = () => {
      this.#scan();
      timer = clock.after(RESCAN_MS, rescan, { unref: true });
    };
    rescan();
    const initialized = this.#nodeInfo.initialize(signal, (error) =>
      log.warn('the CSINode could not be made', { error: errorMessage(error) }),
    );
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    timer!.cancel();
    for (const stop of this.#watches.values()) stop();
    this.#watches.clear();
    await Promise.all([initialized, this.#scanning, this.#pending.idle()]);
    this.#registrations.close();
  }

  #watch(directories: readonly string[]): void {
    for (const path of directories) {
      if (this.#watches.has(path)) continue;
      try {
        this.#watches.set(
          path,
          this.#options.host.files.watchDirectory(path, () => this.#scan()),
        );
      } catch (error) {
        this.#options.log.warn('a directory cannot be watched; it is looked at now and then', {
          path,
          error: errorMessage(error),
        });
      }
    }
    for (const [path, stop] of this.#watches) {
      if (directories.includes(path) || path === this.#directory) continue;
      stop();
      this.#watches.delete(path);
    }
  }

  #scan(): void {
    if (this.#signal?.aborted) return;
    if (this.#scanning) {
      this.#scanAgain = true;
      return;
    }
    this.#scanning = this.#look()
      .catch((error: unknown) => {
        this.#options.log.warn(`${this.#directory} could not be read`, { error: errorMessage(error) });
      })
      .finally(() => {
        this.#scanning = undefined;
        if (!this.#scanAgain) return;
        this.#scanAgain = false;
        this.#scan();
      });
  }

  async #look(): Promise<void> {
    const found = await findSockets(this.#options.host.files, this.#directory);
    if (this.#signal?.aborted) return;
    for (const [path, identity] of this.#sockets) {
      // A new socket is a new driver: what failed before says nothing of it.
      if (found.sockets.get(path) !== identity) this.#pending.forget(path);
    }
    this.#sockets = found.sockets;
    this.#watch(found.directories);
    this.#reconcile();
  }

  /** Unregistering comes first: a driver that moved to another socket keeps its name. */
  #reconcile(): void {
    const signal = this.#signal;
    if (!signal || signal.aborted) return;
    for (const [path, { registration, identity }] of this.#registered) {
      if (this.#sockets.get(path) === identity) continue;
      this.#pending.run({ volume: path }, OPERATION, async () => {
        await this.#registrations.unregister(registration, signal);
        this.#registered.delete(path);
      });
    }
    for (const [path, identity] of this.#sockets) {
      if (this.#registered.get(path)?.identity === identity) continue;
      this.#pending.run({ volume: path }, OPERATION, async () => {
        const registration = await this.#registrations.register(path, signal);
        this.#registered.set(path, { registration, identity });
      });
    }
  }
}
