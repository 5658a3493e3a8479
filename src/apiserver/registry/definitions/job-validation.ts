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
  isDNS1123Subdomain,
  notSupported,
  required,
  tooLong,
  unchanged,
  validateWith,
} from '../validation/index.ts';
import { goForm } from './go-form.ts';
import {
  podFailurePolicyCauses,
  podReplacementPolicyCauses,
  successPolicyCauses,
} from './job-policy-validation.ts';
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
  if (spec?.managedBy !== undefined) causes.push(...managerCauses(spec.managedBy, `${path}.managedBy`));
  causes.push(...completionModeCauses(spec, path));
  if (spec?.podFailurePolicy) causes.push(...podFailurePolicyCauses(spec, `${path}.podFailurePolicy`));
  if (spec?.successPolicy) {
    causes.push(
      ...(spec.completionMode === 'Indexed'
        ? successPolicyCauses(spec, `${path}.successPolicy`)
        : [
            invalidValue(
              `${path}.successPolicy`,
              goForm('SuccessPolicy', spec.successPolicy),
              'requires indexed completion mode',
            ),
          ]),
    );
  }
  if (spec) causes.push(...podReplacementPolicyCauses(spec, `${path}.podReplacementPolicy`));
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
    return [...causes, ...failedIndexCauses(spec, path)];
  }
  const causes: StatusCause[] = [];
  if (mode !== 'NonIndexed') {
    causes.push(notSupported(`${path}.completionMode`, mode, ['NonIndexed', 'Indexed']));
  }
  for (const name of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const) {
    if (spec?.[name] !== undefined && mode === 'NonIndexed') {
      causes.push(invalidValue(`${path}.${name}`, spec[name], 'requires indexed completion mode'));
    }
  }
  return causes;
}

/** Jobs of so many completions have to keep to fewer pods at once, and give up earlier. */
const MANY_COMPLETIONS = 100_000;
const MAX_FAILED_INDEXES = 100_000;
const MAX_AT_MANY = 10_000;

function failedIndexCauses(spec: JobSpec | undefined, path: string): StatusCause[] {
  const { completions, maxFailedIndexes: failed, parallelism = 0, backoffLimitPerIndex } = spec ?? {};
  const here = `${path}.maxFailedIndexes`;
  const causes: StatusCause[] = [];
  if (completions !== undefined && failed !== undefined && failed > completions)
    causes.push(invalidValue(here, failed, 'must be less than or equal to completions'));
  if (failed !== undefined && failed > MAX_FAILED_INDEXES)
    causes.push(invalidValue(here, failed, `must be less than or equal to ${MAX_FAILED_INDEXES}`));
  if ((completions ?? 0) <= MANY_COMPLETIONS || backoffLimitPerIndex === undefined) return causes;
  const why = `must be less than or equal to ${MAX_AT_MANY} when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`;
  if (failed === undefined)
    causes.push(required(here, `must be specified when completions is above ${MANY_COMPLETIONS}`));
  if (parallelism > MAX_AT_MANY) causes.push(invalidValue(`${path}.parallelism`, parallelism, why));
  if (failed !== undefined && failed > MAX_AT_MANY) causes.push(invalidValue(here, failed, why));
  return causes;
}

const MAX_MANAGER_CHARACTERS = 63;

/** Who else looks after the job: a path below a domain. */
function managerCauses(manager: string, path: string): StatusCause[] {
  if (!manager) return [required(path)];
  const [, host, rest] = /^([^/]*)\/(.*)$/.exec(manager) ?? [];
  const causes: StatusCause[] = [];
  if (!host || !rest)
    causes.push(invalidValue(path, manager, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  else {
    causes.push(...validateWith(path, host, isDNS1123Subdomain));
    if (!/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(rest))
      causes.push(
        invalidValue(
          path,
          rest,
          "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
        ),
      );
  }
  if (manager.length > MAX_MANAGER_CHARACTERS) causes.push(tooLong(path, MAX_MANAGER_CHARACTERS));
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
