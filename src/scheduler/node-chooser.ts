import type { Random } from '../base/index.ts';
import type { ClusterView } from './cache.ts';
import type { CycleState } from './cycle-state.ts';
import { type Diagnosis, FitError, NodeStatuses } from './fit-error.ts';
import type { FilterPlan, Framework } from './framework.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import { feasibleNodesToFind } from './sampling.ts';
import { unresolvable } from './status.ts';

/** The cluster has no node at all. */
export class NoNodesError extends Error {
  override name = 'NoNodesError';
  constructor() {
    super('no nodes available to schedule pods');
  }
}

export interface NodeSelectorOptions {
  readonly framework: Framework;
  readonly cluster: ClusterView;
  readonly random: Random;
  /** 0: by the size of the cluster. */
  readonly percentageOfNodesToScore?: number;
}

/** Finds the node for a pod: those that fit, then the one of them that scores best. */
export class NodeChooser {
  readonly #options: NodeSelectorOptions;
  /** Where the next search begins, so that every node gets its turn although searches stop early. */
  #start = 0;

  constructor(options: NodeSelectorOptions) {
    this.#options = options;
  }

  /** The name of the best node. Throws a NoNodesError or a FitError when there is none. */
  choose(state: CycleState, pod: PodInfo): string {
    const { framework, cluster, random } = this.#options;
    const nodes = cluster.nodes();
    if (nodes.length === 0) throw new NoNodesError();
    const diagnosis: Diagnosis = { statuses: new NodeStatuses(), rejectors: new Set() };
    const feasible = this.#feasible(state, pod, nodes, diagnosis);
    if (feasible.length === 0) {
      const { message, nominate } = framework.postFilter(state, pod, diagnosis.statuses);
      diagnosis.postFilterMessage = message;
      diagnosis.nominate = nominate;
      throw new FitError(nodes.length, diagnosis);
    }
    if (feasible.length === 1) return feasible[0]!.name;
    return feasible[indexOfBest(framework.score(state, pod, feasible), random)]!.name;
  }

  #feasible(
    state: CycleState,
    pod: PodInfo,
    all: readonly NodeInfo[],
    diagnosis: Diagnosis,
  ): readonly NodeInfo[] {
    const plan = this.#options.framework.preFilter(state, pod, all, diagnosis);
    if ('code' in plan) {
      diagnosis.statuses.absent = plan;
      diagnosis.preFilterMessage = plan.reasons.join(', ');
      return [];
    }
    const promised = this.#promised(plan, state, pod, diagnosis);
    if (promised) return [promised];
    let nodes = all;
    if (plan.nodeNames) {
      nodes = [...plan.nodeNames]
        .map((name) => this.#options.cluster.node(name))
        .filter((node) => node !== undefined);
      diagnosis.statuses.absent = unresolvable(
        `node(s) didn't satisfy plugin(s) [${plan.narrowedBy.join(' ')}]`,
      );
    }
    const feasible = this.#filter(state, pod, nodes, diagnosis);
    this.#start = (this.#start + feasible.length + diagnosis.statuses.size) % all.length;
    return feasible;
  }

  /** The node that was promised to the pod, if it fits: room was made there, so no other is looked at. */
  #promised(
    { nodeNames }: FilterPlan,
    state: CycleState,
    pod: PodInfo,
    { statuses, rejectors }: Diagnosis,
  ): NodeInfo | undefined {
    const name = pod.pod.status?.nominatedNodeName;
    const node = name ? this.#options.cluster.node(name) : undefined;
    if (!node || nodeNames?.has(node.name) === false) return undefined;
    const rejection = this.#options.framework.filter(state, pod, node, rejectors);
    if (rejection) statuses.set(node.name, rejection);
    return rejection ? undefined : node;
  }

  #filter(
    state: CycleState,
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    { statuses, rejectors }: Diagnosis,
  ): readonly NodeInfo[] {
    const { framework, percentageOfNodesToScore } = this.#options;
    const wanted = feasibleNodesToFind(nodes.length, percentageOfNodesToScore);
    const feasible: NodeInfo[] = [];
    for (let i = 0; i < nodes.length && feasible.length < wanted; i++) {
      const node = nodes[(this.#start + i) % nodes.length]!;
      const rejection = framework.filter(state, pod, node, rejectors);
      if (rejection) statuses.set(node.name, rejection);
      else feasible.push(node);
    }
    return feasible;
  }
}

/** The place of the highest score; among equals one by chance. */
export function indexOfBest(scores: readonly number[], random: Random): number {
  const best = Math.max(...scores);
  const places: number[] = [];
  for (let i = 0; i < scores.length; i++) if (scores[i] === best) places.push(i);
  return places[Math.floor(random.next() * places.length)]!;
}
