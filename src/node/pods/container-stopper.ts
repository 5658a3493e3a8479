import { errorMessage } from '../../base/index.ts';
import { containerOf, type Pod, type Stored } from '../../kube/index.ts';
import type { ContainerRecord } from '../runtime/index.ts';
import type { ContainerEvents } from './container-events.ts';
import type { PodDependencies } from './dependencies.ts';
import { hookTarget, runHook } from './lifecycle-hook.ts';
import { stopContainers } from './stop-containers.ts';

/** Ends containers of one pod: their preStop hooks, their grace, and less of it when there is suddenly no time. */
export class ContainerStopper {
  readonly #dependencies: PodDependencies;
  readonly #events: ContainerEvents;
  /** Containers whose preStop hook has been begun. */
  readonly #hooked = new Set<string>();
  /** Aborts when those that are being stopped have to hurry. */
  #hurry = new AbortController();

  constructor(dependencies: PodDependencies, events: ContainerEvents) {
    this.#dependencies = dependencies;
    this.#events = events;
  }

  /** Those that are being stopped wait no longer for their hooks. */
  hurry(): void {
    this.#hurry.abort();
    this.#hurry = new AbortController();
  }

  /** Resolves when they have ended. `order`: which containers wait for the end of which. */
  stop(
    pod: Stored<Pod>,
    records: readonly ContainerRecord[],
    graceSeconds: number,
    order: ReadonlyMap<string, readonly string[]> = new Map(),
  ): Promise<void> {
    const { runtime, clock } = this.#dependencies;
    const stoppings = records.map((record) => ({
      name: record.containerName,
      preStop: this.#preStop(pod, record),
      stop: (seconds: number) => runtime.stop(record.id, seconds),
    }));
    return stopContainers(clock, stoppings, graceSeconds, order, this.#hurry.signal);
  }

  /** Once for each container, however often it is stopped. */
  #preStop(pod: Stored<Pod>, record: ContainerRecord): (() => Promise<void>) | undefined {
    const container = containerOf(pod, record.containerName);
    const handler = container?.lifecycle?.preStop;
    if (!container || !handler || this.#hooked.has(record.id)) return undefined;
    return async () => {
      this.#hooked.add(record.id);
      const target = hookTarget(this.#dependencies, record.id);
      try {
        await runHook(handler, pod, container, target, this.#hurry.signal);
      } catch (error) {
        if (this.#hurry.signal.aborted) return;
        this.#dependencies.log.info('a preStop hook failed', { error: errorMessage(error) });
        // Its words stay out of the event: they may hold secrets.
        this.#events.tell(pod, container, 'Warning', 'FailedPreStopHook', 'PreStopHook failed');
      }
    };
  }
}
