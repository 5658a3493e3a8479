import { rfc3339 } from '../../../base/index.ts';
import { type LabelSelector, type Pod, type PodSpec, qosClass } from '../../../kube/index.ts';
import { change, each } from './defaulting.ts';

// What upstream's podStrategy makes of a new pod.

/** A new pod's status, and its spec with the keys of labels that it matches by written into its selectors. */
export function newPod(pod: Pod, nowMs: number): Pod {
  const spec = withMatchedLabels(pod.spec, pod.metadata?.labels ?? {});
  const conditions = spec?.schedulingGates?.length ? { conditions: [gated(nowMs)] } : undefined;
  return { ...pod, spec, status: { phase: 'Pending', ...conditions, qosClass: qosClass(spec) } };
}

function gated(nowMs: number) {
  return {
    type: 'PodScheduled',
    status: 'False',
    lastTransitionTime: rfc3339(nowMs),
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
  };
}

type Labels = Readonly<Record<string, string>>;

interface SelectsByLabels {
  readonly labelSelector?: LabelSelector;
  readonly matchLabelKeys?: readonly string[];
  readonly mismatchLabelKeys?: readonly string[];
}

/** A selector that is absent matches nothing, and stays so. */
function withLabelKeys<T extends SelectsByLabels>(term: T, labels: Labels): T {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  const expressions = [
    ...matchLabelKeys.map((key) => ({ key, operator: 'In' })),
    ...mismatchLabelKeys.map((key) => ({ key, operator: 'NotIn' })),
  ]
    .filter(({ key }) => labels[key] !== undefined)
    .map((one) => ({ ...one, values: [labels[one.key]!] }));
  if (!labelSelector || expressions.length === 0) return term;
  const matchExpressions = [...(labelSelector.matchExpressions ?? []), ...expressions];
  return { ...term, labelSelector: { ...labelSelector, matchExpressions } };
}

function withMatchedLabels(spec: PodSpec | undefined, labels: Labels): PodSpec | undefined {
  if (!spec) return spec;
  const podAffinity = <A extends NonNullable<NonNullable<PodSpec['affinity']>['podAffinity']>>(
    affinity: A,
  ): A => {
    const needed = change(affinity, 'requiredDuringSchedulingIgnoredDuringExecution', (terms) =>
      each(terms, (term) => withLabelKeys(term, labels)),
    );
    return change(needed, 'preferredDuringSchedulingIgnoredDuringExecution', (terms) =>
      each(terms, (weighted) => change(weighted, 'podAffinityTerm', (term) => withLabelKeys(term, labels))),
    );
  };
  const affine = change(spec, 'affinity', (affinity) =>
    change(change(affinity, 'podAffinity', podAffinity), 'podAntiAffinity', podAffinity),
  );
  return change(affine, 'topologySpreadConstraints', (constraints) =>
    each(constraints, (constraint) => withLabelKeys(constraint, labels)),
  );
}
