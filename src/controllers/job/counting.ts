import type { JobStatus, Pod, Stored } from '../../kube/index.ts';
import { countIndexes, formatIndexes, hasIndex, withIndexes } from './indexes.ts';
import type { Outcome } from './outcome.ts';
import { failurePolicyMatch } from './pod-failure-policy.ts';
import { completionIndex, isFailed, validIndex } from './pods.ts';
import type { JobState, Uncounted } from './state.ts';

/** Uids kept in a status at most: it must not grow beyond some 20 kB. */
const MAX_UNCOUNTED = 500;

export interface Count {
  readonly status: JobStatus;
  /** Pods that may go once the status is written. */
  readonly release: readonly Stored<Pod>[];
  /** There are more; another look is needed. */
  readonly isFull: boolean;
}

/**
 * Counts pods that have ended. Their uids go into the status first, then their finalizers are taken away, then the uids
 * become numbers: whenever the controller dies in between, none is lost and none is counted twice.
 */
export function countPods(state: JobState, status: JobStatus, outcome: Outcome | undefined): Count {
  const { job, indexes } = state;
  const settled = settle(status, (uid) =>
    state.pods.some((pod) => pod.metadata.uid === uid && state.isTracked(pod)),
  );
  const succeeded = [...(settled.uncountedTerminatedPods?.succeeded ?? [])];
  const failed = [...(settled.uncountedTerminatedPods?.failed ?? [])];
  const newIndexes: number[] = [];
  const release: Stored<Pod>[] = [];
  const failsAll = outcome !== undefined && outcome.type !== 'SuccessCriteriaMet';
  const isFull = () => newIndexes.length + succeeded.length + failed.length >= MAX_UNCOUNTED;
  const pods = indexes ? [...state.pods].sort(byIndex) : state.pods;
  for (const pod of pods) {
    if (isFull()) break;
    if (!state.isTracked(pod) || !mayRelease(state, pod, outcome)) continue;
    release.push(pod);
    const { uid } = pod.metadata;
    const index = validIndex(job, pod);
    if (pod.status?.phase === 'Succeeded' && !failed.includes(uid)) {
      if (!indexes) {
        if (!succeeded.includes(uid)) succeeded.push(uid);
      } else if (index !== undefined && !hasIndex(indexes.counted, index)) newIndexes.push(index);
    } else if ((isFailed(pod, job) || failsAll) && !failed.includes(uid)) {
      const counts = (!indexes || index !== undefined) && failurePolicyMatch(job, pod).counts;
      if (counts) failed.push(uid);
    }
  }
  const counted: JobStatus = { ...settled, uncountedTerminatedPods: uncounted(succeeded, failed) };
  if (!indexes) return { status: counted, release, isFull: isFull() };
  const completed = withIndexes(indexes.succeeded, newIndexes);
  return {
    status: {
      ...counted,
      succeeded: countIndexes(completed),
      completedIndexes: formatIndexes(completed),
      failedIndexes: indexes.failed && formatIndexes(indexes.failed),
    },
    release,
    isFull: isFull(),
  };
}

/** The uids of pods that hold no finalizer any more become numbers. */
export function settle(status: JobStatus, isHeld: (uid: string) => boolean): JobStatus {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {};
  const stillSucceeded = succeeded.filter(isHeld);
  const stillFailed = failed.filter(isHeld);
  return {
    ...status,
    succeeded: (status.succeeded ?? 0) + succeeded.length - stillSucceeded.length,
    failed: (status.failed ?? 0) + failed.length - stillFailed.length,
    uncountedTerminatedPods: uncounted(stillSucceeded, stillFailed),
  };
}

function uncounted(succeeded: readonly string[], failed: readonly string[]): Uncounted {
  return {
    ...(succeeded.length > 0 ? { succeeded } : {}),
    ...(failed.length > 0 ? { failed } : {}),
  };
}

function mayRelease({ job, indexes }: JobState, pod: Stored<Pod>, outcome: Outcome | undefined): boolean {
  const isOver = job.metadata.deletionTimestamp !== undefined || outcome !== undefined;
  if (isOver || pod.status?.phase === 'Succeeded') return true;
  if (!isFailed(pod, job)) return false;
  // Its successor is to know how often the index has failed.
  const index = completionIndex(pod);
  return index === undefined || indexes?.toReplace.get(index)?.metadata.uid !== pod.metadata.uid;
}

function byIndex(a: Pod, b: Pod): number {
  return (completionIndex(a) ?? -1) - (completionIndex(b) ?? -1);
}
