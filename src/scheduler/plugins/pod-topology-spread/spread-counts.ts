import type { NodeInfo } from '../../node-info.ts';
import type { PodInfo } from '../../pod-info.ts';
import { type Rejection, unresolvable, unschedulable } from '../../status.ts';
import { countSelected, hasAllKeys, isIncluded, type SpreadConstraint, selects } from './constraints.ts';

const UNEVEN = unschedulable("node(s) didn't match pod topology spread constraints");
const NO_LABEL = unresolvable(
  "node(s) didn't match pod topology spread constraints (missing required label)",
);

/** For each constraint of a pod how many of the selected pods are in each domain. */
export class SpreadCounts {
  readonly #pod: PodInfo;
  readonly #constraints: readonly SpreadConstraint[];
  readonly #domains: readonly Map<string, number>[];
  /** The emptiest domain of each constraint; to be found again after a change. */
  #lowest: readonly number[] | undefined;

  constructor(
    pod: PodInfo,
    constraints: readonly SpreadConstraint[],
    domains?: readonly Map<string, number>[],
  ) {
    this.#pod = pod;
    this.#constraints = constraints;
    this.#domains = domains ?? constraints.map(() => new Map());
  }

  static of(
    pod: PodInfo,
    constraints: readonly SpreadConstraint[],
    nodes: readonly NodeInfo[],
  ): SpreadCounts {
    const counts = new SpreadCounts(pod, constraints);
    for (const node of nodes) {
      if (!hasAllKeys(node.node, constraints)) continue;
      constraints.forEach((constraint, at) => {
        if (!isIncluded(constraint, pod.pod, node)) return;
        counts.#add(at, node, countSelected(constraint, node, pod.namespace));
      });
    }
    return counts;
  }

  clone(): SpreadCounts {
    return new SpreadCounts(
      this.#pod,
      this.#constraints,
      this.#domains.map((domain) => new Map(domain)),
    );
  }

  /** Counts a pod on the node, or with -1 no longer. */
  count(other: PodInfo, node: NodeInfo, times: 1 | -1): void {
    if (other.namespace !== this.#pod.namespace || !hasAllKeys(node.node, this.#constraints)) return;
    this.#constraints.forEach((constraint, at) => {
      if (!selects(constraint, other.pod.metadata.labels) || !isIncluded(constraint, this.#pod.pod, node))
        return;
      this.#add(at, node, times);
    });
  }

  /** Whether one more pod on the node stays within every skew. */
  verdict({ labels }: NodeInfo): Rejection | undefined {
    this.#lowest ??= this.#domains.map((domain) => lowestOf(domain));
    for (const [at, constraint] of this.#constraints.entries()) {
      const value = labels[constraint.topologyKey];
      if (value === undefined) return NO_LABEL;
      const domain = this.#domains[at]!;
      // Fewer domains than asked for: the missing ones are empty.
      const lowest = domain.size < constraint.minDomains ? 0 : this.#lowest[at]!;
      const self = selects(constraint, this.#pod.pod.metadata.labels) ? 1 : 0;
      if ((domain.get(value) ?? 0) + self - lowest > constraint.maxSkew) return UNEVEN;
    }
    return undefined;
  }

  #add(at: number, { labels }: NodeInfo, times: number): void {
    const domain = this.#domains[at]!;
    const value = labels[this.#constraints[at]!.topologyKey]!;
    domain.set(value, (domain.get(value) ?? 0) + times);
    this.#lowest = undefined;
  }
}

function lowestOf(domain: ReadonlyMap<string, number>): number {
  let lowest = Number.MAX_SAFE_INTEGER;
  for (const count of domain.values()) if (count < lowest) lowest = count;
  return lowest;
}
