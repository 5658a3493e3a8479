import {
  isBeingDeleted,
  LABEL_CONTROLLER_REVISION_HASH,
  type Pod,
  type PodCondition,
} from '../../kube/index.ts';

/** The API server knows the pod: a planned one has no phase yet. */
export function isCreated(pod: Pod): boolean {
  return (pod.status?.phase ?? '') !== '';
}

export function isRunningAndReady(pod: Pod): boolean {
  return pod.status?.phase === 'Running' && readyCondition(pod) !== undefined;
}

/** Ready for longer than `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const ready = readyCondition(pod);
  if (!ready) return false;
  if (minReadySeconds === 0) return true;
  return ready.lastTransitionTime !== undefined && availableAt(ready, minReadySeconds) < nowMs;
}

export function isUnavailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  return !isAvailable(pod, minReadySeconds, nowMs) || isBeingDeleted(pod);
}

/** Milliseconds until the next of the ready pods becomes available; undefined when none is waited for. */
export function nextAvailability(
  pods: readonly Pod[],
  minReadySeconds: number,
  nowMs: number,
): number | undefined {
  if (minReadySeconds === 0) return undefined;
  const waits = pods.flatMap((pod) => {
    const ready = readyCondition(pod);
    if (!ready?.lastTransitionTime || isAvailable(pod, minReadySeconds, nowMs)) return [];
    return [availableAt(ready, minReadySeconds) - nowMs + 1];
  });
  return waits.length > 0 ? Math.min(...waits) : undefined;
}

/** The name of the revision that the pod was made at. */
export function revisionOf(pod: Pod): string {
  return pod.metadata?.labels?.[LABEL_CONTROLLER_REVISION_HASH] ?? '';
}

function readyCondition(pod: Pod): PodCondition | undefined {
  return pod.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'True');
}

function availableAt(ready: PodCondition, minReadySeconds: number): number {
  return Date.parse(ready.lastTransitionTime!) + minReadySeconds * 1000;
}
