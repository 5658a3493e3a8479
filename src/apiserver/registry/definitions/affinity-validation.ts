import type { LabelSelector, PodSpec, StatusCause } from '../../../kube/index.ts';
import {
  at,
  duplicate,
  forbiddenField,
  invalidValue,
  isDNS1123Label,
  isQualifiedName,
  notSupported,
  oneOf,
  required,
  validateWith,
} from '../validation/index.ts';
import { nodeSelectorCauses, nodeSelectorTermCauses } from './node-selector-validation.ts';
import { labelSelectorCauses } from './selector-validation.ts';

// Where a pod may and would rather run. Source: Kubernetes 1.36, pkg/apis/core/validation validateAffinity,
// validateTopologySpreadConstraints.

type Affinity = NonNullable<PodSpec['affinity']>;
type PodAffinity = NonNullable<Affinity['podAffinity']>;
type AffinityTerm = NonNullable<PodAffinity['requiredDuringSchedulingIgnoredDuringExecution']>[number];
type SpreadConstraint = NonNullable<PodSpec['topologySpreadConstraints']>[number];

export function affinityCauses(affinity: Affinity | undefined, path: string): StatusCause[] {
  if (!affinity) return [];
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  return [
    ...(nodeAffinity ? nodeAffinityCauses(nodeAffinity, `${path}.nodeAffinity`) : []),
    ...(podAffinity ? podAffinityCauses(podAffinity, `${path}.podAffinity`) : []),
    ...(podAntiAffinity ? podAffinityCauses(podAntiAffinity, `${path}.podAntiAffinity`) : []),
  ];
}

function nodeAffinityCauses(affinity: NonNullable<Affinity['nodeAffinity']>, path: string): StatusCause[] {
  const needed = affinity.requiredDuringSchedulingIgnoredDuringExecution;
  const preferred = affinity.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...(needed ? nodeSelectorCauses(needed, `${path}.requiredDuringSchedulingIgnoredDuringExecution`) : []),
    ...preferred.flatMap(({ weight, preference }, index) => {
      const here = at(`${path}.preferredDuringSchedulingIgnoredDuringExecution`, index);
      return [
        ...weightCauses(weight, here),
        ...nodeSelectorTermCauses(preference ?? {}, `${here}.preference`, true),
      ];
    }),
  ];
}

function weightCauses(weight = 0, path: string): StatusCause[] {
  if (weight >= 1 && weight <= 100) return [];
  return [invalidValue(`${path}.weight`, weight, 'must be in the range 1-100')];
}

function podAffinityCauses(affinity: PodAffinity, path: string): StatusCause[] {
  const needed = affinity.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const preferred = affinity.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...needed.flatMap((term, index) =>
      termCauses(term, at(`${path}.requiredDuringSchedulingIgnoredDuringExecution`, index)),
    ),
    ...preferred.flatMap(({ weight, podAffinityTerm }, index) => {
      const here = at(`${path}.preferredDuringSchedulingIgnoredDuringExecution`, index);
      return [...weightCauses(weight, here), ...termCauses(podAffinityTerm ?? {}, `${here}.podAffinityTerm`)];
    }),
  ];
}

function termCauses(term: Partial<AffinityTerm>, path: string): StatusCause[] {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [], topologyKey = '' } = term;
  return [
    ...labelSelectorCauses(labelSelector, `${path}.labelSelector`),
    ...labelSelectorCauses(term.namespaceSelector, `${path}.namespaceSelector`),
    ...(term.namespaces ?? []).flatMap((name) => validateWith(`${path}.namespace`, name, isDNS1123Label)),
    ...labelKeyCauses(matchLabelKeys, mismatchLabelKeys, labelSelector, path),
    ...(topologyKey ? [] : [required(`${path}.topologyKey`, 'can not be empty')]),
    ...validateWith(`${path}.topologyKey`, topologyKey, isQualifiedName),
  ];
}

/** ValidateMatchLabelKeysAndMismatchLabelKeys. */
function labelKeyCauses(
  match: readonly string[],
  mismatch: readonly string[],
  selector: LabelSelector | undefined,
  path: string,
): StatusCause[] {
  const named = (keys: readonly string[], field: string): StatusCause[] => {
    if (keys.length === 0) return [];
    const here = `${path}.${field}`;
    if (!selector) return [forbiddenField(here, 'must not be specified when labelSelector is not set')];
    return keys.flatMap((key, index) => validateWith(at(here, index), key, isQualifiedName));
  };
  const seen = new Set(Object.keys(selector?.matchLabels ?? {}));
  const twice = (selector?.matchExpressions ?? []).flatMap(({ key }) => {
    // What a match label key has become stands in the selector once already.
    const isTwice = match.includes(key) && seen.has(key);
    seen.add(key);
    if (!isTwice) return [];
    const why = 'exists in both matchLabelKeys and labelSelector';
    return [invalidValue(at(path, match.lastIndexOf(key)), key, why)];
  });
  return [
    ...named(match, 'matchLabelKeys'),
    ...named(mismatch, 'mismatchLabelKeys'),
    ...twice,
    ...match.flatMap((key, index) =>
      mismatch.includes(key)
        ? [
            invalidValue(
              at(`${path}.matchLabelKeys`, index),
              key,
              'exists in both matchLabelKeys and mismatchLabelKeys',
            ),
          ]
        : [],
    ),
  ];
}

const UNSATISFIABLE = ['DoNotSchedule', 'ScheduleAnyway'];

export function topologySpreadCauses(
  constraints: readonly SpreadConstraint[] = [],
  path: string,
): StatusCause[] {
  return constraints.flatMap((constraint, index) => {
    const here = at(path, index);
    const { topologyKey = '', whenUnsatisfiable = '', minDomains, labelSelector } = constraint;
    const causes = [
      ...positiveCauses(constraint.maxSkew ?? 0, `${here}.maxSkew`),
      ...(topologyKey ? [] : [required(`${here}.topologyKey`, 'can not be empty')]),
      ...(UNSATISFIABLE.includes(whenUnsatisfiable)
        ? []
        : [notSupported(`${here}.whenUnsatisfiable`, whenUnsatisfiable, UNSATISFIABLE)]),
    ];
    const again = constraints
      .slice(index + 1)
      .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable);
    if (again) {
      const pair = `{${topologyKey}, ${whenUnsatisfiable}}`;
      causes.push(duplicate(`${here}.{topologyKey, whenUnsatisfiable}`, pair));
    }
    if (minDomains !== undefined) {
      causes.push(...positiveCauses(minDomains, `${here}.minDomains`));
      if (whenUnsatisfiable !== 'DoNotSchedule') {
        const why = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
        causes.push(invalidValue(`${here}.minDomains`, minDomains, why));
      }
    }
    return [
      ...causes,
      ...oneOf(`${here}.nodeAffinityPolicy`, constraint.nodeAffinityPolicy, ['Honor', 'Ignore']),
      ...oneOf(`${here}.nodeTaintsPolicy`, constraint.nodeTaintsPolicy, ['Honor', 'Ignore']),
      ...labelKeyCauses(constraint.matchLabelKeys ?? [], [], labelSelector, here),
      ...labelSelectorCauses(labelSelector, `${here}.labelSelector`),
    ];
  });
}

function positiveCauses(value: number, path: string): StatusCause[] {
  return value > 0 ? [] : [invalidValue(path, value, 'must be greater than zero')];
}
