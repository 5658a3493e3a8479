import {
  aborted,
  type BackoffPolicy,
  backoffDelay,
  type Clock,
  errorMessage,
  type Logger,
} from '../../../base/index.ts';
import type { Component } from '../../../client/index.ts';
import type { Host } from '../../../host/index.ts';
import { isQualifiedName } from '../../../kube/index.ts';
import type { Findable, PluginProber } from '../../plugin.ts';
import { DirectoryWatches } from './directory-watches.ts';
import { driverNameOf, FlexDriver } from './driver.ts';
import { type FoundDriver, findDrivers } from './find-drivers.ts';

export interface FlexVolumeProberOptions {
  readonly host: Pick<Host, 'files' | 'processes'>;
  /** The kubelet's --volume-plugin-dir. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long a driver's call may take. @default 10 minutes */
  readonly callLimitMs?: number;
}

/** A driver that does not answer its init keeps nobody waiting for longer. */
const INIT_LIMIT_MS = 10_000;
/** A driver that is being copied cannot be run yet. */
const INIT_BACKOFF: BackoffPolicy = { initialMs: 50, maxMs: 30_000 };
/** The directory is looked at this often even if no event came. */
const RESCAN_MS = 30_000;

interface Known {
  readonly driver: FlexDriver;
  /** Of the executable that was asked last; '' when there is none. */
  identity: string;
  /** Its init succeeded. */
  usable: boolean;
  failures: number;
  /** Monotonic time before which the same executable is not asked again. */
  retryAt: number;
  asking?: Promise<void>;
}

const NOT_THERE = { identity: '', usable: false, failures: 0, retryAt: 0 };

/** @throws Error when the driver cannot be used. */
async function initialize(driver: FlexDriver, signal: AbortSignal): Promise<void> {
  const problems = isQualifiedName(driver.name);
  if (problems.length > 0)
    throw new Error(`volume plugin has invalid name: ${JSON.stringify(driver.name)}: ${problems.join(';')}`);
  await driver.init({ signal, limitMs: INIT_LIMIT_MS });
}

/**
 * The FlexVolume drivers in a directory, as they come, change and go. A driver whose init succeeds can be used. Source:
 * probe.go of pkg/volume/flexvolume, which looks when it is asked.
 */
export class FlexVolumeProber implements Component {
  readonly name = 'flexvolume prober';
  readonly #options: FlexVolumeProberOptions;
  /** By the name of their directory; also those that have gone, for what they have mounted. */
  readonly #known = new Map<string, Known>();
  readonly #watches: DirectoryWatches;
  readonly #listeners = new Set<() => void>();
  readonly #probed = Promise.withResolvers<void>();
  #scanning: Promise<void> | undefined;
  #scanAgain = false;
  #signal: AbortSignal | undefined;

  constructor(options: FlexVolumeProberOptions) {
    this.#options = options;
    this.#watches = new DirectoryWatches(options.host.files, options.log, () => this.#scan());
  }

  /** Plugins for its drivers: one each, the same as long as the process lives. */
  plugins<P extends Findable>(create: (driver: FlexDriver) => P): PluginProber<P> {
    const made = new Map<FlexDriver, P>();
    const pluginOf = (driver: FlexDriver): P => {
      const plugin = made.get(driver) ?? create(driver);
      made.set(driver, plugin);
      return plugin;
    };
    return {
      all: () =>
        [...this.#known.values()].filter(({ usable }) => usable).map(({ driver }) => pluginOf(driver)),
      probed: this.#probed.promise,
      onChange: (callback) => {
        this.#listeners.add(callback);
        return () => this.#listeners.delete(callback);
      },
    };
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const { clock } = this.#options;
    let timer = clock.after(0, () => undefined);
    const rescan = () => {
      this.#scan();
      timer = clock.after(RESCAN_MS, rescan, { unref: true });
    };
    rescan();
    void this.#settled().then(() => this.#probed.resolve());
    await aborted(signal);
    timer.cancel();
    this.#watches.close();
    await this.#settled();
  }

  /** Resolves once all that was found has answered. */
  async #settled(): Promise<void> {
    await this.#scanning;
    await Promise.all([...this.#known.values()].map(({ asking }) => asking));
  }

  #scan(): void {
    if (this.#signal?.aborted) return;
    this.#scanAgain = true;
    this.#scanning ??= this.#scanUntilQuiet().finally(() => {
      this.#scanning = undefined;
    });
  }

  async #scanUntilQuiet(): Promise<void> {
    while (this.#scanAgain && !this.#signal?.aborted) {
      this.#scanAgain = false;
      try {
        await this.#look();
      } catch (error) {
        this.#options.log.warn('the FlexVolume directory cannot be read', {
          directory: this.#options.directory,
          error: errorMessage(error),
        });
      }
    }
  }

  async #look(): Promise<void> {
    const { host, directory } = this.#options;
    const { drivers, watched } = await findDrivers(host.files, directory);
    // What came between the look and the watch is seen by another look.
    if (this.#watches.keep(watched)) this.#scanAgain = true;
    this.#forgetAllBut(new Set(drivers.map((driver) => driver.directory)));
    for (const found of drivers) this.#take(found);
  }

  #forgetAllBut(present: ReadonlySet<string>): void {
    let changed = false;
    for (const [name, known] of this.#known) {
      if (present.has(name)) continue;
      changed ||= known.usable;
      Object.assign(known, NOT_THERE);
    }
    if (changed) this.#notify();
  }

  /** Has a new or changed driver asked what it can do, in the background: one that hangs holds up no other. */
  #take(found: FoundDriver): void {
    const { host, clock, callLimitMs } = this.#options;
    let known = this.#known.get(found.directory);
    if (!known) {
      const { directory, executable } = found;
      const driver = new FlexDriver({ host, name: driverNameOf(directory), executable, callLimitMs });
      known = { ...NOT_THERE, driver };
      this.#known.set(directory, known);
    }
    const isSame = known.identity === found.identity;
    if (known.asking || (isSame && clock.monotonic() < known.retryAt)) return;
    if (!isSame) Object.assign(known, { identity: found.identity, failures: 0 });
    known.asking = this.#ask(known, found).finally(() => {
      known.asking = undefined;
      // It may have changed meanwhile.
      this.#scan();
    });
  }

  async #ask(known: Known, { directory, identity }: FoundDriver): Promise<void> {
    const { clock, log } = this.#options;
    const wasUsable = known.usable;
    try {
      await initialize(known.driver, this.#signal!);
      if (known.identity !== identity) return;
      Object.assign(known, { usable: true, retryAt: Number.POSITIVE_INFINITY });
      log.info('FlexVolume driver found', { driver: known.driver.name, ...known.driver.capabilities });
      this.#notify();
    } catch (error) {
      if (this.#signal?.aborted) return;
      const failures = known.failures + 1;
      const delayMs = backoffDelay(INIT_BACKOFF, failures);
      Object.assign(known, { usable: false, failures, retryAt: clock.monotonic() + delayMs });
      clock.after(delayMs + 1, () => this.#scan(), { unref: true });
      log.warn(`error creating Flexvolume plugin from directory ${directory}, skipping`, {
        error: errorMessage(error),
      });
      if (wasUsable) this.#notify();
    }
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
