import { type CronJob, type CronJobSpec, cronJobs, type StatusCause } from '../../../kube/index.ts';
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
          (template) => change(template, 'spec', defaultJobSpec),
        ),
      ),
    prepareForCreate: (job) => ({ ...job, status: {} }),
    validate: validateCronJob,
  },
});

function printBool(value: boolean | undefined): string {
  return value === undefined ? '<unset>' : value ? 'True' : 'False';
}

const FIELD = String.raw`(?:\*|\?|[0-9A-Za-z]+(?:-[0-9A-Za-z]+)?)(?:\/[0-9]+)?`;
const LIST = `${FIELD}(?:,${FIELD})*`;
const SCHEDULE = new RegExp(
  String.raw`^(?:@(?:yearly|annually|monthly|weekly|daily|midnight|hourly)|@every \S+|${LIST}(?:\s+${LIST}){4})$`,
);

/** Rules: Kubernetes 1.36, pkg/apis/batch/validation validateCronJobSpec. */
function validateCronJob({ metadata, spec }: CronJob): StatusCause[] {
  const causes: StatusCause[] = [];
  if (!spec?.schedule) causes.push(required('spec.schedule'));
  else if (spec.schedule.includes('TZ')) {
    causes.push(
      invalidValue(
        'spec.schedule',
        spec.schedule,
        'cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
      ),
    );
  } else if (!SCHEDULE.test(spec.schedule.trim())) {
    const parts = spec.schedule.trim().split(/\s+/).length;
    const why =
      parts === 5
        ? `failed to parse ${spec.schedule}`
        : `expected exactly 5 fields, found ${parts}: [${spec.schedule.trim().split(/\s+/).join(' ')}]`;
    causes.push(invalidValue('spec.schedule', spec.schedule, why));
  }
  causes.push(...nonNegativeCauses('spec.startingDeadlineSeconds', spec?.startingDeadlineSeconds));
  if (spec?.timeZone === '') {
    causes.push(invalidValue('spec.timeZone', spec.timeZone, 'timeZone must be nil or non-empty string'));
  }
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
