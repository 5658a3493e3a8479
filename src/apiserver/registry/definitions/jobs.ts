import { type Job, type JobSpec, jobs, type Stored } from '../../../kube/index.ts';
import { ageColumn, column, nameColumn } from './columns.ts';
import { change, each, fill } from './defaulting.ts';
import { defineResource } from './define.ts';
import { podNameWarnings } from './deprecations.ts';
import { humanDuration } from './duration.ts';
import { validateJobStatusUpdate } from './job-status-validation.ts';
import { validateJob, validateJobUpdate } from './job-validation.ts';
import { defaultPodTemplate } from './pod-spec-defaults.ts';
import { templateWarnings } from './template-warnings.ts';
import { templateColumns } from './workload-cells.ts';

const MAX_INT32 = 2 ** 31 - 1;

const warnOfTemplate = templateWarnings<Job>(({ spec }) => spec?.template, 'spec.template');

export const jobDefinition = defineResource<Job>(jobs, {
  subresources: ['status'],
  columns: [
    nameColumn(),
    column('Status', statusCell, { description: 'Status of the job.' }),
    column('Completions', completionsCell, { description: 'How many pods have ended well.' }),
    column('Duration', durationCell, { description: 'Time required to complete the job.' }),
    ageColumn(),
    ...templateColumns<Job>(
      ({ spec }) => spec?.template,
      ({ spec }) => spec?.selector,
    ),
  ],
  selectableFields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  unknownField: (path) => `field label ${JSON.stringify(path)} not supported for Job`,
  strategy: {
    tracksGeneration: true,
    warnings: (next, previous) => [...podNameWarnings(next, previous), ...warnOfTemplate(next, previous)],
    // For compatibility batch/v1 leaves the pods of a deleted job alone unless the client says otherwise.
    defaultPropagation: 'Orphan',
    defaults: defaultJob,
    prepareForCreate: (job) => ({ ...labelledAsPods(withGeneratedSelector(job)), status: {} }),
    validate: validateJob,
    validateUpdate: validateJobUpdate,
    validateStatusUpdate: validateJobStatusUpdate,
  },
});

/** Defaults: Kubernetes 1.36, pkg/apis/batch/v1 SetDefaults_Job. */
function defaultJob(job: Job): Job {
  return change(job, 'spec', (spec) =>
    defaultJobSpec(
      fill<JobSpec>(change(spec, 'podFailurePolicy', defaultFailurePolicy), {
        completions: spec.parallelism === undefined ? 1 : undefined,
        parallelism: 1,
        backoffLimit: spec.backoffLimitPerIndex === undefined ? 6 : MAX_INT32,
        completionMode: 'NonIndexed',
        suspend: false,
        podReplacementPolicy: spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed',
        manualSelector: false,
      }),
    ),
  );
}

/** A condition of a pod is met when it holds. */
function defaultFailurePolicy(policy: NonNullable<JobSpec['podFailurePolicy']>) {
  return change(policy, 'rules', (rules) =>
    each(rules, (rule) =>
      change(rule, 'onPodConditions', (patterns) =>
        each(patterns, (pattern) => fill(pattern, { status: 'True' })),
      ),
    ),
  );
}

/** What the template of a CronJob gets, too. */
export function defaultJobSpec(spec: JobSpec): JobSpec {
  return change(spec, 'template', defaultPodTemplate);
}

/**
 * A job without labels has those of its pods. Upstream defaults before it generates, and decodes into what it has
 * generated, so generated ones come along.
 */
function labelledAsPods(job: Job): Job {
  const labels = job.spec?.template?.metadata?.labels;
  if (!labels || Object.keys(job.metadata?.labels ?? {}).length > 0) return job;
  return { ...job, metadata: { ...job.metadata, labels } };
}

/** Labels by name and uid for the pods, and a selector of the uid, unless the client makes its own. */
function withGeneratedSelector(job: Job): Job {
  if (!job.spec || job.spec.manualSelector) return job;
  const { template, selector } = job.spec;
  const name = job.metadata?.name ?? '';
  const uid = job.metadata?.uid ?? '';
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
    ...template?.metadata?.labels,
  };
  const matchLabels = { 'batch.kubernetes.io/controller-uid': uid, ...selector?.matchLabels };
  return {
    ...job,
    spec: {
      ...job.spec,
      selector: { ...selector, matchLabels },
      template: { ...template, metadata: { ...template?.metadata, labels } },
    },
  };
}

const STATUS_OF_CONDITION = [
  ['Complete', 'Complete'],
  ['Failed', 'Failed'],
  ['deleted', 'Terminating'],
  ['Suspended', 'Suspended'],
  ['FailureTarget', 'FailureTarget'],
  ['SuccessCriteriaMet', 'SuccessCriteriaMet'],
] as const;

function statusCell({ metadata, status }: Stored<Job>): string {
  const holds = (type: string) =>
    type === 'deleted'
      ? metadata.deletionTimestamp !== undefined
      : status?.conditions?.some((one) => one.type === type && one.status === 'True');
  return STATUS_OF_CONDITION.find(([type]) => holds(type))?.[1] ?? 'Running';
}

function completionsCell({ spec, status }: Stored<Job>): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec?.completions !== undefined) return `${succeeded}/${spec.completions}`;
  const parallelism = spec?.parallelism ?? 0;
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`;
}

function durationCell({ status }: Stored<Job>, nowMs: number): string {
  if (!status?.startTime) return '';
  const end = status.completionTime ? Date.parse(status.completionTime) : nowMs;
  return humanDuration(end - Date.parse(status.startTime));
}
