import { isDeepStrictEqual } from 'node:util';
import { errorMessage } from '../../base/index.ts';
import { Informers } from '../../client/index.ts';
import { type Pod, pods, type Stored } from '../../kube/index.ts';
import type { PodDependencies } from './dependencies.ts';
import { PodWorker } from './pod-worker.ts';

const BY_NODE = 'spec.nodeName';
/** A container that nobody has a pod for gets this between SIGTERM and SIGKILL. */
const ORPHAN_GRACE_SECONDS = 2;

/** What the volume manager asks about the node's pods (its PodSource). */
export interface PodSource {
  pods(): Iterable<Stored<Pod>>;
  onChange(callback: (podUid?: string, edited?: boolean) => void): () => void;
  podMayStillUseVolumes(podUid: string): boolean;
  readonly hasSynced: boolean;
}

export interface PodManagerOptions extends Omit<PodDependencies, 'volumes'> {
  readonly informers: Informers;
}

/** The pods of one node: a worker for each. */
export class PodManager {
  readonly #options: PodManagerOptions;
  readonly #workers = new Map<string, PodWorker>();
  /** Pods that we are done with and that the cache still holds. */
  readonly #done = new Set<string>();
  readonly #callbacks = new Set<(podUid?: string, edited?: boolean) => void>();
  readonly #life = new AbortController();
  readonly #opened = Promise.withResolvers<void>();
  #dependencies: PodDependencies | undefined;
  #running = false;
  /** Containers are being stopped for good; their pods are no longer ours. */
  #stopping = false;

  /** What the volume manager is made with. */
  readonly source: PodSource;

  constructor(options: PodManagerOptions) {
    this.#options = options;
    const informer = options.informers.of(pods).addIndex(BY_NODE, (pod) => [pod.spec?.nodeName ?? '']);
    const manager = this;
    this.source = {
      pods: () => (this.#stopping ? [] : this.pods()),
      onChange: (callback) => {
        this.#callbacks.add(callback);
        return () => this.#callbacks.delete(callback);
      },
      podMayStillUseVolumes: (podUid) => this.#podMayStillUseVolumes(podUid),
      get hasSynced() {
        return manager.#stopping || (informer.hasSynced && manager.#running);
      },
    };
  }

  /** Resolves once those of an earlier life are adopted. */
  get containersKnown(): Promise<void> {
    return this.#opened.promise;
  }

  /**
   * Adopts the containers of an earlier life, then runs pods until the signal aborts. Containers go on after it;
   * `stopAll` ends them.
   */
  async start(volumes: PodDependencies['volumes'], signal: AbortSignal): Promise<void> {
    const { informers, runtime, nodeName } = this.#options;
    const informer = informers.of(pods);
    this.#dependencies = { ...this.#options, volumes };
    const opened = runtime.open();
    // What has failed ends the node; nobody is answered then.
    opened.then(this.#opened.resolve, () => undefined);
    await Promise.all([opened, Informers.synced(signal, informer)]);
    if (signal.aborted) return runtime.close();
    this.#running = true;
    const stopListening = [
      runtime.onExit((record) => this.#workers.get(record.podUid)?.wake()),
      informer.on(
        {
          added: (pod) => this.#update(pod),
          updated: (pod, previous) => {
            if (previous.metadata.uid !== pod.metadata.uid) this.#remove(previous);
            if (pod.spec?.nodeName === nodeName) this.#update(pod, wasEdited(previous, pod));
          },
          deleted: (pod) => this.#remove(pod),
        },
        { index: BY_NODE, value: nodeName },
      ),
    ];
    this.#stopOrphans();
    this.#tell();
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    });
    for (const stop of stopListening) stop();
    this.#life.abort(signal.reason);
    await Promise.all([...this.#workers.values()].map((worker) => worker.done));
    await runtime.close();
  }

  /**
   * Stops every container of the node and removes what is left of it; pods stay in the API, and the next start runs
   * them again. `pods()` is empty from here on, so that the volume manager unmounts. Call it before the signal of
   * `start` aborts.
   */
  async stopAll(graceSeconds: number): Promise<void> {
    this.#stopping = true;
    this.#tell();
    const workers = [...this.#workers.values()];
    for (const worker of workers) worker.stop(graceSeconds);
    await Promise.all(workers.map((worker) => worker.done));
  }

  /** Ends a pod for good, and soon. */
  evict(podUid: string, why: string): void {
    this.#workers.get(podUid)?.evict(why);
  }

  /** The pods that are bound to this node. */
  pods(): readonly Stored<Pod>[] {
    const { informers, nodeName } = this.#options;
    return informers.of(pods).byIndex(BY_NODE, nodeName);
  }

  #update(pod: Stored<Pod>, edited = false): void {
    const { uid } = pod.metadata;
    const worker = this.#workers.get(uid);
    if (worker) worker.update(pod);
    else if (!this.#stopping && !this.#done.has(uid)) this.#add(pod);
    this.#tell(uid, edited);
  }

  #add(pod: Stored<Pod>): void {
    const { uid } = pod.metadata;
    const worker = new PodWorker(this.#dependencies!, pod, this.#life.signal, () => this.#tell(uid));
    this.#workers.set(uid, worker);
    void worker.done.then(() => {
      this.#workers.delete(uid);
      const { name, namespace } = pod.metadata;
      if (this.#options.informers.of(pods).get(name, namespace)?.metadata.uid === uid) this.#done.add(uid);
      this.#tell(uid);
    });
  }

  #remove(pod: Stored<Pod>): void {
    const { uid } = pod.metadata;
    this.#done.delete(uid);
    this.#workers.get(uid)?.remove();
    this.#tell(uid);
  }

  /** Containers whose pod went while nobody looked. */
  #stopOrphans(): void {
    const { runtime, log } = this.#options;
    for (const record of runtime.containers()) {
      if (this.#workers.has(record.podUid)) continue;
      log.info('stopping a container whose pod is gone', {
        pod: record.podName,
        container: record.containerName,
      });
      void (async () => {
        await runtime.stop(record.id, ORPHAN_GRACE_SECONDS);
        await runtime.remove(record.id);
        await runtime.removeLogs(record);
        this.#tell(record.podUid);
      })().catch((error) =>
        log.warn('cannot stop a container whose pod is gone', { error: errorMessage(error) }),
      );
    }
  }

  #podMayStillUseVolumes(podUid: string): boolean {
    if (this.#done.has(podUid)) return false;
    // Before the containers of an earlier life are known, any pod may have some.
    if (!this.#running) return true;
    const worker = this.#workers.get(podUid);
    if (worker) return worker.mayUseVolumes;
    return this.#options.runtime.containers(podUid).some(({ state }) => state === 'running');
  }

  #tell(podUid?: string, edited?: boolean): void {
    for (const callback of this.#callbacks) callback(podUid, edited);
  }
}

/** Whether somebody has changed more than the status of a pod (podsDifferSemantically of the kubelet). */
function wasEdited(previous: Stored<Pod>, pod: Stored<Pod>): boolean {
  const edits = ({ metadata }: Stored<Pod>) => [metadata.generation, metadata.labels, metadata.annotations];
  return !isDeepStrictEqual(edits(previous), edits(pod));
}
