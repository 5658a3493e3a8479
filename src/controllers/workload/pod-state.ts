import { isBeingDeleted, isPodTerminal, type Pod, type PodCondition } from '../../kube/index.ts';

export function readyCondition(pod: Pod): PodCondition | undefined {
  return pod.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'True');
}

export function isReady(pod: Pod): boolean {
  return readyCondition(pod) !== undefined;
}

/** Ready for at least `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  const ready = readyCondition(pod);
  if (!ready) return false;
  if (minReadySeconds === 0) return true;
  return ready.lastTransitionTime !== undefined && availableAt(ready, minReadySeconds) <= nowMs;
}

/** Neither ended nor going (controller.IsPodActive). */
export function isActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && !isBeingDeleted(pod);
}

/** Going, and not ended yet (controller.IsPodTerminating). */
export function isTerminating(pod: Pod): boolean {
  return isBeingDeleted(pod) && !isPodTerminal(pod);
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
    return [availableAt(ready, minReadySeconds) - nowMs];
  });
  return waits.length > 0 ? Math.min(...waits) : undefined;
}

function availableAt(ready: PodCondition, minReadySeconds: number): number {
  return Date.parse(ready.lastTransitionTime!) + minReadySeconds * 1000;
}
