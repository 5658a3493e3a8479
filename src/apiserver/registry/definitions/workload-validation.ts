import {
  fromLabelSelector,
  type LabelSelector,
  matchesSelector,
  type PodTemplateSpec,
  type StatusCause,
} from '../../../kube/index.ts';
import {
  forbiddenField,
  invalidValue,
  notSupported,
  required,
  validateAnnotations,
  validateLabels,
} from '../validation/index.ts';
import { validateTemplateSpec } from './pod-validation.ts';
import { labelSelectorCauses } from './selector-validation.ts';

// What the workload kinds share. Source: Kubernetes 1.36, pkg/apis/apps/validation.

/** Replica counts and seconds: none may be negative. */
export function nonNegativeCauses(path: string, value: number | undefined): StatusCause[] {
  return value !== undefined && value < 0
    ? [invalidValue(path, value, 'must be greater than or equal to 0')]
    : [];
}

/** The selector of a workload: there, well formed and not empty. `kind` is the word of upstream's message. */
export function workloadSelectorCauses(
  selector: LabelSelector | undefined,
  kind: string,
  path: string,
): StatusCause[] {
  if (!selector) return [required(path)];
  const causes = labelSelectorCauses(selector, path);
  if (fromLabelSelector(selector).length === 0) {
    causes.push(invalidValue(path, selector, `empty selector is invalid for ${kind}`));
  }
  return causes;
}

/** The labels of a template must be such that its workload finds the pods again. An absent selector finds none. */
export function templateLabelCauses(
  template: PodTemplateSpec | undefined,
  selector: LabelSelector | undefined,
  path: string,
): StatusCause[] {
  const labels = template?.metadata?.labels;
  if (selector && matchesSelector(fromLabelSelector(selector), labels)) return [];
  return [
    invalidValue(`${path}.metadata.labels`, labels ?? null, '`selector` does not match template `labels`'),
  ];
}

/** Rules of any pod template (ValidatePodTemplateSpec). */
export function podTemplateCauses(template: PodTemplateSpec | undefined, path: string): StatusCause[] {
  return [
    ...validateLabels(`${path}.labels`, template?.metadata?.labels),
    ...validateAnnotations(`${path}.annotations`, template?.metadata?.annotations),
    ...validateTemplateSpec(template?.spec, `${path}.spec`),
    ...(template?.spec?.ephemeralContainers?.length
      ? [
          forbiddenField(
            `${path}.spec.ephemeralContainers`,
            'ephemeral containers not allowed in pod template',
          ),
        ]
      : []),
  ];
}

/** Pods that are replaced when they end: always restarted, without a deadline. */
export function replicatedTemplateCauses(
  template: PodTemplateSpec | undefined,
  kind: string,
  path: string,
): StatusCause[] {
  const causes: StatusCause[] = [];
  const policy = template?.spec?.restartPolicy;
  if (template?.spec && policy !== 'Always') {
    causes.push(notSupported(`${path}.spec.restartPolicy`, policy ?? '', ['Always']));
  }
  if (template?.spec?.activeDeadlineSeconds !== undefined) {
    causes.push(
      forbiddenField(
        `${path}.spec.activeDeadlineSeconds`,
        `activeDeadlineSeconds in ${kind} is not Supported`,
      ),
    );
  }
  return causes;
}

/** What of a workload's spec is about its pods. `kind`: whose pods they are; `selectorOf`: the word of upstream's message. */
export function selectorAndTemplateCauses(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  { kind, selectorOf, path }: { kind: string; selectorOf: string; path: string },
): StatusCause[] {
  return [
    ...workloadSelectorCauses(selector, selectorOf, `${path}.selector`),
    ...templateLabelCauses(template, selector, `${path}.template`),
    ...podTemplateCauses(template, `${path}.template`),
    ...replicatedTemplateCauses(template, kind, `${path}.template`),
  ];
}

type Counts = Readonly<Record<string, unknown>>;
const countIn = (status: object | undefined, name: string) => Number((status as Counts)?.[name] ?? 0);

/** Counts of a status: none may be negative. */
export function countCauses<S extends object>(
  status: S | undefined,
  names: readonly (keyof S & string)[],
): StatusCause[] {
  return names.flatMap((name) => nonNegativeCauses(`status.${name}`, status?.[name] as number | undefined));
}

/** Counts of a status that cannot be greater than another. `shown`: how upstream's message calls that. */
export function atMostCauses<S extends object>(
  status: S | undefined,
  names: readonly (keyof S & string)[],
  limit: keyof S & string,
  shown = `status.${limit}`,
): StatusCause[] {
  return names
    .filter((name) => countIn(status, name) > countIn(status, limit))
    .map((name) => invalidValue(`status.${name}`, countIn(status, name), `cannot be greater than ${shown}`));
}

/** Collisions of names are only ever counted up. */
export function collisionCauses(
  status: { readonly collisionCount?: number } | undefined,
  previous: { readonly collisionCount?: number } | undefined,
): StatusCause[] {
  const count = status?.collisionCount ?? 0;
  if (count >= (previous?.collisionCount ?? 0)) return [];
  return [invalidValue('status.collisionCount', count, 'cannot be decremented')];
}

type IntOrPercent = string | number;

/** A count, or a percentage (ValidatePositiveIntOrPercent). */
export function intOrPercentCauses(path: string, value: IntOrPercent | undefined): StatusCause[] {
  if (typeof value === 'number') return nonNegativeCauses(path, value);
  if (value === undefined || percentOf(value) !== undefined) return [];
  return [
    invalidValue(
      path,
      value,
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ),
  ];
}

/** IsNotMoreThan100Percent. */
export function atMost100PercentCauses(path: string, value: IntOrPercent | undefined): StatusCause[] {
  return (percentOf(value) ?? 0) > 100 ? [invalidValue(path, value, 'must not be greater than 100%')] : [];
}

/** The number in a count or a percentage (getIntOrPercentValue). */
export function intOrPercentValue(value: IntOrPercent | undefined): number {
  return percentOf(value) ?? (Number(value) || 0);
}

function percentOf(value: IntOrPercent | undefined): number | undefined {
  return typeof value === 'string' && /^[0-9]+%$/.test(value) ? Number(value.slice(0, -1)) : undefined;
}
