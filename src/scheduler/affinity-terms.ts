import type * as k8s from '@kubernetes/client-node';
import { fromLabelSelector, matchesSelector, type Pod, type Selector, type Wire } from '../kube/index.ts';

type PodAffinityTerm = Wire<k8s.V1PodAffinityTerm>;
type Labels = Readonly<Record<string, string>> | undefined;

/** Which pods a rule of inter-pod affinity speaks of, and within which part of the cluster. */
export interface AffinityTerm {
  readonly namespaces: ReadonlySet<string>;
  /** Further namespaces, by their labels. */
  readonly namespaceSelector: Selector | undefined;
  /** Absent: no pod. */
  readonly selector: Selector | undefined;
  readonly topologyKey: string;
}

export interface WeightedAffinityTerm extends AffinityTerm {
  readonly weight: number;
}

/** A pod's rules about the pods that it wants near and far. */
export interface PodAffinities {
  readonly required: readonly AffinityTerm[];
  readonly requiredAnti: readonly AffinityTerm[];
  readonly preferred: readonly WeightedAffinityTerm[];
  readonly preferredAnti: readonly WeightedAffinityTerm[];
}

/** The labels of a namespace by its name. */
export type NamespaceLabels = (namespace: string) => Labels;

const NONE: PodAffinities = { required: [], requiredAnti: [], preferred: [], preferredAnti: [] };

export function podAffinities(pod: Pod): PodAffinities {
  const { podAffinity: near, podAntiAffinity: far } = pod.spec?.affinity ?? {};
  if (!near && !far) return NONE;
  const read = (term: PodAffinityTerm) => affinityTerm(pod, term);
  const weigh = ({ weight, podAffinityTerm }: Wire<k8s.V1WeightedPodAffinityTerm>) => ({
    ...affinityTerm(pod, podAffinityTerm),
    weight,
  });
  return {
    required: (near?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(read),
    requiredAnti: (far?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(read),
    preferred: (near?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(weigh),
    preferredAnti: (far?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(weigh),
  };
}

/** Without namespaces and a selector of them the pod's own namespace is meant. */
function affinityTerm(pod: Pod, term: PodAffinityTerm): AffinityTerm {
  const { namespaces = [], namespaceSelector, labelSelector, topologyKey } = term;
  const own = namespaces.length === 0 && namespaceSelector === undefined;
  return {
    namespaces: new Set(own ? [pod.metadata?.namespace ?? ''] : namespaces),
    namespaceSelector: namespaceSelector && fromLabelSelector(namespaceSelector),
    selector: labelSelector && fromLabelSelector(labelSelector),
    topologyKey,
  };
}

export function matchesAffinityTerm(term: AffinityTerm, pod: Pod, labelsOf: NamespaceLabels): boolean {
  const namespace = pod.metadata?.namespace ?? '';
  if (!term.selector || !matchesSelector(term.selector, pod.metadata?.labels)) return false;
  if (term.namespaces.has(namespace)) return true;
  return term.namespaceSelector !== undefined && matchesSelector(term.namespaceSelector, labelsOf(namespace));
}

/** Affinity wants one pod that meets every term; without terms there is none. */
export function matchesAllTerms(
  terms: readonly AffinityTerm[],
  pod: Pod,
  labelsOf: NamespaceLabels,
): boolean {
  return terms.length > 0 && terms.every((term) => matchesAffinityTerm(term, pod, labelsOf));
}
