import {
  fromLabelSelector,
  type Job,
  type JobSpec,
  matchesSelector,
  type StatusCause,
  type Stored,
} from '../../../kube/index.ts';
import {
  equal,
  immutable,
  invalidValue,
  isDNS1123Label,
  notSupported,
  required,
  unchanged,
} from '../validation/index.ts';
import { labelSelectorCauses } from './selector-validation.ts';
import { nonNegativeCauses, podTemplateCauses } from './workload-validation.ts';

// Rules: Kubernetes 1.36, pkg/apis/batch/validation.

const MAX_INDEXED_PARALLELISM = 100_000;

export function validateJob(job: Job): StatusCause[] {
  const { metadata, spec } = job;
  const causes = [...generatedSelectorCauses(job), ...jobSpecCauses(spec, 'spec')];
  if (!spec?.selector) causes.push(required('spec.selector'));
  else {
    causes.push(...labelSelectorCauses(spec.selector, 'spec.selector'));
    const labels = spec.template?.metadata?.labels;
    if (!matchesSelector(fromLabelSelector(spec.selector), labels)) {
      causes.push(
        invalidValue(
          'spec.template.metadata.labels',
          labels ?? null,
          '`selector` does not match template `labels`',
        ),
      );
    }
  }
  if (spec?.completionMode === 'Indexed' && (spec.completions ?? 0) > 0) {
    // The pods' host names end in their index.
    const longest = `${metadata?.name}-${spec.completions! - 1}`;
    if (isDNS1123Label(longest).length > 0) {
      causes.push(
        invalidValue(
          'metadata.name',
          metadata?.name,
          `will not able to create pod with invalid DNS label: ${longest}`,
        ),
      );
    }
  }
  return causes;
}

function generatedSelectorCauses({ metadata, spec }: Job): StatusCause[] {
  if (!spec || spec.manualSelector) return [];
  const expected = {
    'controller-uid': metadata?.uid,
    'batch.kubernetes.io/controller-uid': metadata?.uid,
    'job-name': metadata?.name,
    'batch.kubernetes.io/job-name': metadata?.name,
  };
  const causes: StatusCause[] = [];
  for (const [label, value] of Object.entries(expected)) {
    const found = spec.template?.metadata?.labels?.[label];
    if (found === value) continue;
    causes.push(
      invalidValue(
        `spec.template.metadata.labels[${label}]`,
        spec.template?.metadata?.labels ?? null,
        `must be '${value}'`,
      ),
    );
  }
  return causes;
}

/** Rules of a job's spec, also in the template of a CronJob (validateJobSpec). */
export function jobSpecCauses(spec: JobSpec | undefined, path: string): StatusCause[] {
  const counts = [
    ...(['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit'] as const),
    ...(['ttlSecondsAfterFinished', 'backoffLimitPerIndex', 'maxFailedIndexes'] as const),
  ];
  const causes = counts.flatMap((name) => nonNegativeCauses(`${path}.${name}`, spec?.[name]));
  if (spec?.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    causes.push(required(`${path}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'));
  }
  causes.push(...completionModeCauses(spec, path));
  causes.push(...podTemplateCauses(spec?.template, `${path}.template`));
  const policy = spec?.template?.spec?.restartPolicy;
  const here = `${path}.template.spec.restartPolicy`;
  if (policy === undefined || policy === 'Always') {
    causes.push(required(here, 'valid values: "OnFailure", "Never"'));
  } else if (policy !== 'OnFailure' && policy !== 'Never') {
    causes.push(notSupported(here, policy, ['OnFailure', 'Never']));
  } else if (spec?.podFailurePolicy && policy !== 'Never') {
    causes.push(invalidValue(here, policy, 'only "Never" is supported when podFailurePolicy is specified'));
  }
  return causes;
}

function completionModeCauses(spec: JobSpec | undefined, path: string): StatusCause[] {
  const mode = spec?.completionMode ?? 'NonIndexed';
  if (mode === 'Indexed') {
    const causes: StatusCause[] = [];
    if (spec?.completions === undefined) {
      causes.push(required(`${path}.completions`, 'when completion mode is Indexed'));
    }
    if ((spec?.parallelism ?? 0) > MAX_INDEXED_PARALLELISM) {
      causes.push(
        invalidValue(
          `${path}.parallelism`,
          spec?.parallelism,
          `must be less than or equal to ${MAX_INDEXED_PARALLELISM} when completion mode is Indexed`,
        ),
      );
    }
    if (spec?.completions !== undefined && (spec.maxFailedIndexes ?? 0) > spec.completions) {
      causes.push(
        invalidValue(
          `${path}.maxFailedIndexes`,
          spec.maxFailedIndexes,
          'must be less than or equal to completions',
        ),
      );
    }
    return causes;
  }
  const causes: StatusCause[] = [];
  if (mode !== 'NonIndexed') {
    causes.push(notSupported(`${path}.completionMode`, mode, ['NonIndexed', 'Indexed']));
  }
  for (const name of ['backoffLimitPerIndex', 'maxFailedIndexes', 'successPolicy'] as const) {
    if (spec?.[name] !== undefined && mode === 'NonIndexed') {
      causes.push(invalidValue(`${path}.${name}`, spec[name], 'requires indexed completion mode'));
    }
  }
  return causes;
}

const IMMUTABLE = [
  ...(['selector', 'completionMode', 'podFailurePolicy', 'backoffLimitPerIndex'] as const),
  ...(['managedBy', 'successPolicy'] as const),
];

export function validateJobUpdate(next: Job, previous: Stored<Job>): StatusCause[] {
  const a = next.spec;
  const b = previous.spec;
  const causes: StatusCause[] = [];
  // The completions of an indexed job may follow its parallelism.
  const elastic = a?.completionMode === 'Indexed' && a.completions === a.parallelism;
  if (a?.completionMode !== 'Indexed')
    causes.push(...unchanged('spec.completions', a?.completions, b?.completions));
  else if (!elastic && a.completions !== b?.completions) {
    const why = 'can only be modified in tandem with spec.parallelism';
    causes.push(invalidValue('spec.completions', a.completions, why));
  }
  causes.push(...unchanged('spec.selector', a?.selector, b?.selector));
  if (!equal(mutableTemplate(a, b), b?.template)) causes.push(immutable('spec.template', a?.template));
  for (const name of IMMUTABLE.slice(1)) causes.push(...unchanged(`spec.${name}`, a?.[name], b?.[name]));
  return causes;
}

/** The new template with the old scheduling directives: those of a suspended job that never ran may change. */
function mutableTemplate(
  next: JobSpec | undefined,
  previous: JobSpec | undefined,
): JobSpec['template'] | undefined {
  const template = next?.template;
  if (!previous?.suspend || !template?.spec || !previous.template.spec) return template;
  const { nodeSelector, affinity, tolerations, schedulingGates } = previous.template.spec;
  return {
    ...template,
    metadata: {
      ...template.metadata,
      labels: previous.template.metadata?.labels,
      annotations: previous.template.metadata?.annotations,
    },
    spec: { ...template.spec, nodeSelector, affinity, tolerations, schedulingGates },
  };
}

/** Rules of a status: counts, and that ends are final. */
export function validateJobStatusUpdate({ spec, status }: Job, previous: Stored<Job>): StatusCause[] {
  const causes = (['active', 'succeeded', 'failed', 'ready', 'terminating'] as const).flatMap((name) =>
    nonNegativeCauses(`status.${name}`, status?.[name]),
  );
  const holds = (one: Job['status'], type: string) =>
    one?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false;
  const complete = holds(status, 'Complete');
  const failed = holds(status, 'Failed');
  const conditions = (why: string): StatusCause => ({
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${why}`,
    field: 'status.conditions',
  });
  if (complete && failed) causes.push(conditions('cannot set Complete=True and Failed=true conditions'));
  if (complete && holds(status, 'FailureTarget'))
    causes.push(conditions('cannot set Complete=True and FailureTarget=true conditions'));
  if (status?.completionTime && !complete) {
    causes.push(
      invalidValue(
        'status.completionTime',
        status.completionTime,
        'cannot set completionTime when there is no Complete=True condition',
      ),
    );
  }
  if (complete && !status?.completionTime)
    causes.push(required('status.completionTime', 'completionTime is required for Complete jobs'));
  if (failed && !holds(status, 'FailureTarget'))
    causes.push(conditions('cannot set Failed=True condition without the FailureTarget=true condition'));
  if (complete && !holds(status, 'SuccessCriteriaMet')) {
    causes.push(
      conditions('cannot set Complete=True condition without the SuccessCriteriaMet=true condition'),
    );
  }
  if ((complete || failed) && (status?.active ?? 0) > 0)
    causes.push(invalidValue('status.active', status?.active, 'active>0 is invalid for finished job'));
  if ((complete || failed) && !status?.startTime)
    causes.push(required('status.startTime', 'startTime is required for finished job'));
  for (const type of ['Failed', 'Complete', 'FailureTarget', 'SuccessCriteriaMet']) {
    if (holds(previous.status, type) && !holds(status, type))
      causes.push(
        conditions(
          `cannot disable the ${type === 'SuccessCriteriaMet' ? '' : 'terminal '}${type}=True condition`,
        ),
      );
  }
  for (const name of ['failed', 'succeeded'] as const) {
    const value = status?.[name] ?? 0;
    if (value < (previous.status?.[name] ?? 0))
      causes.push(invalidValue(`status.${name}`, value, `cannot decrease the ${name} counter`));
  }
  const before = previous.status;
  if (status?.completionTime && before?.completionTime && status.completionTime !== before.completionTime)
    causes.push(immutable('status.completionTime', status.completionTime));
  if (before?.startTime && before.startTime !== status?.startTime && !spec?.suspend) {
    causes.push(
      invalidValue('status.startTime', status?.startTime, 'field is immutable for unsuspended job once set'),
    );
  }
  return causes;
}
