import type { Job, JobStatus, Pod, Stored } from '../../kube/index.ts';
import { isActive, isTerminating } from '../workload/index.ts';
import { finishedAt } from './backoff.ts';
import { countIndexes, hasIndex, type Intervals, parseIndexes, withIndexes } from './indexes.ts';
import { failurePolicyMatch } from './pod-failure-policy.ts';
import {
  allIndexFailures,
  completionIndex,
  indexFailures,
  isFailed,
  isIndexed,
  isTracked,
  validIndex,
} from './pods.ts';

export type Uncounted = NonNullable<JobStatus['uncountedTerminatedPods']>;

/** What an Indexed job knows of its indexes. */
export interface IndexState {
  /** As the status has them. */
  readonly counted: Intervals;
  readonly succeeded: Intervals;
  /** Only with a limit for each index. */
  readonly failed: Intervals | undefined;
  /** The last failed pod of each index that is to be tried again: it stays until it has a successor. */
  readonly toReplace: ReadonlyMap<number, Stored<Pod>>;
}

export interface JobState {
  readonly job: Stored<Job>;
  readonly pods: readonly Stored<Pod>[];
  readonly active: readonly Stored<Pod>[];
  readonly terminating: readonly Stored<Pod>[];
  /** Ended, and not counted in any way as yet. */
  readonly newlySucceeded: readonly Stored<Pod>[];
  readonly newlyFailed: readonly Stored<Pod>[];
  readonly succeeded: number;
  readonly failed: number;
  readonly indexes: IndexState | undefined;
  /** Holds its finalizer, also beyond what the cache shows. */
  isTracked(pod: Stored<Pod>): boolean;
}

/** @param released uids of pods whose finalizer was taken away, which the cache may not show yet */
export function observeJob(
  job: Stored<Job>,
  pods: readonly Stored<Pod>[],
  released: ReadonlySet<string>,
): JobState {
  const tracked = (pod: Stored<Pod>) => isTracked(pod) && !released.has(pod.metadata.uid);
  const { uncountedTerminatedPods: uncounted = {}, succeeded = 0, failed = 0 } = job.status ?? {};
  const isNew = (pod: Stored<Pod>, known: readonly string[] | undefined) =>
    tracked(pod) &&
    !known?.includes(pod.metadata.uid) &&
    (!isIndexed(job) || validIndex(job, pod) !== undefined);
  const newlySucceeded = pods.filter(
    (pod) => pod.status?.phase === 'Succeeded' && isNew(pod, uncounted.succeeded),
  );
  const newlyFailed = pods.filter((pod) => isFailed(pod, job) && isNew(pod, uncounted.failed));
  const active = pods.filter(isActive);
  const indexes = isIndexed(job) ? observeIndexes(job, pods, active, tracked) : undefined;
  const counting = newlyFailed.filter((pod) => failurePolicyMatch(job, pod).counts);
  return {
    job,
    pods,
    active,
    terminating: pods.filter(isTerminating),
    newlySucceeded,
    newlyFailed,
    succeeded: indexes
      ? countIndexes(indexes.succeeded)
      : succeeded + newlySucceeded.length + (uncounted.succeeded?.length ?? 0),
    failed: failed + counting.length + (uncounted.failed?.length ?? 0),
    indexes,
    isTracked: tracked,
  };
}

function observeIndexes(
  job: Stored<Job>,
  pods: readonly Stored<Pod>[],
  active: readonly Stored<Pod>[],
  tracked: (pod: Stored<Pod>) => boolean,
): IndexState {
  const completions = job.spec?.completions ?? 0;
  const ofTracked = (holds: (pod: Stored<Pod>) => boolean) =>
    pods.filter((pod) => isTracked(pod) && holds(pod)).flatMap((pod) => validIndex(job, pod) ?? []);
  const counted = parseIndexes(job.status?.completedIndexes, completions);
  const succeeded = withIndexes(
    counted,
    ofTracked(({ status }) => status?.phase === 'Succeeded'),
  );
  const limit = job.spec?.backoffLimitPerIndex;
  if (limit === undefined) return { counted, succeeded, failed: undefined, toReplace: new Map() };
  const failed = withIndexes(
    parseIndexes(job.status?.failedIndexes, completions),
    ofTracked((pod) => isIndexFailed(job, pod, limit)),
  );
  const busy = new Set(active.map(completionIndex));
  const toReplace = new Map<number, Stored<Pod>>();
  for (const pod of pods) {
    const index = validIndex(job, pod);
    if (index === undefined || !tracked(pod) || !isFailed(pod, job)) continue;
    if (busy.has(index) || hasIndex(succeeded, index) || hasIndex(failed, index)) continue;
    const before = toReplace.get(index);
    const isLater =
      !before || (allIndexFailures(before) <= allIndexFailures(pod) && finishedAt(pod) >= finishedAt(before));
    if (isLater) toReplace.set(index, pod);
  }
  return { counted, succeeded, failed, toReplace };
}

function isIndexFailed(job: Job, pod: Pod, limit: number): boolean {
  if (!isFailed(pod, job)) return false;
  const { action, counts } = failurePolicyMatch(job, pod);
  return action === 'FailIndex' || (counts && indexFailures(pod) >= limit);
}
