import { type Component, type ComponentContext, Controller, runControllers } from '../../client/index.ts';
import {
  CronError,
  type CronJob,
  controllerOf,
  cronJobs,
  type Job,
  jobs,
  joinKey,
  keyOf,
  parseCron,
  type Stored,
} from '../../kube/index.ts';
import { CronJobSync } from './cronjob-sync.ts';
import { nextLookMs } from './missed.ts';
import { scheduleOf } from './schedule-of.ts';

const BY_CONTROLLER_NAME = 'cronjob/controller-name';
/** CronJobs looked at at a time. Source: --concurrent-cron-job-syncs. */
const WORKERS = 5;

/** Makes Jobs when their time comes, as kube-controller-manager's cronjob-controller. */
export function createCronJobController(context: ComponentContext): Component {
  const { client, clock, informers, log } = context;
  const name = 'cronjob-controller';
  const recorder = context.recorder(name);
  const found = informers.of(cronJobs);
  // By name alone: what it calls its controller may be a CronJob that is not there any more.
  const jobsFound = informers.of(jobs).addIndex(BY_CONTROLLER_NAME, (job) => {
    const owner = controllerOf(job);
    return owner ? [joinKey(job.metadata?.namespace, owner.name)] : [];
  });
  const controller = new Controller({
    name,
    clock,
    log,
    workers: WORKERS,
    async reconcile(key, signal) {
      const cronJob = found.byKey(key);
      if (!cronJob) return undefined;
      const own = jobsFound.byIndex(BY_CONTROLLER_NAME, key);
      return await new CronJobSync({ client, clock, recorder, signal }, cronJob, own).run();
    },
  });

  const look = (cronJob: Stored<CronJob>) => controller.enqueue(keyOf(cronJob));
  const lookAtOwner = (job: Stored<Job>) => {
    const owner = controllerOf(job);
    const cronJob = owner?.kind === cronJobs.kind && found.get(owner.name, job.metadata.namespace);
    if (cronJob && cronJob.metadata.uid === owner.uid) look(cronJob);
  };
  /** Another schedule counts from its next time on: what it would have been due before is not made up for at once. */
  const changed = (cronJob: Stored<CronJob>, previous: Stored<CronJob>) => {
    if (scheduleOf(cronJob) === scheduleOf(previous)) return look(cronJob);
    try {
      const schedule = parseCron(scheduleOf(cronJob));
      controller.enqueueAfter(keyOf(cronJob), nextLookMs(cronJob, clock.now(), schedule));
    } catch (error) {
      if (!(error instanceof CronError)) throw error;
      const text = `unparseable schedule for cronjob: ${cronJob.spec?.schedule}`;
      recorder.event(cronJob, 'Warning', 'UnParseableCronJobSchedule', text);
    }
  };
  return {
    name,
    start: (signal) =>
      runControllers(signal, {
        informers: { found, jobsFound },
        listen: () => [
          found.on({ added: look, updated: changed, deleted: look }),
          jobsFound.on({
            added: lookAtOwner,
            updated: (job, previous) => {
              if (controllerOf(job)?.uid !== controllerOf(previous)?.uid) lookAtOwner(previous);
              lookAtOwner(job);
            },
            deleted: lookAtOwner,
          }),
        ],
        loops: [controller],
      }),
  };
}
