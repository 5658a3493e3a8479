import type { Pod, PodCondition } from '../kube/index.ts';

/** How long the text of an event may be. */
const MAX_MESSAGE_LENGTH = 1024;

/** Why a pod has no node: refused by the rules, or failed by an error. */
export type UnscheduledReason = 'Unschedulable' | 'SchedulerError';

/** The PodScheduled condition to be written; `undefined` when the pod says it already. `now` is RFC 3339. */
export function unscheduledCondition(
  pod: Pod,
  reason: UnscheduledReason,
  message: string,
  now: string,
): PodCondition | undefined {
  const known = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const observedGeneration = pod.metadata?.generation;
  if (
    known?.status === 'False' &&
    known.reason === reason &&
    known.message === message &&
    known.observedGeneration === observedGeneration
  ) {
    return undefined;
  }
  const lastTransitionTime = known?.status === 'False' ? (known.lastTransitionTime ?? now) : now;
  return { type: 'PodScheduled', status: 'False', reason, message, lastTransitionTime, observedGeneration };
}

/** Cuts a message to what an event may carry, as kube-scheduler does. */
export function eventMessage(message: string): string {
  return message.length <= MAX_MESSAGE_LENGTH ? message : `${message.slice(0, MAX_MESSAGE_LENGTH - 4)} ...`;
}
