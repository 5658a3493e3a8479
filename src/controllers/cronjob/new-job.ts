import { type CronJob, controllerReference, type Job, rfc3339In, type Stored } from '../../kube/index.ts';

/** On a job: the time of the schedule that it was made for. */
const ANN_SCHEDULED = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
const MINUTE_MS = 60_000;

/** The name of the job of a time: always the same one, so that it is made once. */
export function jobName(cronJob: Stored<CronJob>, scheduledMs: number): string {
  return `${cronJob.metadata.name}-${Math.floor(scheduledMs / MINUTE_MS)}`;
}

/** The job of a time, as the CronJob's template has it. */
export function newJob(cronJob: Stored<CronJob>, scheduledMs: number): Job {
  const { metadata, spec } = cronJob.spec!.jobTemplate;
  return {
    metadata: {
      name: jobName(cronJob, scheduledMs),
      namespace: cronJob.metadata.namespace,
      labels: { ...metadata?.labels },
      annotations: {
        ...metadata?.annotations,
        [ANN_SCHEDULED]: rfc3339In(scheduledMs, cronJob.spec?.timeZone ?? ''),
      },
      ownerReferences: [controllerReference(cronJob)],
    },
    spec: structuredClone(spec),
  };
}
