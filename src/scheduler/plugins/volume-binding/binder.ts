import type { Clock } from '../../../base/index.ts';
import type { Client, Informer, Informers } from '../../../client/index.ts';
import {
  ANN_SELECTED_NODE,
  annotation,
  csiNodes,
  isBeingDeleted,
  isBoundToClaim,
  joinKey,
  keyOf,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Stored,
  volumeClass,
  withAnnotations,
} from '../../../kube/index.ts';
import { withClaimRef } from '../../../volume/binding/index.ts';
import { sameJson } from '../../cluster-events.ts';
import type { PodInfo } from '../../pod-info.ts';
import { AssumeCache } from './assume-cache.ts';
import { checkBindings } from './check-bindings.ts';
import type { PodVolumes } from './pod-volumes.ts';
import { WakeList } from './wake-list.ts';
import { writeHeld } from './write-held.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

/** What is assumed, then written, for one pod; a write puts the server's version in the place of the assumed one. */
export interface AssumedVolumes {
  bindings: { claim: Claim; volume: Volume }[];
  provisions: Claim[];
}

export interface VolumeBinderOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  /** How long a pod waits for its claims to be bound once a node is chosen, in milliseconds. */
  readonly bindTimeoutMs: number;
}

const BY_CLASS = 'scheduler: class and claim';

/** Holds volumes and claims for pods: first in memory, then in the API, then waits until the claims are bound. */
export class VolumeBinder {
  readonly volumes: AssumeCache<PersistentVolume>;
  readonly claims: AssumeCache<PersistentVolumeClaim>;
  readonly #options: VolumeBinderOptions;
  readonly #wakeList = new WakeList();
  readonly #volumeInformer: Informer<PersistentVolume>;
  readonly #claimInformer: Informer<PersistentVolumeClaim>;

  constructor(options: VolumeBinderOptions) {
    this.#options = options;
    this.#volumeInformer = options.informers.of(persistentVolumes).addIndex(BY_CLASS, (volume) => {
      const reference = volume.spec?.claimRef;
      return [classIndex(volume, reference && joinKey(reference.namespace, reference.name ?? ''))];
    });
    this.#claimInformer = options.informers.of(persistentVolumeClaims);
    this.volumes = new AssumeCache(this.#volumeInformer);
    this.claims = new AssumeCache(this.#claimInformer);
  }

  /** Follows the informers until the returned function is called. */
  start(): () => void {
    const { informers } = this.#options;
    const wake = (kind: string) => {
      const call = (object: Stored<object>) => this.#wakeList.changed(`${kind}/${keyOf(object)}`);
      return { added: call, updated: call, deleted: call };
    };
    const wakeByVolume = (volume: Volume) => {
      this.#wakeList.changed(`pv/${volume.metadata.name}`);
      const reference = volume.spec?.claimRef;
      if (reference) this.#wakeList.changed(`pvc/${joinKey(reference.namespace, reference.name ?? '')}`);
    };
    const stops = [
      this.volumes.follow(),
      this.claims.follow(),
      this.#volumeInformer.on({ added: wakeByVolume, updated: wakeByVolume, deleted: wakeByVolume }),
      this.#claimInformer.on(wake('pvc')),
      informers.of(nodes).on(wake('node')),
      informers.of(pods).on(wake('pod')),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** The volumes of the claim's class that are free or held for it. */
  volumesFor(claim: Claim, className: string): readonly Volume[] {
    return [
      ...this.volumes.byIndex(BY_CLASS, classIndexOf(className, keyOf(claim))),
      ...this.volumes.byIndex(BY_CLASS, classIndexOf(className, undefined)),
    ];
  }

  /** Takes volumes and claims in memory, so that the next pod's cycle leaves them alone. All or nothing. */
  assume({ bindings, provisions }: PodVolumes, nodeName: string): AssumedVolumes {
    const assumed: AssumedVolumes = { bindings: [], provisions: [] };
    try {
      for (const { claim, volume } of bindings) {
        const held = withClaimRef(volume, claim);
        if (held) this.volumes.assume(held);
        assumed.bindings.push({ claim, volume: held ?? volume });
      }
      for (const claim of provisions) {
        const selected = selectedFor(claim, nodeName);
        this.claims.assume(selected);
        assumed.provisions.push(selected);
      }
      return assumed;
    } catch (error) {
      this.revert(assumed);
      throw error;
    }
  }

  /** Gives back what was assumed and not written. */
  revert({ bindings, provisions }: AssumedVolumes): void {
    for (const { volume } of bindings) this.volumes.restore(volume);
    for (const claim of provisions) this.claims.restore(claim);
  }

  /**
   * Writes what was assumed, and waits until every claim is bound.
   * @throws Error when a write fails, or the claims will never be bound for this node, or not in time.
   */
  async bind(pod: PodInfo, nodeName: string, assumed: AssumedVolumes, signal: AbortSignal): Promise<void> {
    await this.#write(assumed, signal);
    try {
      await this.#bound(pod, nodeName, assumed, signal);
    } catch (error) {
      throw new Error(`binding volumes: ${(error as Error).message}`, { cause: error });
    }
  }

  async #write(assumed: AssumedVolumes, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    // Side by side: each write waits for the disk, and none of them depends on another.
    const outcomes = await Promise.allSettled([
      ...assumed.bindings.map(async (binding) => {
        const { volume, claim } = binding;
        const redo = (latest: Volume) =>
          isSameOffer(volume, latest, claim) ? (withClaimRef(latest, claim) ?? latest) : undefined;
        binding.volume = await writeHeld(client, persistentVolumes, volume, redo, signal);
      }),
      ...assumed.provisions.map(async (claim, index) => {
        const selected = annotation(claim, ANN_SELECTED_NODE)!;
        const redo = (latest: Claim) =>
          isStillUnbound(latest, selected) ? selectedFor(latest, selected) : undefined;
        assumed.provisions[index] = await writeHeld(client, persistentVolumeClaims, claim, redo, signal);
      }),
    ]);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  #bound(pod: PodInfo, nodeName: string, assumed: AssumedVolumes, signal: AbortSignal): Promise<void> {
    const { informers, clock, bindTimeoutMs } = this.#options;
    const view = {
      node: (name: string) => informers.of(nodes).byKey(name),
      csiNode: (name: string) => informers.of(csiNodes).byKey(name),
      isPodThere: () => informers.of(pods).byKey(pod.key)?.metadata.uid === pod.uid,
      volume: (name: string) => this.volumes.fromServer(name),
      claim: (key: string) => this.claims.fromServer(key),
    };
    const keys = [
      `pod/${pod.key}`,
      `node/${nodeName}`,
      ...assumed.bindings.map(({ volume }) => `pv/${volume.metadata.name}`),
      ...[...assumed.bindings.map(({ claim }) => claim), ...assumed.provisions].map(
        (claim) => `pvc/${keyOf(claim)}`,
      ),
    ];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = () => {
      try {
        if (checkBindings(assumed, { name: pod.pod.metadata.name, nodeName }, view)) resolve();
      } catch (error) {
        reject(error);
      }
    };
    const stopWaking = this.#wakeList.add(keys, check);
    const timer = clock.after(bindTimeoutMs, () => reject(new Error('context deadline exceeded')), {
      unref: true,
    });
    const abort = () => reject(new Error('the scheduler is stopping'));
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    else check();
    return promise.finally(() => {
      stopWaking();
      timer.cancel();
      signal.removeEventListener('abort', abort);
    });
  }
}

function selectedFor(claim: Claim, nodeName: string): Claim {
  return withAnnotations(claim, { [ANN_SELECTED_NODE]: nodeName });
}

/** Whether the volume is still what was chosen: unchanged but for its metadata and status, and not taken by another. */
function isSameOffer(chosen: Volume, latest: Volume, claim: Claim): boolean {
  const { claimRef: _, ...before } = chosen.spec ?? {};
  const { claimRef, ...now } = latest.spec ?? {};
  if (isBeingDeleted(latest) || !sameJson(before, now)) return false;
  return claimRef === undefined || isBoundToClaim(latest, claim);
}

/** Whether the claim may still be sent to the node: unbound, staying, and not sent elsewhere. */
function isStillUnbound(latest: Claim, nodeName: string): boolean {
  const selected = annotation(latest, ANN_SELECTED_NODE) ?? nodeName;
  return !latest.spec?.volumeName && !isBeingDeleted(latest) && selected === nodeName;
}

function classIndex(volume: PersistentVolume, claimKey: string | undefined): string {
  return classIndexOf(volumeClass(volume), claimKey);
}

function classIndexOf(className: string, claimKey: string | undefined): string {
  return `${className}\u0000${claimKey ?? ''}`;
}
