import type { Job, JobCondition, Pod } from '../../kube/index.ts';
import { countIndexes } from './indexes.ts';
import { failurePolicyMatch } from './pod-failure-policy.ts';
import { isFailed } from './pods.ts';
import type { JobState } from './state.ts';
import { successPolicyMatch } from './success-policy.ts';

/** How a job ends: FailureTarget and SuccessCriteriaMet are told before its pods have ended, Failed and Complete after. */
export type Outcome = Pick<JobCondition, 'type' | 'status' | 'reason' | 'message'>;

export function findCondition(conditions: readonly JobCondition[] | undefined, type: string) {
  return conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

export function isFinished({ status }: Job): boolean {
  return ['Complete', 'Failed'].some((type) => findCondition(status?.conditions, type) !== undefined);
}

export function isSuspended({ spec }: Job): boolean {
  return spec?.suspend === true;
}

/** How the job ends by what has happened so far; undefined when it goes on. Failures come before successes. */
export function outcomeSoFar(state: JobState, nowMs: number): Outcome | undefined {
  const { job } = state;
  const conditions = job.status?.conditions;
  const success = findCondition(conditions, 'SuccessCriteriaMet');
  if (success) return success;
  const target = findCondition(conditions, 'FailureTarget');
  if (target) return { ...failure(target.reason ?? '', target.message ?? ''), type: 'Failed' };
  return failureSoFar(state, nowMs) ?? successBy(state);
}

function failureSoFar({ job, pods, failed, indexes }: JobState, nowMs: number): Outcome | undefined {
  const { spec } = job;
  const policy = pods
    .filter((pod) => isFailed(pod, job))
    .map((pod) => failurePolicyMatch(job, pod).failsJob)
    .find((message) => message !== undefined);
  if (policy !== undefined) return failure('PodFailurePolicy', policy);
  if (failed > (spec?.backoffLimit ?? 6) || restartsExceedLimit(job, pods)) {
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  if ((deadlineMs(job, nowMs) ?? 1) <= 0) {
    return failure('DeadlineExceeded', 'Job was active longer than specified deadline');
  }
  if (!indexes?.failed) return undefined;
  const failedIndexes = countIndexes(indexes.failed);
  if (spec?.maxFailedIndexes !== undefined && failedIndexes > spec.maxFailedIndexes) {
    const message = 'Job has exceeded the specified maximal number of failed indexes';
    return failure('MaxFailedIndexesExceeded', message);
  }
  const ended = failedIndexes + countIndexes(indexes.succeeded);
  if (failedIndexes > 0 && ended >= (spec?.completions ?? 0)) {
    return failure('FailedIndexes', 'Job has failed indexes');
  }
  return undefined;
}

function successBy({ job, indexes }: JobState): Outcome | undefined {
  const message = indexes && job.spec ? successPolicyMatch(job.spec, indexes.succeeded) : undefined;
  if (message === undefined) return undefined;
  return { type: 'SuccessCriteriaMet', status: 'True', reason: 'SuccessPolicy', message };
}

/** All completions are there and no pod is left; without a number of completions one success is enough. */
export function completionOutcome({ job, succeeded }: JobState, active: number): Outcome | undefined {
  const wanted = job.spec?.completions;
  const complete = wanted === undefined ? succeeded > 0 : succeeded >= wanted;
  if (!complete || active > 0) return undefined;
  const message = 'Reached expected number of succeeded pods';
  return { type: 'SuccessCriteriaMet', status: 'True', reason: 'CompletionsReached', message };
}

/** Milliseconds until the deadline; undefined when there is none, or its time does not run. */
export function deadlineMs({ spec, status }: Job, nowMs: number): number | undefined {
  if (spec?.activeDeadlineSeconds === undefined || !status?.startTime || spec.suspend) return undefined;
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000 - nowMs;
}

/** With restartPolicy OnFailure the restarts of containers count. */
function restartsExceedLimit({ spec }: Job, pods: readonly Pod[]): boolean {
  if (spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  const restarts = pods
    .filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending')
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((total, { restartCount }) => total + restartCount, 0);
  const limit = spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}

function failure(reason: string, message: string): Outcome {
  return { type: 'FailureTarget', status: 'True', reason, message };
}
