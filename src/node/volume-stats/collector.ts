import type { Clock, Logger, Random, Timer } from '../../base/index.ts';
import { errorMessage } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import type { Pod, Stored } from '../../kube/index.ts';
import type { VolumeStats } from '../../volume/index.ts';

export interface VolumeStatsCollectorOptions {
  /** The pods of the node. */
  pods(): Iterable<Stored<Pod>>;
  /** How full the volumes of a pod are now, by their names in the pod. */
  volumeStats(podUid: string, signal: AbortSignal): Promise<ReadonlyMap<string, VolumeStats>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly recorder: Pick<EventRecorder, 'event'>;
  /** How often it looks; each look comes up to as much later, so that not all come at once. @default 60000 */
  readonly periodMs?: number;
}

/** What was known of a pod's volumes at some time. */
export interface PodVolumeStats {
  readonly atMs: number;
  readonly volumes: ReadonlyMap<string, VolumeStats>;
}

/** Source: --volume-stats-agg-period of the kubelet. */
const PERIOD_MS = 60_000;

/**
 * Keeps account of how full the volumes of the node's pods are, and tells pods of volumes that are not well.
 * Upstream: fsResourceAnalyzer and volumeStatCalculator of pkg/kubelet/server/stats.
 */
export class VolumeStatsCollector {
  readonly #options: VolumeStatsCollectorOptions;
  readonly #periodMs: number;
  readonly #latest = new Map<string, PodVolumeStats>();
  readonly #looking = new Set<string>();
  readonly #timers = new Set<Timer>();

  constructor(options: VolumeStatsCollectorOptions) {
    this.#options = options;
    this.#periodMs = options.periodMs ?? PERIOD_MS;
  }

  /** As of the last look; undefined before the first. */
  latest(podUid: string): PodVolumeStats | undefined {
    return this.#latest.get(podUid);
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const seek = () => {
      const here = new Map([...this.#options.pods()].map((pod) => [pod.metadata.uid, pod]));
      for (const uid of this.#latest.keys()) if (!here.has(uid)) this.#latest.delete(uid);
      for (const uid of here.keys()) {
        if (this.#looking.has(uid)) continue;
        this.#looking.add(uid);
        void this.#follow(uid, signal);
      }
      this.#after(this.#periodMs, seek);
    };
    if (!signal.aborted) seek();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    for (const timer of this.#timers) timer.cancel();
  }

  /** Looks at a pod again and again, until it has gone. */
  async #follow(uid: string, signal: AbortSignal): Promise<void> {
    const { random } = this.#options;
    const pod = [...this.#options.pods()].find(({ metadata }) => metadata.uid === uid);
    if (!pod || signal.aborted) {
      this.#looking.delete(uid);
      return;
    }
    await this.#look(pod, signal);
    if (!signal.aborted)
      this.#after(this.#periodMs * (1 + random.next()), () => void this.#follow(uid, signal));
  }

  async #look(pod: Stored<Pod>, signal: AbortSignal): Promise<void> {
    const { clock, log, recorder } = this.#options;
    const { uid, name, namespace } = pod.metadata;
    try {
      const volumes = await this.#options.volumeStats(uid, signal);
      this.#latest.set(uid, { atMs: clock.now(), volumes });
      for (const [volume, { condition }] of volumes)
        if (condition?.abnormal)
          recorder.event(pod, 'Warning', 'VolumeConditionAbnormal', `Volume ${volume}: ${condition.message}`);
    } catch (error) {
      if (!signal.aborted)
        log.debug('volumes could not be measured', {
          pod: `${namespace}/${name}`,
          error: errorMessage(error),
        });
    }
  }

  #after(delayMs: number, work: () => void): void {
    const timer = this.#options.clock.after(
      delayMs,
      () => {
        this.#timers.delete(timer);
        work();
      },
      { unref: true },
    );
    this.#timers.add(timer);
  }
}
