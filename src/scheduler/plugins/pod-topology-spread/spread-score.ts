import { LABEL_HOSTNAME } from '../../../kube/index.ts';
import type { NodeInfo } from '../../node-info.ts';
import { MAX_NODE_SCORE } from '../../plugin.ts';
import type { PodInfo } from '../../pod-info.ts';
import { countSelected, hasAllKeys, isIncluded, type SpreadConstraint } from './constraints.ts';

/** What the score of a node is made from. */
export interface SpreadScore {
  readonly constraints: readonly SpreadConstraint[];
  /** Nodes that lack a label that the pod's own constraints name: they get nothing. */
  readonly ignored: ReadonlySet<string>;
  /** For each constraint the selected pods in each domain of the candidates; empty for hosts, which are counted as they come. */
  readonly domains: readonly ReadonlyMap<string, number>[];
  /** A label of few values must not drown among those of many. */
  readonly weights: readonly number[];
}

/** `needsAllKeys`: the constraints are the pod's own. (podtopologyspread, PreScore) */
export function spreadScore(
  pod: PodInfo,
  constraints: readonly SpreadConstraint[],
  needsAllKeys: boolean,
  candidates: readonly NodeInfo[],
  all: readonly NodeInfo[],
): SpreadScore {
  const ignored = new Set<string>();
  const domains = constraints.map(() => new Map<string, number>());
  for (const node of candidates) {
    if (needsAllKeys && !hasAllKeys(node.node, constraints)) {
      ignored.add(node.name);
      continue;
    }
    constraints.forEach(({ topologyKey }, at) => {
      if (topologyKey !== LABEL_HOSTNAME) domains[at]!.set(node.labels[topologyKey] ?? '', 0);
    });
  }
  for (const node of all) {
    if (needsAllKeys && !hasAllKeys(node.node, constraints)) continue;
    constraints.forEach((constraint, at) => {
      const value = node.labels[constraint.topologyKey] ?? '';
      const known = domains[at]!.get(value);
      if (known === undefined || !isIncluded(constraint, pod.pod, node)) return;
      domains[at]!.set(value, known + countSelected(constraint, node, pod.namespace));
    });
  }
  const weights = constraints.map(({ topologyKey }, at) =>
    Math.log((topologyKey === LABEL_HOSTNAME ? candidates.length - ignored.size : domains[at]!.size) + 2),
  );
  return { constraints, ignored, domains, weights };
}

/** The more of the selected pods are near, the higher, that is the worse, until it is normalized. */
export function crowding(
  { constraints, ignored, domains, weights }: SpreadScore,
  node: NodeInfo,
  namespace: string,
): number {
  if (ignored.has(node.name)) return 0;
  let score = 0;
  constraints.forEach((constraint, at) => {
    const value = node.labels[constraint.topologyKey];
    if (value === undefined) return;
    const isHost = constraint.topologyKey === LABEL_HOSTNAME;
    const count = isHost ? countSelected(constraint, node, namespace) : domains[at]!.get(value)!;
    score += count * weights[at]! + (constraint.maxSkew - 1);
  });
  return Math.round(score);
}

export function normalizeCrowding(
  { ignored }: SpreadScore,
  scores: number[],
  nodes: readonly { readonly name: string }[],
): void {
  let [lowest, highest] = [Infinity, 0];
  scores.forEach((score, at) => {
    if (ignored.has(nodes[at]!.name)) return;
    lowest = Math.min(lowest, score);
    highest = Math.max(highest, score);
  });
  for (let i = 0; i < scores.length; i++) {
    if (ignored.has(nodes[i]!.name)) scores[i] = 0;
    else if (highest === 0) scores[i] = MAX_NODE_SCORE;
    else scores[i] = Math.trunc((MAX_NODE_SCORE * (highest + lowest - scores[i]!)) / highest);
  }
}
