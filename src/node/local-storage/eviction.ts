import type { Clock, Timer } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { isPodTerminal, type Pod, type Stored } from '../../kube/index.ts';
import type { VolumeStats } from '../../volume/index.ts';
import type { Runtime } from '../runtime/index.ts';
import { type ContainerStorage, containerStorage } from './container-storage.ts';
import { exceededLocalStorage, limitsContainers, limitsLocalStorage } from './exceeded.ts';

export interface LocalStorageEvictionOptions {
  readonly host: Pick<Host, 'files'>;
  readonly runtime: Pick<Runtime, 'containers'>;
  readonly clock: Clock;
  readonly source: {
    /** The pods of the node. */
    pods(): Iterable<Stored<Pod>>;
    onChange(callback: () => void): () => void;
  };
  /** How full the volumes of a pod were at the last look, by their names in the pod. */
  volumes(podUid: string): ReadonlyMap<string, VolumeStats> | undefined;
  /** Ends a pod for good. */
  evict(podUid: string, why: string): void;
  /** @default 10000 */
  readonly periodMs?: number;
}

/** Source: evictionMonitoringPeriod of the kubelet. */
const PERIOD_MS = 10_000;

/**
 * Ends the pods that have more on the node's disk than they may. It looks again and again as long as there is a pod with a
 * limit, and rests otherwise.
 */
export class LocalStorageEviction {
  readonly #options: LocalStorageEvictionOptions;
  #timer: Timer | undefined;
  #looking = false;

  constructor(options: LocalStorageEvictionOptions) {
    this.#options = options;
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const stop = this.#options.source.onChange(() => this.#rest(signal));
    this.#rest(signal);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    stop();
    this.#timer?.cancel();
  }

  #rest(signal: AbortSignal): void {
    if (this.#timer || this.#looking || signal.aborted || !this.#anyLimited()) return;
    const { clock, periodMs = PERIOD_MS } = this.#options;
    const look = async () => {
      this.#timer = undefined;
      this.#looking = true;
      for (const pod of [...this.#options.source.pods()])
        if (isLimited(pod) && !signal.aborted) await this.#look(pod);
      this.#looking = false;
      this.#rest(signal);
    };
    this.#timer = clock.after(periodMs, () => void look(), { unref: true });
  }

  /** Asked at each change of any pod: it takes next to no time. */
  #anyLimited(): boolean {
    for (const pod of this.#options.source.pods()) if (isLimited(pod)) return true;
    return false;
  }

  async #look(pod: Stored<Pod>): Promise<void> {
    const { uid } = pod.metadata;
    const volumes = this.#options.volumes(uid) ?? new Map<string, VolumeStats>();
    const containers = limitsContainers(pod) ? await this.#containers(uid) : new Map<string, never>();
    const why = exceededLocalStorage(pod, { volumes, containers });
    if (why !== undefined) this.#options.evict(uid, why);
  }

  async #containers(podUid: string): Promise<ReadonlyMap<string, ContainerStorage>> {
    const { host, runtime } = this.#options;
    const running = runtime.containers(podUid).filter(({ state }) => state === 'running');
    const looks = running.map(
      async (record) => [record.containerName, await containerStorage(host, record)] as const,
    );
    return new Map(await Promise.all(looks));
  }
}

const isLimited = (pod: Stored<Pod>) => !isPodTerminal(pod) && limitsLocalStorage(pod);
