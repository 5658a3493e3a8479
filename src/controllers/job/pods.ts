import { annotation, hasFinalizer, type Job, type Pod } from '../../kube/index.ts';
import { failurePolicyMatch } from './pod-failure-policy.ts';

/** On a pod until its end is counted in the job's status. */
export const FINALIZER_TRACKING = 'batch.kubernetes.io/job-tracking';
export const ANN_COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';
export const ANN_INDEX_FAILURES = 'batch.kubernetes.io/job-index-failure-count';
export const ANN_INDEX_IGNORED_FAILURES = 'batch.kubernetes.io/job-index-ignored-failure-count';

export function isTracked(pod: Pod): boolean {
  return hasFinalizer(pod, FINALIZER_TRACKING);
}

export function isIndexed({ spec }: Job): boolean {
  return spec?.completionMode === 'Indexed';
}

/** undefined when the pod has none that makes sense. */
export function completionIndex(pod: Pod): number | undefined {
  const text = annotation(pod, ANN_COMPLETION_INDEX) ?? '';
  return /^[0-9]+$/.test(text) ? Number(text) : undefined;
}

/** The completion index if it is one of the job's. */
export function validIndex(job: Job, pod: Pod): number | undefined {
  const index = completionIndex(pod);
  return index !== undefined && index < (job.spec?.completions ?? 0) ? index : undefined;
}

/** New pods wait until old ones have ended, and only Failed counts as failed. */
export function replacesFailedOnly({ spec }: Job): boolean {
  return spec?.podReplacementPolicy === 'Failed' || spec?.podFailurePolicy !== undefined;
}

/** Failed, or deleted before it ended: such a pod may never come to be Failed. */
export function isFailed(pod: Pod, job: Job): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (replacesFailedOnly(job)) return false;
  return pod.metadata?.deletionTimestamp !== undefined && pod.status?.phase !== 'Succeeded';
}

/** Counted against the index's own limit, those ignored by the failure policy aside. */
export function indexFailures(pod: Pod): number {
  return countIn(pod, ANN_INDEX_FAILURES);
}

/** All failures of the index before this pod. */
export function allIndexFailures(pod: Pod): number {
  return indexFailures(pod) + countIn(pod, ANN_INDEX_IGNORED_FAILURES);
}

/** What the successor of a failed pod of an index remembers of the failures before it. */
export function failureAnnotations(job: Job, failed: Pod | undefined): Record<string, string> {
  if (!failed) return { [ANN_INDEX_FAILURES]: '0' };
  const counts = failurePolicyMatch(job, failed).counts;
  const ignored = countIn(failed, ANN_INDEX_IGNORED_FAILURES) + (counts ? 0 : 1);
  return {
    [ANN_INDEX_FAILURES]: String(indexFailures(failed) + (counts ? 1 : 0)),
    ...(ignored > 0 ? { [ANN_INDEX_IGNORED_FAILURES]: String(ignored) } : {}),
  };
}

function countIn(pod: Pod, name: string): number {
  const count = Number(annotation(pod, name) ?? '0');
  return Number.isInteger(count) && count >= 0 && count < 2 ** 31 ? count : 0;
}
