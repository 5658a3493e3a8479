import { type Clock, errorMessage, type Logger, type Timer } from '../../base/index.ts';
import type { Informers } from '../../client/index.ts';
import { csiDrivers } from '../../kube/index.ts';
import {
  allocatableUpdatePeriodMs,
  type CsiDrivers,
  type RegisteredDriver,
} from '../../volume/plugins/csi/index.ts';

export interface AllocatableUpdatesOptions {
  readonly drivers: CsiDrivers;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Running {
  readonly driver: RegisteredDriver;
  readonly periodMs: number;
  timer: Timer;
}

/**
 * Asks registered drivers how many volumes the node takes, as often as their CSIDriver objects say
 * (nodeAllocatableUpdatePeriodSeconds). Upstream: csiNodeUpdater of pkg/volume/csi.
 */
export class AllocatableUpdates {
  readonly #options: AllocatableUpdatesOptions;
  readonly #running = new Map<string, Running>();

  constructor(options: AllocatableUpdatesOptions) {
    this.#options = options;
    options.informers.of(csiDrivers);
  }

  /** Works until the signal aborts; resolves at once. */
  start(signal: AbortSignal): void {
    const { informers, drivers } = this.#options;
    const sync = ({ metadata }: { readonly metadata: { readonly name: string } }) =>
      this.#sync(metadata.name, signal);
    const stops = [
      informers.of(csiDrivers).on({ added: sync, updated: sync, deleted: sync }),
      drivers.onChange((name) => this.#sync(name, signal)),
    ];
    const stop = () => {
      for (const each of stops) each();
      for (const { timer } of this.#running.values()) timer.cancel();
      this.#running.clear();
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  }

  #sync(name: string, signal: AbortSignal): void {
    const driver = this.#options.drivers.get(name);
    const periodMs = allocatableUpdatePeriodMs(this.#options.informers.of(csiDrivers).get(name));
    const running = this.#running.get(name);
    if (running && running.driver === driver && running.periodMs === periodMs) return;
    running?.timer.cancel();
    this.#running.delete(name);
    if (!driver || periodMs === undefined) return;
    const next: Running = { driver, periodMs, timer: this.#after(() => next, signal, periodMs) };
    this.#running.set(name, next);
  }

  #after(running: () => Running, signal: AbortSignal, periodMs: number): Timer {
    const { clock, log } = this.#options;
    const due = async () => {
      const { driver } = running();
      try {
        await driver.updateNodeInfo(signal);
      } catch (error) {
        if (!signal.aborted)
          log.warn('Failed to update CSIDriver', { driver: driver.name, error: errorMessage(error) });
      }
      if (this.#running.get(driver.name) === running())
        running().timer = this.#after(running, signal, periodMs);
    };
    return clock.after(periodMs, () => void due(), { unref: true });
  }
}
