import { isDeepStrictEqual } from 'node:util';
import { rfc3339 } from '../../base/index.ts';
import { type Client, type EventRecorder, ignoreNotFound } from '../../client/index.ts';
import {
  isBeingDeleted,
  type Job,
  type JobCondition,
  type JobStatus,
  jobs,
  keyOf,
  type Pod,
  pods,
  type Stored,
  splitKey,
} from '../../kube/index.ts';
import { allOf, isReady, type PodControl, slowStart } from '../workload/index.ts';
import { countFailures, type Failures } from './backoff.ts';
import { countPods, settle } from './counting.ts';
import { newJobPod } from './job-pod.ts';
import {
  completionOutcome,
  deadlineMs,
  findCondition,
  isSuspended,
  type Outcome,
  outcomeSoFar,
} from './outcome.ts';
import { planPods } from './pod-plan.ts';
import { FINALIZER_TRACKING, isTracked } from './pods.ts';
import { observeJob } from './state.ts';

export interface JobSyncContext {
  readonly client: Client;
  readonly clock: { now(): number };
  readonly recorder: EventRecorder;
  readonly podControl: PodControl;
  readonly signal: AbortSignal;
  /** Remembers a job as it was written, and pods whose finalizer is gone, until the cache shows them. */
  onJobWritten(job: Stored<Job>): void;
  onReleased(pod: Stored<Pod>): void;
}

export interface JobSyncInput {
  readonly job: Stored<Job>;
  readonly pods: readonly Stored<Pod>[];
  readonly released: ReadonlySet<string>;
  readonly failures: Failures;
  /** The cache shows all pods that were made and deleted. */
  readonly cacheIsFresh: boolean;
}

export interface JobSyncResult {
  readonly failures: Failures;
  /** Milliseconds until another look is worth while. */
  readonly againMs: number | undefined;
}

/** One look at a job (pkg/controller/job, syncJob). */
export class JobSync {
  readonly #context: JobSyncContext;
  readonly #input: JobSyncInput;
  readonly #nowMs: number;
  readonly #nowText: string;
  /** The job as last written. */
  #job: Stored<Job>;
  /** Pods that this look has deleted, ready ones among them. */
  #deleted = 0;
  #deletedReady = 0;
  #created = 0;

  constructor(context: JobSyncContext, input: JobSyncInput) {
    this.#context = context;
    this.#input = input;
    this.#job = input.job;
    this.#nowMs = context.clock.now();
    this.#nowText = rfc3339(this.#nowMs);
  }

  async run(): Promise<JobSyncResult> {
    const { job, pods: own, released, cacheIsFresh } = this.#input;
    const started = this.#started(job);
    const state = observeJob(started, own, released);
    const failures = countFailures(this.#input.failures, state.newlySucceeded, state.newlyFailed);
    let outcome = outcomeSoFar(state, this.#nowMs);
    let { status } = started;
    let waitMs = outcome ? undefined : deadlineMs(started, this.#nowMs);
    let failure: { error: unknown } | undefined;
    const attempt = (work: Promise<void>) =>
      work.catch((error: unknown) => {
        failure = { error };
      });

    if (outcome) {
      await attempt(this.#deletePods(state.active, false));
      // Pods that are left, or not even seen, still hold the job up.
      if (this.#deleted < state.active.length || !cacheIsFresh) outcome = undefined;
    } else {
      const manages = cacheIsFresh && !isBeingDeleted(job);
      const plan = planPods(state, failures, this.#nowMs);
      if (manages && plan.action === 'delete') await attempt(this.#deletePods(plan.pods, true));
      if (manages && plan.action === 'create') {
        const failedPod = (index: number | undefined) =>
          index === undefined ? undefined : state.indexes?.toReplace.get(index);
        await attempt(
          slowStart(plan.indexes.length, async (at) => {
            const index = plan.indexes[at];
            await this.#context.podControl.create(
              job,
              newJobPod(job, index, failedPod(index)),
              this.#context.signal,
            );
            this.#created++;
          }),
        );
      }
      if (manages && plan.action === 'wait') waitMs = Math.min(plan.ms, waitMs ?? plan.ms);
      outcome = completionOutcome(state, state.active.length - this.#deleted + this.#created);
      if (!outcome && manages) status = this.#withSuspension(started, status);
    }
    if (this.#context.signal.aborted) return { failures: this.#input.failures, againMs: undefined };

    const ready = state.active.filter(isReady).length - this.#deletedReady;
    const terminating = state.terminating.length + this.#deleted;
    const active = state.active.length - this.#deleted + this.#created;
    const isFull = await this.#count(state, { ...status, active, ready, terminating }, outcome);
    if (failure) throw failure.error;
    return { failures, againMs: isFull ? 0 : waitMs };
  }

  #started(job: Stored<Job>): Stored<Job> {
    if (job.status?.startTime || isSuspended(job)) return job;
    return { ...job, status: { ...job.status, startTime: this.#nowText } };
  }

  /** Suspended and resumed are told in a condition and an event; a pause stops the deadline. */
  #withSuspension(job: Stored<Job>, status: JobStatus | undefined): JobStatus | undefined {
    const known = status?.conditions?.find(({ type }) => type === 'Suspended');
    const suspended = isSuspended(job);
    if (suspended ? known?.status === 'True' : known?.status !== 'True') return status;
    const { recorder } = this.#context;
    const words = suspended ? 'suspended' : 'resumed';
    recorder.event(this.#job, 'Normal', suspended ? 'Suspended' : 'Resumed', `Job ${words}`);
    const condition: Outcome = {
      type: 'Suspended',
      status: suspended ? 'True' : 'False',
      reason: suspended ? 'JobSuspended' : 'JobResumed',
      message: `Job ${words}`,
    };
    return {
      ...status,
      startTime: suspended ? undefined : this.#nowText,
      conditions: this.#withCondition(status?.conditions, condition),
    };
  }

  /** Counts what has ended, lets it go, and ends the job when nothing of it is left. Whether there is more to count. */
  async #count(
    state: ReturnType<typeof observeJob>,
    status: JobStatus,
    outcome: Outcome | undefined,
  ): Promise<boolean> {
    const count = countPods(state, status, outcome);
    let { status: counted } = count;
    const isInterim = outcome?.type === 'FailureTarget' || outcome?.type === 'SuccessCriteriaMet';
    if (outcome && isInterim && !findCondition(counted.conditions, outcome.type)) {
      counted = { ...counted, conditions: this.#withCondition(counted.conditions, outcome) };
    }
    await this.#writeStatus(counted);
    const released = new Set<string>();
    let failure: { error: unknown } | undefined;
    for (const result of await Promise.allSettled(
      count.release.map(async (pod) => {
        await this.#release(pod);
        released.add(pod.metadata.uid);
      }),
    )) {
      if (result.status === 'rejected') failure = { error: result.reason };
    }
    const holds = (uid: string) =>
      !released.has(uid) && state.pods.some((pod) => pod.metadata.uid === uid && state.isTracked(pod));
    const settled = settle(counted, holds);
    const left = Object.keys(settled.uncountedTerminatedPods ?? {}).length > 0;
    const ends = outcome && !failure && !count.isFull && !left && (settled.terminating ?? 0) === 0;
    if (ends) await this.#finish(settled, outcome);
    else await this.#writeStatus(settled);
    if (failure) throw failure.error;
    return count.isFull;
  }

  async #finish(status: JobStatus, outcome: Outcome): Promise<void> {
    const { recorder } = this.#context;
    const { reason = '', message = '' } = outcome;
    const succeeds = outcome.type === 'SuccessCriteriaMet';
    const final = { ...outcome, type: succeeds ? 'Complete' : 'Failed' };
    const conditions = this.#withCondition(status.conditions, final);
    const completion = succeeds ? { completionTime: this.#nowText } : {};
    const isNew = await this.#writeStatus({ ...status, conditions, ...completion });
    if (!isNew) return;
    if (!succeeds) return recorder.event(this.#job, 'Warning', reason, message);
    const { completions } = this.#job.spec ?? {};
    if (completions !== undefined && (status.succeeded ?? 0) > completions) {
      const text = 'Too many succeeded pods running after completion count reached';
      recorder.event(this.#job, 'Warning', 'TooManySucceededPods', text);
    }
    recorder.event(this.#job, 'Normal', 'Completed', 'Job completed');
  }

  #withCondition(conditions: JobStatus['conditions'], condition: Outcome): JobCondition[] {
    const { type, status, reason, message } = condition;
    const times = { lastProbeTime: this.#nowText, lastTransitionTime: this.#nowText };
    const set: JobCondition = { type, status, reason, message, ...times };
    const known = conditions ?? [];
    return known.some((one) => one.type === type)
      ? known.map((one) => (one.type === type ? set : one))
      : [...known, set];
  }

  /** @param releases whether the pods go without being counted */
  async #deletePods(going: readonly Stored<Pod>[], releases: boolean): Promise<void> {
    const { podControl, signal } = this.#context;
    await allOf(
      going.map(async (pod) => {
        if (releases) await this.#release(pod);
        await podControl.delete(this.#job, pod, signal);
        this.#deleted++;
        if (isReady(pod)) this.#deletedReady++;
      }),
    );
  }

  async #release(pod: Stored<Pod>): Promise<void> {
    await releasePod(this.#context.client, pod, this.#context.signal);
    this.#context.onReleased(pod);
  }

  /** Whether there was something to write. A job that has changed since is looked at anew. */
  async #writeStatus(status: JobStatus): Promise<boolean> {
    const wire = withoutZeros(status);
    if (isDeepStrictEqual(wire, withoutZeros(this.#job.status ?? {}))) return false;
    const { client, signal } = this.#context;
    const next = { ...this.#job, status: wire };
    this.#job = await client.update(jobs, next, { subresource: 'status', signal });
    this.#context.onJobWritten(this.#job);
    return true;
  }
}

/** Takes the finalizer of a pod that is counted, or need not be. */
export async function releasePod(client: Client, pod: Stored<Pod>, signal: AbortSignal): Promise<void> {
  if (!isTracked(pod)) return;
  const body = {
    metadata: { uid: pod.metadata.uid, '$deleteFromPrimitiveList/finalizers': [FINALIZER_TRACKING] },
  };
  await ignoreNotFound(client.patch(pods, splitKey(keyOf(pod)), { type: 'strategic', body }, { signal }));
}

/** As upstream writes it: in order, and without zeros but for those that say that something is known. */
function withoutZeros(status: JobStatus): JobStatus {
  const { active, completedIndexes, completionTime, conditions, failed, failedIndexes } = status;
  const { ready, startTime, succeeded, terminating, uncountedTerminatedPods } = status;
  return {
    ...(active ? { active } : {}),
    ...(completedIndexes ? { completedIndexes } : {}),
    ...(completionTime ? { completionTime } : {}),
    ...(conditions?.length ? { conditions } : {}),
    ...(failed ? { failed } : {}),
    ...(failedIndexes !== undefined ? { failedIndexes } : {}),
    ...(ready !== undefined ? { ready } : {}),
    ...(startTime ? { startTime } : {}),
    ...(succeeded ? { succeeded } : {}),
    ...(terminating !== undefined ? { terminating } : {}),
    ...(uncountedTerminatedPods ? { uncountedTerminatedPods } : {}),
  };
}
