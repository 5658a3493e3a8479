import { isBeingDeleted, LABEL_CONTROLLER_REVISION_HASH, type Pod } from '../../kube/index.ts';
import { isAvailable, isReady } from '../workload/index.ts';

/** The API server knows the pod: a planned one has no phase yet. */
export function isCreated(pod: Pod): boolean {
  return (pod.status?.phase ?? '') !== '';
}

export function isRunningAndReady(pod: Pod): boolean {
  return pod.status?.phase === 'Running' && isReady(pod);
}

export function isUnavailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  return !isAvailable(pod, minReadySeconds, nowMs) || isBeingDeleted(pod);
}

/** The name of the revision that the pod was made at. */
export function revisionOf(pod: Pod): string {
  return pod.metadata?.labels?.[LABEL_CONTROLLER_REVISION_HASH] ?? '';
}
