import { type Clock, errorMessage, type Logger } from '../../base/index.ts';
import { type Client, Controller } from '../../client/index.ts';
import type { Pod, Stored } from '../../kube/index.ts';
import { mountLabel, type SeLinux } from '../../volume/selinux/index.ts';
import type { ActualStateOfWorld } from './actual-state-of-world.ts';
import type { PodSource } from './contract.ts';
import type { DesiredStateOfWorld } from './desired-state-of-world.ts';
import { expectedVolumes, keepsVolumes, mayStart, usedVolumes } from './pod-volumes.ts';
import { createVolumeSpec } from './volume-spec.ts';

export interface PopulatorOptions {
  readonly client: Client;
  readonly podSource: PodSource;
  readonly desired: DesiredStateOfWorld;
  readonly actual: ActualStateOfWorld;
  readonly seLinux: SeLinux;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called after each pod whose wishes were looked at, whether they changed or not. */
  processed(podUid: string): void;
}

/** A pod whose claims are not ready is looked at again on every change of a claim or volume, and after this. */
const BACKOFF = { initialMs: 100, maxMs: 10_000 };

/**
 * Keeps the desired state of the world equal to what the node's pods wish for. A pod that was understood is not looked
 * at again until it goes, or someone asks. Upstream: populator.DesiredStateOfWorldPopulator, which polls.
 */
export class Populator {
  readonly #options: PopulatorOptions;
  readonly #controller: Controller;
  /** The pods whose volumes are all in the desired state, with the volumes that they used then. */
  readonly #understood = new Map<string, string>();
  readonly #failed = new Set<string>();
  readonly #waiting = new Map<string, Set<() => void>>();
  #hasAddedPods = false;

  constructor(options: PopulatorOptions) {
    this.#options = options;
    this.#controller = new Controller({
      name: 'volume populator',
      clock: options.clock,
      log: options.log,
      backoff: BACKOFF,
      reconcile: (podUid, signal) => this.#process(podUid, signal),
    });
  }

  /** Whether every pod was looked at once: before, what nobody wishes for may still be needed. */
  get hasAddedPods(): boolean {
    return this.#hasAddedPods;
  }

  /** Whether it is known what the pod wishes for. */
  isSettled(podUid: string): boolean {
    return this.#understood.has(podUid) || !this.#keepsVolumes(this.#find(podUid), podUid);
  }

  /** Whether a pod waits for a claim or a volume. */
  get hasFailed(): boolean {
    return this.#failed.size > 0;
  }

  /** Looks at a pod, or at all. */
  enqueue(podUid?: string): void {
    if (podUid !== undefined) {
      this.#controller.enqueue(podUid);
      return;
    }
    const { podSource, desired } = this.#options;
    for (const pod of podSource.pods()) this.#controller.enqueue(pod.metadata.uid);
    for (const uid of desired.pods()) this.#controller.enqueue(uid);
    for (const uid of this.#understood.keys()) this.#controller.enqueue(uid);
  }

  /** Looks again at the pods that could not be understood. */
  enqueueFailed(): void {
    for (const uid of this.#failed) this.#controller.enqueue(uid);
  }

  /** Looks at a pod anew, also setting up again what wants refreshing; resolves when that was done once. */
  reprocess(podUid: string): Promise<void> {
    this.#understood.delete(podUid);
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(podUid) ?? new Set();
      this.#waiting.set(podUid, waiting.add(resolve));
      this.#controller.enqueue(podUid);
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    await this.#addPods(signal);
    if (signal.aborted) return;
    this.#hasAddedPods = true;
    this.#options.processed('');
    await this.#controller.run(signal);
    for (const waiting of this.#waiting.values()) for (const resolve of waiting) resolve();
  }

  /** The first look at all pods, among them those that end but whose containers may still run. */
  async #addPods(signal: AbortSignal): Promise<void> {
    for (const pod of [...this.#options.podSource.pods()]) {
      await this.#process(pod.metadata.uid, signal).catch((error: unknown) => {
        this.#options.log.warn('the volumes of a pod could not be processed', { error: errorMessage(error) });
        this.#controller.enqueue(pod.metadata.uid);
      });
    }
  }

  async #process(podUid: string, signal: AbortSignal): Promise<void> {
    // Who asks while this look is under way wants another one.
    const waiting = this.#waiting.get(podUid);
    this.#waiting.delete(podUid);
    try {
      const pod = this.#find(podUid);
      if (!this.#keepsVolumes(pod, podUid)) {
        this.#options.desired.deletePod(podUid);
        this.#understood.delete(podUid);
        this.#failed.delete(podUid);
      } else if (pod && (mayStart(pod) || !this.#hasAddedPods)) {
        await this.#add(pod, signal);
      }
    } finally {
      for (const resolve of waiting ?? []) resolve();
      this.#options.processed(podUid);
    }
  }

  async #add(pod: Stored<Pod>, signal: AbortSignal): Promise<void> {
    const { client, desired, actual, seLinux } = this.#options;
    const uid = pod.metadata.uid;
    const used = usedVolumes(pod);
    const expected = expectedVolumes(pod).join();
    if (this.#understood.get(uid) === expected) return;
    const failures: string[] = [];
    for (const volume of pod.spec?.volumes ?? []) {
      if (!used.mounts.has(volume.name) && !used.devices.has(volume.name)) continue;
      try {
        const spec = await createVolumeSpec(client, pod, volume, used, signal);
        desired.addPodToVolume(pod, spec, volume.name, await mountLabel(seLinux, pod, volume.name, spec));
      } catch (error) {
        signal.throwIfAborted();
        failures.push(errorMessage(error));
      }
    }
    if (failures.length > 0) {
      for (const message of failures) desired.addError(uid, message);
      this.#failed.add(uid);
      throw new Error(failures.join('; '));
    }
    this.#understood.set(uid, expected);
    this.#failed.delete(uid);
    actual.markRemountRequired(uid);
    desired.popErrors(uid);
  }

  #find(podUid: string): Stored<Pod> | undefined {
    for (const pod of this.#options.podSource.pods()) if (pod.metadata.uid === podUid) return pod;
    return undefined;
  }

  #keepsVolumes(pod: Stored<Pod> | undefined, podUid: string): boolean {
    return keepsVolumes(pod, this.#options.podSource.podMayStillUseVolumes(podUid));
  }
}
