import {
  type CronJob,
  type CronJobSpec,
  cronJobs,
  isTimeZone,
  type StatusCause,
  scheduleProblem,
} from '../../../kube/index.ts';
import { invalidValue, notSupported, required } from '../validation/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { change, fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { ago } from './duration.ts';
import { jobSpecCauses } from './job-validation.ts';
import { defaultJobSpec } from './jobs.ts';
import { templateColumns } from './workload-cells.ts';
import { nonNegativeCauses } from './workload-validation.ts';

/** The names of its jobs end in eleven characters of time. */
const MAX_NAME_LENGTH = 63 - 11;

export const cronJobDefinition = defineResource<CronJob>(cronJobs, {
  subresources: ['status'],
  columns: [
    nameColumn(),
    column('Schedule', ({ spec }) => spec?.schedule ?? '', { description: 'When jobs start.' }),
    column('Timezone', ({ spec }) => spec?.timeZone ?? '<none>', {
      description: 'The time zone of the schedule.',
    }),
    column('Suspend', ({ spec }) => printBool(spec?.suspend), {
      type: 'boolean',
      description: 'Whether no further jobs start.',
    }),
    column('Active', ({ status }) => status?.active?.length ?? 0, {
      type: 'integer',
      description: 'How many jobs are running.',
    }),
    column(
      'Last Schedule',
      ({ status }, nowMs) => (status?.lastScheduleTime ? ago(status.lastScheduleTime, nowMs) : '<none>'),
      { description: 'When a job was last started.' },
    ),
    ageColumn(),
    ...templateColumns<CronJob>(
      ({ spec }) => spec?.jobTemplate.spec?.template,
      ({ spec }) => spec?.jobTemplate.spec?.selector,
    ),
  ],
  strategy: {
    tracksGeneration: true,
    defaults: (job) =>
      change(job, 'spec', (spec) =>
        change(
          fill<CronJobSpec>(spec, {
            concurrencyPolicy: 'Allow',
            suspend: false,
            successfulJobsHistoryLimit: 3,
            failedJobsHistoryLimit: 1,
          }),
          'jobTemplate',
          (template) => change(fill(template, { metadata: {} }), 'spec', defaultJobSpec),
        ),
      ),
    prepareForCreate: (job) => ({ ...job, status: {} }),
    validate: validateCronJob,
  },
});

function printBool(value: boolean | undefined): string {
  return value === undefined ? '<unset>' : value ? 'True' : 'False';
}

/** Rules: Kubernetes 1.36, pkg/apis/batch/validation validateCronJobSpec. */
function validateCronJob({ metadata, spec }: CronJob): StatusCause[] {
  const causes: StatusCause[] = [];
  if (!spec?.schedule) causes.push(required('spec.schedule'));
  else {
    const refuse = (why: string) => causes.push(invalidValue('spec.schedule', spec.schedule, why));
    const problem = scheduleProblem(spec.schedule);
    if (problem) refuse(problem);
    if (spec.schedule.includes('TZ'))
      refuse('cannot use TZ or CRON_TZ in schedule, use timeZone field instead');
  }
  causes.push(...nonNegativeCauses('spec.startingDeadlineSeconds', spec?.startingDeadlineSeconds));
  if (spec?.timeZone !== undefined) causes.push(...timeZoneCauses(spec.timeZone));
  const policies = ['Allow', 'Forbid', 'Replace'];
  if (!policies.includes(spec?.concurrencyPolicy ?? '')) {
    causes.push(notSupported('spec.concurrencyPolicy', spec?.concurrencyPolicy ?? '', policies));
  }
  const path = 'spec.jobTemplate.spec';
  causes.push(...jobSpecCauses(spec?.jobTemplate?.spec, path));
  const { selector, manualSelector } = spec?.jobTemplate?.spec ?? {};
  if (selector) causes.push(invalidValue(`${path}.selector`, selector, '`selector` will be auto-generated'));
  if (manualSelector) {
    causes.push(notSupported(`${path}.manualSelector`, manualSelector, ['nil', 'false']));
  }
  causes.push(...nonNegativeCauses('spec.successfulJobsHistoryLimit', spec?.successfulJobsHistoryLimit));
  causes.push(...nonNegativeCauses('spec.failedJobsHistoryLimit', spec?.failedJobsHistoryLimit));
  if ((metadata?.name?.length ?? 0) > MAX_NAME_LENGTH && !metadata?.resourceVersion) {
    causes.push(
      invalidValue('metadata.name', metadata?.name, `must be no more than ${MAX_NAME_LENGTH} characters`),
    );
  }
  return causes;
}

function timeZoneCauses(zone: string): StatusCause[] {
  const refuse = (why: string) => invalidValue('spec.timeZone', zone, why);
  if (zone === '') return [refuse('timeZone must be nil or non-empty string')];
  const causes: StatusCause[] = [];
  if (zone.toLowerCase() === 'local') {
    const see = 'https://www.iana.org/time-zones';
    causes.push(refuse(`timeZone must be an explicit time zone as defined in ${see}`));
  }
  if (!isTimeZone(zone)) causes.push(refuse(`unknown time zone ${zone}`));
  return causes;
}
