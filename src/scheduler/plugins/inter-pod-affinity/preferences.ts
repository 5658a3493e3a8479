import type { Node, Pod } from '../../../kube/index.ts';
import {
  type AffinityTerm,
  matchesAffinityTerm,
  type NamespaceLabels,
  type WeightedAffinityTerm,
} from '../../affinity-terms.ts';
import { MAX_NODE_SCORE } from '../../plugin.ts';
import type { PodInfo } from '../../pod-info.ts';

/** What a placed pod's required affinity counts for a pod that meets it (hardPodAffinityWeight). */
const REQUIRED_WEIGHT = 1;

/** How welcome a pod is in each part of the cluster: by topology key, then by its value. */
export type Welcome = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** Sums what the pod prefers of the placed pods, and they of it. (interpodaffinity, processExistingPod) */
export class Preferences {
  readonly welcome = new Map<string, Map<string, number>>();
  readonly #pod: PodInfo;
  readonly #labelsOf: NamespaceLabels;

  constructor(pod: PodInfo, labelsOf: NamespaceLabels) {
    this.#pod = pod;
    this.#labelsOf = labelsOf;
  }

  count(other: PodInfo, node: Node): void {
    const { preferred, preferredAnti } = this.#pod.affinities;
    this.#weigh(preferred, other.pod, node, 1);
    this.#weigh(preferredAnti, other.pod, node, -1);
    for (const term of other.affinities.required) this.#add(term, this.#pod.pod, node, REQUIRED_WEIGHT);
    this.#weigh(other.affinities.preferred, this.#pod.pod, node, 1);
    this.#weigh(other.affinities.preferredAnti, this.#pod.pod, node, -1);
  }

  #weigh(terms: readonly WeightedAffinityTerm[], pod: Pod, node: Node, sign: 1 | -1): void {
    for (const term of terms) this.#add(term, pod, node, sign * term.weight);
  }

  #add(term: AffinityTerm, pod: Pod, node: Node, weight: number): void {
    const value = node.metadata?.labels?.[term.topologyKey];
    if (value === undefined || !matchesAffinityTerm(term, pod, this.#labelsOf)) return;
    const values = this.welcome.get(term.topologyKey) ?? new Map<string, number>();
    this.welcome.set(term.topologyKey, values.set(value, (values.get(value) ?? 0) + weight));
  }
}

export function welcomeAt(welcome: Welcome, labels: Readonly<Record<string, string>>): number {
  let sum = 0;
  for (const [key, values] of welcome) sum += values.get(labels[key] ?? '') ?? 0;
  return sum;
}

/** The least welcoming node gets 0, the most welcoming 100; all 0 when they are equal. */
export function normalizeWelcome(scores: number[]): void {
  let [lowest, highest] = [Infinity, -Infinity];
  for (const score of scores) {
    lowest = Math.min(lowest, score);
    highest = Math.max(highest, score);
  }
  const range = highest - lowest;
  for (let i = 0; i < scores.length; i++) {
    scores[i] = range > 0 ? Math.trunc(MAX_NODE_SCORE * ((scores[i]! - lowest) / range)) : 0;
  }
}
