import type { JobSpec, StatusCause } from '../../../kube/index.ts';
import {
  at,
  duplicate,
  invalidValue,
  isQualifiedName,
  notSupported,
  oneOf,
  required,
  tooLong,
  tooMany,
  validateWith,
} from '../validation/index.ts';

// When a job has failed, and when it has succeeded, in the words of its author. Source: Kubernetes 1.36,
// pkg/apis/batch/validation validatePodFailurePolicy, validateSuccessPolicy.

const MAX_RULES = 20;
const MAX_PATTERNS = 20;
const MAX_EXIT_CODES = 255;
const MAX_INDEXES_CHARACTERS = 64 * 1024;

type FailureRule = NonNullable<JobSpec['podFailurePolicy']>['rules'][number];
type ExitCodes = NonNullable<FailureRule['onExitCodes']>;
type PodConditions = NonNullable<FailureRule['onPodConditions']>;
type SuccessRule = NonNullable<JobSpec['successPolicy']>['rules'][number];

/** One of several words; what is missing is told which. */
function wordCauses(path: string, word: string | undefined, words: readonly string[]): StatusCause[] {
  if (!word) return [required(path, `valid values: [${words.map((one) => JSON.stringify(one)).join(' ')}]`)];
  return words.includes(word) ? [] : [notSupported(path, word, words)];
}

/** A fault of several fields together: no value is shown. */
const wrong = (field: string, why: string): StatusCause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${why}`,
  field,
});

export function podFailurePolicyCauses(spec: JobSpec, path: string): StatusCause[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const { containers = [], initContainers = [] } = spec.template?.spec ?? {};
  const names = new Set([...containers, ...initContainers].map(({ name }) => name));
  return [
    ...(rules.length > MAX_RULES ? [tooMany(`${path}.rules`, rules.length, MAX_RULES)] : []),
    ...rules.flatMap((rule, index) => failureRuleCauses(rule, spec, names, at(`${path}.rules`, index))),
  ];
}

function failureRuleCauses(
  { action, onExitCodes, onPodConditions = [] }: FailureRule,
  spec: JobSpec,
  names: ReadonlySet<string>,
  path: string,
): StatusCause[] {
  const causes = wordCauses(`${path}.action`, action, ['Count', 'FailIndex', 'FailJob', 'Ignore']);
  if (action === 'FailIndex' && spec.backoffLimitPerIndex === undefined)
    causes.push(invalidValue(`${path}.action`, action, 'requires the backoffLimitPerIndex to be set'));
  if (onExitCodes) causes.push(...exitCodeCauses(onExitCodes, names, `${path}.onExitCodes`));
  causes.push(...podConditionCauses(onPodConditions, `${path}.onPodConditions`));
  const hasConditions = onPodConditions.length > 0;
  if (onExitCodes && hasConditions)
    causes.push(wrong(path, 'specifying both OnExitCodes and OnPodConditions is not supported'));
  if (!onExitCodes && !hasConditions)
    causes.push(wrong(path, 'specifying one of OnExitCodes and OnPodConditions is required'));
  return causes;
}

function exitCodeCauses(
  { operator, containerName, values }: ExitCodes,
  names: ReadonlySet<string>,
  path: string,
): StatusCause[] {
  const causes = wordCauses(`${path}.operator`, operator, ['In', 'NotIn']);
  if (containerName !== undefined && !names.has(containerName)) {
    const why = 'must be one of the container or initContainer names in the pod template';
    causes.push(invalidValue(`${path}.containerName`, containerName, why));
  }
  const here = `${path}.values`;
  if (!values?.length)
    return [...causes, invalidValue(here, values ?? null, 'at least one value is required')];
  if (values.length > MAX_EXIT_CODES) causes.push(tooMany(here, values.length, MAX_EXIT_CODES));
  for (const [index, value] of values.entries()) {
    if (operator === 'In' && value === 0)
      causes.push(invalidValue(at(here, index), value, 'must not be 0 for the In operator'));
    if (values.indexOf(value) < index) causes.push(duplicate(at(here, index), value));
  }
  if (values.some((value, index) => index > 0 && values[index - 1]! > value))
    causes.push(invalidValue(here, values, 'must be ordered'));
  return causes;
}

function podConditionCauses(patterns: PodConditions, path: string): StatusCause[] {
  return [
    ...(patterns.length > MAX_PATTERNS ? [tooMany(path, patterns.length, MAX_PATTERNS)] : []),
    ...patterns.flatMap(({ type, status }, index) => [
      ...validateWith(`${at(path, index)}.type`, type, isQualifiedName),
      ...wordCauses(`${at(path, index)}.status`, status, ['False', 'True', 'Unknown']),
    ]),
  ];
}

/** When a pod is replaced: with a failure policy only once it has ended. */
export function podReplacementPolicyCauses(spec: JobSpec, path: string): StatusCause[] {
  const policies = spec.podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  return oneOf(path, spec.podReplacementPolicy, policies);
}

export function successPolicyCauses(spec: JobSpec, path: string): StatusCause[] {
  const rules = spec.successPolicy?.rules ?? [];
  const here = `${path}.rules`;
  const causes: StatusCause[] = [];
  if (rules.length === 0)
    causes.push(required(here, 'at least one rules must be specified when the successPolicy is specified'));
  if (rules.length > MAX_RULES) causes.push(tooMany(here, rules.length, MAX_RULES));
  const completions = spec.completions ?? 0;
  return [
    ...causes,
    ...rules.flatMap((rule, index) => successRuleCauses(rule, completions, at(here, index))),
  ];
}

function successRuleCauses(
  { succeededCount: count, succeededIndexes: indexes }: SuccessRule,
  completions: number,
  path: string,
): StatusCause[] {
  const causes: StatusCause[] = [];
  if (count === undefined && indexes === undefined) {
    const why = 'at least one of succeededCount or succeededIndexes must be specified';
    return [required(path, why)];
  }
  let total = 0;
  if (indexes !== undefined) {
    const here = `${path}.succeededIndexes`;
    if (indexes.length > MAX_INDEXES_CHARACTERS) causes.push(tooLong(here, MAX_INDEXES_CHARACTERS));
    const counted = countIndexes(indexes, completions);
    if (typeof counted === 'number') total = counted;
    else causes.push(invalidValue(here, indexes, `error parsing succeededIndexes: ${counted.why}`));
  }
  if (count === undefined) return causes;
  const refuse = (why: string) => causes.push(invalidValue(`${path}.succeededCount`, count, why));
  if (count < 0) refuse('must be greater than or equal to 0');
  if (count > completions)
    refuse(`must be less than or equal to ${completions} (the number of specified completions)`);
  if (indexes !== undefined && count > total) {
    refuse(
      `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`,
    );
  }
  return causes;
}

/** How many indexes a text such as `1,3-5` names (validateIndexesFormat). */
function countIndexes(text: string, completions: number): number | { readonly why: string } {
  if (text === '') return 0;
  let total = 0;
  let last: number | undefined;
  for (const interval of text.split(',')) {
    const limits = interval.split('-');
    if (limits.length > 2)
      return {
        why: `the fragment ${JSON.stringify(interval)} violates the requirement that an index interval can have at most two parts separated by '-'`,
      };
    for (const limit of limits)
      if (!/^[-+]?\d+$/.test(limit))
        return { why: `cannot convert string to integer for index: ${JSON.stringify(limit)}` };
    const [first, end = first] = limits.map(Number) as [number, number?];
    if (first >= completions) return { why: `too large index: ${JSON.stringify(limits[0])}` };
    if (limits.length === 2) {
      if (end >= completions) return { why: `too large index: ${JSON.stringify(limits[1])}` };
      if (first >= end) return { why: `non-increasing order, previous: ${first}, current: ${end}` };
    }
    if (last !== undefined && last >= first)
      return { why: `non-increasing order, previous: ${last}, current: ${first}` };
    total += end - first + 1;
    last = end;
  }
  return total;
}
