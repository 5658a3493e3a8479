import { type Clock, errorMessage, rfc3339 } from '../../base/index.ts';
import type { Client, EventRecorder } from '../../client/index.ts';
import {
  CronError,
  type CronJob,
  type CronSchedule,
  cronJobs,
  isAlreadyExists,
  isControlledBy,
  isNamespaceTerminating,
  isNotFound,
  isTimeZone,
  type Job,
  jobs as jobResource,
  parseCron,
  referenceTo,
  type Stored,
} from '../../kube/index.ts';
import { beyondHistory, endOf } from './history.ts';
import { InvalidSchedule, missedTimes, nextLookMs } from './missed.ts';
import { jobName, newJob } from './new-job.ts';
import { hasOwnZone, scheduleOf } from './schedule-of.ts';

export interface CronJobSyncContext {
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly signal: AbortSignal;
}

type Status = NonNullable<CronJob['status']>;

/**
 * One look at a CronJob: what has become of its jobs, which of them are beyond its history, and whether another is due.
 * Source: syncCronJob of Kubernetes 1.36, in its order and with its events.
 */
export class CronJobSync {
  readonly #context: CronJobSyncContext;
  readonly #jobs: readonly Stored<Job>[];
  #cronJob: Stored<CronJob>;
  /** As it is stored, as far as we know, and as it is to be. */
  #stored: Status;
  #status: Status;

  /** @param jobs all that have a CronJob of this name as their controller */
  constructor(context: CronJobSyncContext, cronJob: Stored<CronJob>, jobs: readonly Stored<Job>[]) {
    this.#context = context;
    this.#jobs = jobs;
    this.#cronJob = cronJob;
    this.#stored = cronJob.status ?? {};
    this.#status = this.#stored;
  }

  /** Resolves to the milliseconds until the next look; undefined: when something changes. */
  async run(): Promise<number | undefined> {
    try {
      for (const job of beyondHistory(this.#cronJob, this.#jobs)) await this.#delete(job);
      return await this.#look();
    } finally {
      await this.#writeStatus();
    }
  }

  async #look(): Promise<number | undefined> {
    await this.#lookAtJobs();
    await this.#forgetMissing();
    const { metadata, spec } = this.#cronJob;
    if (metadata.deletionTimestamp) return undefined;
    const zone = spec?.timeZone;
    if (zone !== undefined && !isTimeZone(zone)) {
      this.#warn('UnknownTimeZone', `invalid timeZone: ${JSON.stringify(zone)}: unknown time zone ${zone}`);
      return undefined;
    }
    if (spec?.suspend) return undefined;
    const schedule = this.#schedule();
    const nowMs = this.#context.clock.now();
    const scheduledMs = schedule && this.#dueTime(schedule, nowMs);
    if (scheduledMs === 'never' || !schedule) return undefined;
    const isWaiting = scheduledMs === undefined || this.#isHeldUp(scheduledMs, nowMs);
    if (!isWaiting && !(await this.#start(scheduledMs))) return undefined;
    return nextLookMs({ ...this.#cronJob, status: this.#status }, nowMs, schedule);
  }

  /** What has become of the jobs that there are. */
  async #lookAtJobs(): Promise<void> {
    for (const job of this.#jobs) {
      const end = endOf(job);
      if (!end) {
        if (!this.#isActive(job.metadata.uid)) await this.#lookAtUnknown(job);
        continue;
      }
      const { name, uid } = job.metadata;
      if (this.#isActive(uid)) {
        this.#forget(uid);
        this.#tell('SawCompletedJob', `Saw completed job: ${name}, condition: ${end}`);
      }
      const { completionTime } = job.status ?? {};
      const { lastSuccessfulTime } = this.#status;
      const isLater =
        !lastSuccessfulTime || Date.parse(completionTime ?? '') > Date.parse(lastSuccessfulTime);
      if (end === 'Complete' && completionTime && isLater)
        this.#status = { ...this.#status, lastSuccessfulTime: completionTime };
    }
  }

  /** It may be one that we have just made, and the CronJob in the cache may be older than that. */
  async #lookAtUnknown(job: Stored<Job>): Promise<void> {
    const { client, signal } = this.#context;
    const { name, namespace } = this.#cronJob.metadata;
    const live = await client.get(cronJobs, { name, namespace }, { signal });
    if (live.status?.active?.some(({ uid }) => uid === job.metadata.uid)) {
      this.#cronJob = live;
      this.#stored = live.status;
      this.#status = live.status;
      return;
    }
    this.#warn(
      'UnexpectedJob',
      `Saw a job that the controller did not create or forgot: ${job.metadata.name}`,
    );
  }

  /** Jobs that are gone are not active; the cache may only not have them yet. */
  async #forgetMissing(): Promise<void> {
    const present = new Set(this.#jobs.map(({ metadata }) => metadata.uid));
    for (const { uid, name = '', namespace } of this.#status.active ?? []) {
      if (present.has(uid!)) continue;
      try {
        await this.#context.client.get(jobResource, { name, namespace }, { signal: this.#context.signal });
      } catch (error) {
        if (!isNotFound(error)) throw error;
        this.#tell('MissingJob', `Active job went missing: ${name}`);
        this.#forget(uid);
      }
    }
  }

  #schedule(): CronSchedule | undefined {
    const { schedule = '' } = this.#cronJob.spec ?? {};
    if (hasOwnZone(schedule)) {
      this.#warn(
        'UnsupportedSchedule',
        `CRON_TZ or TZ used in schedule ${JSON.stringify(schedule)} is not officially supported, see ` +
          'https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details',
      );
    }
    try {
      return parseCron(scheduleOf(this.#cronJob));
    } catch (error) {
      if (!(error instanceof CronError)) throw error;
      this.#warn(
        'UnparseableSchedule',
        `unparseable schedule: ${JSON.stringify(schedule)} : ${error.message}`,
      );
      return undefined;
    }
  }

  /** The last time that a job was due, and none was made; `never`: the schedule makes no sense. */
  #dueTime(schedule: CronSchedule, nowMs: number): number | undefined | 'never' {
    const cronJob = { ...this.#cronJob, status: this.#status };
    try {
      const { mostRecentMs, missed } = missedTimes(cronJob, nowMs, schedule, { withDeadline: true });
      if (mostRecentMs !== undefined && missed === 'many')
        this.#warn(
          'TooManyMissedTimes',
          'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
        );
      return mostRecentMs;
    } catch (error) {
      if (!(error instanceof InvalidSchedule)) throw error;
      this.#warn('InvalidSchedule', `invalid schedule: ${this.#cronJob.spec?.schedule} : ${error.message}`);
      return 'never';
    }
  }

  /** Whether no job is made for this time: it is too late, there is one already, or another runs. */
  #isHeldUp(scheduledMs: number, nowMs: number): boolean {
    const { startingDeadlineSeconds, concurrencyPolicy } = this.#cronJob.spec ?? {};
    if (startingDeadlineSeconds !== undefined && scheduledMs + startingDeadlineSeconds * 1000 < nowMs) {
      const time = new Date(scheduledMs).toUTCString().replace('GMT', '+0000');
      this.#warn('MissSchedule', `Missed scheduled time to start a job: ${time}`);
      return true;
    }
    const { active = [], lastScheduleTime } = this.#status;
    const name = jobName(this.#cronJob, scheduledMs);
    if (active.some((job) => job.name === name) || Date.parse(lastScheduleTime ?? '') === scheduledMs)
      return true;
    if (concurrencyPolicy !== 'Forbid' || active.length === 0) return false;
    this.#tell(
      'JobAlreadyActive',
      'Not starting job because prior execution is running and concurrency policy is Forbid',
    );
    return true;
  }

  /** Makes the job of a time. False: somebody else has. */
  async #start(scheduledMs: number): Promise<boolean> {
    if (this.#cronJob.spec?.concurrencyPolicy === 'Replace') await this.#deleteActive();
    const job = await this.#create(newJob(this.#cronJob, scheduledMs));
    if (!job) return false;
    this.#status = {
      ...this.#status,
      active: [...(this.#status.active ?? []), referenceTo(job)],
      lastScheduleTime: rfc3339(scheduledMs),
    };
    return true;
  }

  async #create(job: Job): Promise<Stored<Job> | undefined> {
    const { client, signal } = this.#context;
    try {
      const made = await client.create(jobResource, job, { signal });
      this.#tell('SuccessfulCreate', `Created job ${made.metadata.name}`);
      return made;
    } catch (error) {
      if (isNamespaceTerminating(error)) throw error;
      if (!isAlreadyExists(error)) {
        this.#warn('FailedCreate', `Error creating job: ${errorMessage(error)}`);
        throw error;
      }
      const { name = '', namespace } = job.metadata ?? {};
      const present = await client.get(jobResource, { name, namespace }, { signal });
      // Ours, if it was made and then the status could not be written. Whoever else has made it keeps count of it.
      const isOurs = isControlledBy(present, this.#cronJob) && !this.#isActive(present.metadata.uid);
      return isOurs ? present : undefined;
    }
  }

  async #deleteActive(): Promise<void> {
    const { client, signal } = this.#context;
    for (const { name = '', namespace } of this.#status.active ?? []) {
      const job = await client.get(jobResource, { name, namespace }, { signal }).catch((error: unknown) => {
        this.#warn('FailedGet', `Get job: ${errorMessage(error)}`);
        throw error;
      });
      if (!(await this.#delete(job))) throw new Error(`could not replace job ${namespace}/${name}`);
    }
  }

  /** Deletes a job with its pods. False, and told, when that fails. */
  async #delete({ metadata: { name, namespace, uid } }: Stored<Job>): Promise<boolean> {
    const { client, signal } = this.#context;
    try {
      await client.delete(jobResource, { name, namespace }, { propagationPolicy: 'Background', signal });
    } catch (error) {
      this.#warn('FailedDelete', `Deleted job: ${errorMessage(error)}`);
      return false;
    }
    this.#forget(uid);
    this.#tell('SuccessfulDelete', `Deleted job ${name}`);
    return true;
  }

  async #writeStatus(): Promise<void> {
    const { client, signal } = this.#context;
    if (this.#status === this.#stored) return;
    const { active, ...status } = this.#status;
    const next = { ...this.#cronJob, status: active?.length ? { ...status, active } : status };
    await client.update(cronJobs, next, { subresource: 'status', signal });
  }

  #isActive(uid: string): boolean {
    return this.#status.active?.some((job) => job.uid === uid) ?? false;
  }

  #forget(uid: string | undefined): void {
    const { active = [] } = this.#status;
    if (!active.some((job) => job.uid === uid)) return;
    this.#status = { ...this.#status, active: active.filter((job) => job.uid !== uid) };
  }

  #tell(reason: string, message: string): void {
    this.#context.recorder.event(this.#cronJob, 'Normal', reason, message);
  }

  #warn(reason: string, message: string): void {
    this.#context.recorder.event(this.#cronJob, 'Warning', reason, message);
  }
}
