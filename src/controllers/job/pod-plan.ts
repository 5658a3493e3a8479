import type { Job, Pod, Stored } from '../../kube/index.ts';
import { podsToDelete } from '../workload/index.ts';
import { type Failures, indexRemainingMs, remainingMs } from './backoff.ts';
import { firstMissing, withIndexes } from './indexes.ts';
import { completionIndex, isIndexed, replacesFailedOnly, validIndex } from './pods.ts';
import type { JobState } from './state.ts';

/** Pods made or deleted in one go. */
const BURST = 500;

/** What to do about a job's pods: either delete some, or make some, or wait. */
export type PodPlan =
  | { readonly action: 'delete'; readonly pods: readonly Stored<Pod>[] }
  /** An index for each pod of an Indexed job; undefined for each pod of others. */
  | { readonly action: 'create'; readonly indexes: readonly (number | undefined)[] }
  | { readonly action: 'wait'; readonly ms: number }
  | { readonly action: 'none' };

export function planPods(state: JobState, failures: Failures, nowMs: number): PodPlan {
  const { job, active } = state;
  if (job.spec?.suspend) return deletion(active);
  const wanted = wantedActive(state);
  const surplus = podsForRemoval(job, active, Math.max(0, active.length - wanted), nowMs);
  if (surplus.length > 0) return deletion(surplus.slice(0, BURST));
  const leaving = replacesFailedOnly(job) ? state.terminating.length : 0;
  const missing = Math.min(wanted - leaving - active.length, BURST);
  if (missing <= 0) return { action: 'none' };
  const perIndex = job.spec?.backoffLimitPerIndex !== undefined;
  const waitMs = perIndex ? 0 : remainingMs(failures, nowMs);
  if (waitMs > 0) return { action: 'wait', ms: waitMs };
  if (!isIndexed(job)) return creation(Array.from({ length: missing }, () => undefined));
  const pending = pendingIndexes(state, missing);
  if (!perIndex) return creation(pending);
  const waits = pending.map((index) => indexRemainingMs(state.indexes?.toReplace.get(index), nowMs));
  const now = pending.filter((_, at) => waits[at] === 0);
  return now.length === 0 && waits.length > 0 ? { action: 'wait', ms: Math.min(...waits) } : creation(now);
}

function deletion(pods: readonly Stored<Pod>[]): PodPlan {
  return pods.length > 0 ? { action: 'delete', pods } : { action: 'none' };
}

function creation(indexes: readonly (number | undefined)[]): PodPlan {
  return indexes.length > 0 ? { action: 'create', indexes } : { action: 'none' };
}

/** Without a number of completions no pod is made any more once one has succeeded. */
function wantedActive({ job, active, succeeded }: JobState): number {
  const { parallelism = 1, completions } = job.spec ?? {};
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism;
  return Math.max(0, Math.min(completions - succeeded, parallelism));
}

/** Indexed: pods whose index is none, or another's, whatever the number. Then those that matter least. */
function podsForRemoval(
  job: Stored<Job>,
  active: readonly Stored<Pod>[],
  atLeast: number,
  nowMs: number,
): Stored<Pod>[] {
  const [wrong, right] = isIndexed(job) ? splitByIndex(job, active, nowMs) : [[], [...active]];
  return [...wrong, ...podsToDelete(right, [], Math.max(0, atLeast - wrong.length), nowMs)];
}

function splitByIndex(
  job: Stored<Job>,
  active: readonly Stored<Pod>[],
  nowMs: number,
): [wrong: Stored<Pod>[], right: Stored<Pod>[]] {
  const wrong = active.filter((pod) => validIndex(job, pod) === undefined);
  const right: Stored<Pod>[] = [];
  for (const same of Map.groupBy(active, (pod) => validIndex(job, pod)).entries()) {
    const [index, pods] = same;
    if (index === undefined) continue;
    const surplus = podsToDelete(pods, [], pods.length - 1, nowMs);
    wrong.push(...surplus);
    right.push(...pods.filter((pod) => !surplus.includes(pod)));
  }
  return [wrong, right];
}

/** The lowest indexes that have neither a pod nor an end. */
function pendingIndexes({ job, active, terminating, indexes }: JobState, count: number): number[] {
  const busy = [...active, ...(replacesFailedOnly(job) ? terminating : [])].flatMap(
    (pod) => completionIndex(pod) ?? [],
  );
  const taken = withIndexes([...(indexes?.succeeded ?? []), ...(indexes?.failed ?? [])], busy);
  return firstMissing(taken, count, job.spec?.completions ?? 0);
}
