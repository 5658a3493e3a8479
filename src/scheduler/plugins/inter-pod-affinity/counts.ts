import type { Node, Pod } from '../../../kube/index.ts';
import {
  type AffinityTerm,
  matchesAffinityTerm,
  matchesAllTerms,
  type NamespaceLabels,
} from '../../affinity-terms.ts';
import type { NodeInfo } from '../../node-info.ts';
import type { PodInfo } from '../../pod-info.ts';
import { type Rejection, unresolvable, unschedulable } from '../../status.ts';

const AFFINITY = unresolvable("node(s) didn't match pod affinity rules");
const ANTI_AFFINITY = unschedulable("node(s) didn't match pod anti-affinity rules");
const EXISTING_ANTI_AFFINITY = unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");

/** How often something was met in each part of the cluster: by topology key, then by its value. */
class TopologyCounts {
  readonly #counts = new Map<string, Map<string, number>>();

  add(node: Node, key: string, times: number): void {
    const value = node.metadata?.labels?.[key];
    if (value === undefined) return;
    let values = this.#counts.get(key);
    if (!values) {
      values = new Map();
      this.#counts.set(key, values);
    }
    const count = (values.get(value) ?? 0) + times;
    if (count === 0) values.delete(value);
    else values.set(value, count);
    if (values.size === 0) this.#counts.delete(key);
  }

  get(key: string, value: string): number {
    return this.#counts.get(key)?.get(value) ?? 0;
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  keys(): Iterable<string> {
    return this.#counts.keys();
  }

  clone(): TopologyCounts {
    const copy = new TopologyCounts();
    for (const [key, values] of this.#counts) copy.#counts.set(key, new Map(values));
    return copy;
  }
}

/** What the pods that are placed mean for one that is not: where those are that it wants near or far, and who wants it far. */
export class AffinityCounts {
  readonly #pod: PodInfo;
  readonly #labelsOf: NamespaceLabels;
  #near = new TopologyCounts();
  #far = new TopologyCounts();
  #avoided = new TopologyCounts();

  constructor(pod: PodInfo, labelsOf: NamespaceLabels) {
    this.#pod = pod;
    this.#labelsOf = labelsOf;
  }

  /** Whether the rule has nothing to say about the pod. */
  get isEmpty(): boolean {
    const { required, requiredAnti } = this.#pod.affinities;
    return this.#avoided.isEmpty && required.length === 0 && requiredAnti.length === 0;
  }

  clone(): AffinityCounts {
    const copy = new AffinityCounts(this.#pod, this.#labelsOf);
    copy.#near = this.#near.clone();
    copy.#far = this.#far.clone();
    copy.#avoided = this.#avoided.clone();
    return copy;
  }

  /** Counts a placed pod, or with -1 no longer. */
  count(other: PodInfo, node: Node, times: 1 | -1): void {
    this.countOwnRules(other, node, times);
    this.countItsRules(other, node, times);
  }

  /** What the waiting pod's rules say of the placed one. */
  countOwnRules({ pod: other }: PodInfo, node: Node, times: 1 | -1): void {
    const { required, requiredAnti } = this.#pod.affinities;
    if (matchesAllTerms(required, other, this.#labelsOf)) this.#countTerms(this.#near, required, node, times);
    this.#countTerms(this.#far, this.#matching(requiredAnti, other), node, times);
  }

  /** What the placed pod's rules say of the waiting one. */
  countItsRules({ affinities }: PodInfo, node: Node, times: 1 | -1): void {
    this.#countTerms(this.#avoided, this.#matching(affinities.requiredAnti, this.#pod.pod), node, times);
  }

  /** Why the node is no place for the pod. */
  verdict({ labels }: NodeInfo): Rejection | undefined {
    if (!this.#isNear(labels)) return AFFINITY;
    for (const { topologyKey } of this.#pod.affinities.requiredAnti) {
      const value = labels[topologyKey];
      if (value !== undefined && this.#far.get(topologyKey, value) > 0) return ANTI_AFFINITY;
    }
    for (const key of this.#avoided.keys()) {
      const value = labels[key];
      if (value !== undefined && this.#avoided.get(key, value) > 0) return EXISTING_ANTI_AFFINITY;
    }
    return undefined;
  }

  #isNear(labels: Readonly<Record<string, string>>): boolean {
    const { required } = this.#pod.affinities;
    if (required.some(({ topologyKey }) => labels[topologyKey] === undefined)) return false;
    if (required.every(({ topologyKey }) => this.#near.get(topologyKey, labels[topologyKey]!) > 0))
      return true;
    // The first of a group that wants to be together may go anywhere.
    return this.#near.isEmpty && matchesAllTerms(required, this.#pod.pod, this.#labelsOf);
  }

  #matching(terms: readonly AffinityTerm[], pod: Pod): readonly AffinityTerm[] {
    return terms.filter((term) => matchesAffinityTerm(term, pod, this.#labelsOf));
  }

  #countTerms(counts: TopologyCounts, terms: readonly AffinityTerm[], node: Node, times: 1 | -1): void {
    for (const { topologyKey } of terms) counts.add(node, topologyKey, times);
  }
}
