import { isBeingDeleted, type Pod, type StatefulSet, type Stored } from '../../kube/index.ts';
import { isCreated, isUnavailable, revisionOf } from './pod-state.ts';
import { updateStrategy } from './status.ts';

/**
 * The pods to delete so that they come back at the update revision, from the highest ordinal down to the partition.
 * Without maxUnavailable one at a time, each available before the next; with it, as many as may be unavailable
 * together. None with OnDelete.
 * @param replicas the pods of the range in the order of their ordinals
 */
export function podsToUpdate(
  set: StatefulSet,
  replicas: readonly Pod[],
  updateRevision: string,
  nowMs: number,
): Stored<Pod>[] {
  if (updateStrategy(set) === 'OnDelete') return [];
  const { partition = 0, maxUnavailable } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const unavailable = (pod: Pod) => isUnavailable(pod, minReadySeconds, nowMs);
  const outdated = (pod: Pod): pod is Stored<Pod> =>
    isCreated(pod) && revisionOf(pod) !== updateRevision && !isBeingDeleted(pod);
  const candidates = replicas.slice(partition).reverse();

  if (maxUnavailable === undefined) {
    const next = candidates.find((pod) => outdated(pod) || unavailable(pod));
    return next && outdated(next) ? [next] : [];
  }
  const allowed = scaledMaxUnavailable(maxUnavailable, replicas.length) - replicas.filter(unavailable).length;
  return candidates.filter(outdated).slice(0, Math.max(0, allowed));
}

/** A number, or a percentage of the replicas rounded down; at least 1. */
function scaledMaxUnavailable(value: number | string | object, replicas: number): number {
  const text = String(value);
  const number = text.endsWith('%') ? Math.floor((Number(text.slice(0, -1)) * replicas) / 100) : Number(text);
  return Number.isNaN(number) ? 1 : Math.max(1, number);
}
