import { errorMessage, rfc3339 } from '../../../base/index.ts';
import {
  changedPodConditions,
  isBeingDeleted,
  isNotFound,
  type Pod,
  pods,
  type Stored,
} from '../../../kube/index.ts';
import type { PluginHandle } from '../../plugin.ts';
import type { PodInfo } from '../../pod-info.ts';
import type { Victims } from './victims.ts';

/** Carries preemptions out beside the scheduling cycles. */
export class Evictions {
  readonly #handle: PluginHandle;
  /** What is being evicted for a pod, by its uid. */
  readonly #victims = new Map<string, readonly Stored<Pod>[]>();

  constructor(handle: PluginHandle) {
    this.#handle = handle;
  }

  /** Whether a victim of the pod has still to be told to go: trying the pod again would only find others. */
  isPending(uid: string): boolean {
    const victims = this.#victims.get(uid);
    if (!victims) return false;
    const known = this.#handle.informers.of(pods);
    const isPending = victims.some(({ metadata: { namespace, name, uid: victimUid } }) => {
      const now = known.get(name, namespace);
      return now?.metadata.uid === victimUid && !isBeingDeleted(now);
    });
    if (!isPending) this.#victims.delete(uid);
    return isPending;
  }

  begin(preemptor: PodInfo, victims: Victims): void {
    const { nominator, activate, log } = this.#handle;
    const leaving = victims.pods.map(({ pod }) => pod).filter((pod) => !isBeingDeleted(pod));
    const outranked = [...nominator.on(victims.nodeName)].filter(
      (other) => other.priority < preemptor.priority && other.uid !== preemptor.uid,
    );
    for (const other of outranked) nominator.set(other, '');
    if (leaving.length === 0 && outranked.length === 0) return;
    this.#victims.set(preemptor.uid, leaving);
    const evict = (victim: Stored<Pod>) => this.#evict(preemptor.pod, victim, victims.nodeName);
    void Promise.allSettled([...leaving.map(evict), ...outranked.map((other) => this.#clear(other))]).then(
      (outcomes) => {
        const failed = outcomes.find((outcome) => outcome.status === 'rejected');
        if (!failed) return;
        log.warn('a preemption failed; the pod is tried again', {
          pod: preemptor.key,
          error: errorMessage(failed.reason),
        });
        this.#victims.delete(preemptor.uid);
        activate(preemptor.key);
      },
    );
  }

  /** Marks the victim, deletes it and tells its user. One that is gone is no failure. */
  async #evict(preemptor: Stored<Pod>, victim: Stored<Pod>, nodeName: string): Promise<void> {
    const { client, clock, recorder } = this.#handle;
    const { namespace, name, uid } = victim.metadata;
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: `${preemptor.spec?.schedulerName}: preempting to accommodate a higher priority pod`,
    };
    const conditions = changedPodConditions(victim, condition, rfc3339(clock.now()));
    try {
      if (conditions) {
        const body = {
          metadata: { uid },
          status: { conditions: [conditions.find(({ type }) => type === condition.type)] },
        };
        await client.patch(pods, { namespace, name }, { type: 'strategic', body }, { subresource: 'status' });
      }
      await client.delete(pods, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
    recorder.event(
      victim,
      'Normal',
      'Preempted',
      `Preempted by pod ${preemptor.metadata.uid} on node ${nodeName}`,
      { action: 'Preempting', related: preemptor },
    );
  }

  /** A pod of lower priority may no longer fit where it was promised room; it finds another place sooner so. */
  async #clear({ pod }: PodInfo): Promise<void> {
    if (!pod.status?.nominatedNodeName) return;
    const { namespace, name, uid } = pod.metadata;
    const body = { metadata: { uid }, status: { nominatedNodeName: null } };
    try {
      await this.#handle.client.patch(
        pods,
        { namespace, name },
        { type: 'strategic', body },
        { subresource: 'status' },
      );
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
  }
}
