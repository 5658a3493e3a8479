import type * as k8s from '@kubernetes/client-node';
import {
  fromLabelSelector,
  LABEL_HOSTNAME,
  LABEL_ZONE,
  matchesSelector,
  type Node,
  type Pod,
  type Requirement,
  type Selector,
  type Wire,
} from '../../../kube/index.ts';
import type { NodeInfo } from '../../node-info.ts';
import type { PodInfo } from '../../pod-info.ts';
import { matchesRequired } from '../node-affinity.ts';
import { untolerated } from '../tolerations.ts';

type Labels = Readonly<Record<string, string>> | undefined;

/** How evenly certain pods must be spread over the values of a node label. */
export interface SpreadConstraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  /** Absent: no pod. */
  readonly selector: Selector | undefined;
  readonly minDomains: number;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

export type WhenUnsatisfiable = 'DoNotSchedule' | 'ScheduleAnyway';

/** A pod's own constraints of one kind. */
export function ownConstraints({ pod }: PodInfo, when: WhenUnsatisfiable): SpreadConstraint[] {
  return (pod.spec?.topologySpreadConstraints ?? [])
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when)
    .map((constraint) => ({
      maxSkew: constraint.maxSkew,
      topologyKey: constraint.topologyKey,
      selector: selectorOf(constraint, pod.metadata.labels),
      minDomains: constraint.minDomains ?? 1,
      honorsAffinity: constraint.nodeAffinityPolicy !== 'Ignore',
      honorsTaints: constraint.nodeTaintsPolicy === 'Honor',
    }));
}

/** The cluster's defaults for pods that say nothing: preferences only, over hosts and over zones. */
export function defaultConstraints(selector: Selector): SpreadConstraint[] {
  const common = { selector, minDomains: 1, honorsAffinity: true, honorsTaints: false };
  return [
    { ...common, maxSkew: 3, topologyKey: LABEL_HOSTNAME },
    { ...common, maxSkew: 5, topologyKey: LABEL_ZONE },
  ];
}

function selectorOf(
  { labelSelector, matchLabelKeys = [] }: Wire<k8s.V1TopologySpreadConstraint>,
  labels: Labels,
): Selector | undefined {
  if (!labelSelector) return undefined;
  const merged = matchLabelKeys
    .filter((key) => labels?.[key] !== undefined)
    .map((key): Requirement => ({ key, operator: 'In', values: [labels![key]!] }));
  return [...merged, ...fromLabelSelector(labelSelector)];
}

/** Whether the constraint speaks of a pod with these labels. */
export function selects({ selector }: SpreadConstraint, labels: Labels): boolean {
  return selector !== undefined && matchesSelector(selector, labels);
}

export function hasAllKeys(node: Node, constraints: readonly SpreadConstraint[]): boolean {
  const labels = node.metadata?.labels;
  return constraints.every(({ topologyKey }) => labels?.[topologyKey] !== undefined);
}

/** Whether the node counts for the constraint of the pod: it could run there as far as affinity and taints go. */
export function isIncluded(constraint: SpreadConstraint, pod: Pod, { node, hardTaints }: NodeInfo): boolean {
  if (constraint.honorsAffinity && !matchesRequired(pod, node)) return false;
  return !constraint.honorsTaints || untolerated(hardTaints, pod.spec?.tolerations) === undefined;
}

/** How many pods of the namespace the constraint selects on the node; those that are leaving do not count. */
export function countSelected({ selector }: SpreadConstraint, node: NodeInfo, namespace: string): number {
  if (!selector || selector.length === 0) return 0;
  let count = 0;
  for (const { pod, namespace: other } of node.pods.values()) {
    if (other !== namespace || pod.metadata.deletionTimestamp !== undefined) continue;
    if (matchesSelector(selector, pod.metadata.labels)) count++;
  }
  return count;
}
