import { backoffDelay } from '../../base/index.ts';
import type { Pod } from '../../kube/index.ts';
import { allIndexFailures } from './pods.ts';

/** How long a job waits with new pods after failures. */
const POD_FAILURE = { initialMs: 10_000, maxMs: 600_000 };

/** A job's failures since its last success. */
export interface Failures {
  readonly count: number;
  readonly lastMs: number;
}

export const NO_FAILURES: Failures = { count: 0, lastMs: 0 };

/** The record after pods have ended that were not counted before. */
export function countFailures(before: Failures, succeeded: readonly Pod[], failed: readonly Pod[]): Failures {
  const times = failed.map(finishedAt);
  if (succeeded.length === 0) {
    if (failed.length === 0) return before;
    return { count: before.count + failed.length, lastMs: Math.max(...times) };
  }
  const lastSuccess = Math.max(...succeeded.map(finishedAt));
  const since = times.filter((time) => time > lastSuccess);
  return since.length === 0 ? NO_FAILURES : { count: since.length, lastMs: Math.max(...since) };
}

/** Milliseconds until a new pod may be made. */
export function remainingMs({ count, lastMs }: Failures, nowMs: number): number {
  return count === 0 ? 0 : Math.max(0, lastMs + backoffDelay(POD_FAILURE, count) - nowMs);
}

/** The same for an index of its own, after its last failed pod. */
export function indexRemainingMs(failed: Pod | undefined, nowMs: number): number {
  if (!failed) return 0;
  return remainingMs({ count: allIndexFailures(failed) + 1, lastMs: finishedAt(failed) }, nowMs);
}

/** When a pod ended: by its containers, its Ready condition, its deletion, or for want of better its creation. */
export function finishedAt(pod: Pod): number {
  const sidecars = new Set(
    (pod.spec?.initContainers ?? [])
      .filter(({ restartPolicy }) => restartPolicy === 'Always')
      .map(({ name }) => name),
  );
  const statuses = [
    ...(pod.status?.containerStatuses ?? []),
    ...(pod.status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
  ];
  const ends = statuses.map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''));
  if (ends.length > 0 && ends.every((end) => !Number.isNaN(end))) return Math.max(...ends);
  const ready = pod.status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'False');
  if (ready?.lastTransitionTime) return Date.parse(ready.lastTransitionTime);
  const { deletionTimestamp, deletionGracePeriodSeconds = 0, creationTimestamp } = pod.metadata ?? {};
  if (deletionTimestamp) return Date.parse(deletionTimestamp) - deletionGracePeriodSeconds * 1000;
  return Date.parse(creationTimestamp ?? '');
}
