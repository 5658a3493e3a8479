import type { ContainerStatus, Job, JobSpec, Pod } from '../../kube/index.ts';

type Rule = NonNullable<JobSpec['podFailurePolicy']>['rules'][number];
type ExitCodes = NonNullable<Rule['onExitCodes']>;

/** What a job's failure policy makes of a failed pod. */
export interface FailurePolicyMatch {
  /** Whether the failure counts towards the limits. */
  readonly counts: boolean;
  readonly action?: string;
  /** Why the whole job fails. */
  readonly failsJob?: string;
}

/** The first rule that fits decides; without one a failure counts. */
export function failurePolicyMatch({ spec }: Job, pod: Pod): FailurePolicyMatch {
  const rules = spec?.podFailurePolicy?.rules ?? [];
  for (const [index, rule] of rules.entries()) {
    const what = rule.onExitCodes ? exitCodeMatch(rule.onExitCodes, pod) : conditionMatch(rule, pod);
    if (what === undefined) continue;
    const { action } = rule;
    if (action !== 'FailJob') return { counts: action !== 'Ignore', action };
    return { counts: true, action, failsJob: `${what} matching FailJob rule at index ${index}` };
  }
  return { counts: true };
}

function exitCodeMatch(requirement: ExitCodes, { metadata, status }: Pod): string | undefined {
  const found =
    (status?.containerStatuses ?? []).find((one) => hasExitCode(requirement, one)) ??
    (status?.initContainerStatuses ?? []).find((one) => hasExitCode(requirement, one));
  if (!found) return undefined;
  const pod = `${metadata?.namespace}/${metadata?.name}`;
  return `Container ${found.name} for pod ${pod} failed with exit code ${found.state?.terminated?.exitCode}`;
}

function hasExitCode(
  { containerName, operator, values }: ExitCodes,
  { name, state }: ContainerStatus,
): boolean {
  const code = state?.terminated?.exitCode;
  if (code === undefined || code === 0) return false;
  if (containerName !== undefined && containerName !== name) return false;
  return operator === 'In' ? values.includes(code) : operator === 'NotIn' && !values.includes(code);
}

function conditionMatch({ onPodConditions }: Rule, { metadata, status }: Pod): string | undefined {
  const found = (status?.conditions ?? []).find((condition) =>
    onPodConditions?.some(
      (pattern) => pattern.type === condition.type && (pattern.status ?? 'True') === condition.status,
    ),
  );
  return found && `Pod ${metadata?.namespace}/${metadata?.name} has condition ${found.type}`;
}
