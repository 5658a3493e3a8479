import type { Pod } from '../../kube/index.ts';

/** Why a pod is ended although its containers could go on. */
export interface Evicted {
  readonly reason: string;
  readonly message: string;
}

/** The words of the kubelet's activeDeadlineHandler. */
export const DEADLINE_EXCEEDED: Evicted = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

/** Why a pod that was never started here never will be (rejectPod of the kubelet). */
export function rejected(reason: string, message: string): Evicted {
  return { reason, message: `Pod was rejected: ${message}` };
}

/** In how many milliseconds the pod's active deadline passes, 0 or less when it has; undefined without one. */
export function activeDeadlineIn({ spec, status }: Pod, nowMs: number): number | undefined {
  if (spec?.activeDeadlineSeconds === undefined || !status?.startTime) return undefined;
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - nowMs;
}
