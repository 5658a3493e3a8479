import {
  matchesNodeSelector,
  matchesTerm,
  type Node,
  type NodeSelectorTerm,
  type Pod,
} from '../../kube/index.ts';
import { ADD, interest, UPDATE_NODE_LABEL } from '../cluster-events.ts';
import type { NodeSubset, Plugin } from '../plugin.ts';
import { type Rejection, SKIP, unresolvable } from '../status.ts';
import { normalizeScores } from './normalize.ts';

const MISMATCH = unresolvable("node(s) didn't match Pod's node affinity/selector");
const CONFLICT = unresolvable('pod affinity terms conflict');

/** spec.nodeSelector and required node affinity decide, preferred node affinity scores. */
export function nodeAffinity(): Plugin {
  return {
    name: 'NodeAffinity',
    interests: [
      interest(
        'Node',
        ADD | UPDATE_NODE_LABEL,
        ({ pod }, before, after) =>
          after !== undefined &&
          matchesRequired(pod, after) &&
          (before === undefined || !matchesRequired(pod, before)),
      ),
    ],
    preFilter(_state, { pod }) {
      const required = requiredTerms(pod);
      if (required === undefined && pod.spec?.nodeSelector === undefined) return SKIP;
      return namedNodes(required ?? []);
    },
    filter: (_state, { pod }, { node }) => (matchesRequired(pod, node) ? undefined : MISMATCH),
    preScore: (_state, { pod }) => (preferredTerms(pod).length > 0 ? undefined : SKIP),
    score: (_state, { pod }, { node }) =>
      preferredTerms(pod).reduce(
        (sum, { weight, preference }) => (matchesTerm(preference, node) ? sum + weight : sum),
        0,
      ),
    normalize: (scores) => normalizeScores(scores),
  };
}

/** Every label of the node selector, and one term of the required affinity. */
export function matchesRequired(pod: Pod, node: Node): boolean {
  const selector = pod.spec?.nodeSelector;
  for (const label in selector) if (node.metadata?.labels?.[label] !== selector[label]) return false;
  const nodeSelectorTerms = requiredTerms(pod);
  return nodeSelectorTerms === undefined || matchesNodeSelector({ nodeSelectorTerms }, node);
}

/** The only nodes that the terms leave, when every term names nodes; a conflict when that leaves none. */
function namedNodes(terms: readonly NodeSelectorTerm[]): NodeSubset | Rejection | undefined {
  const nodeNames = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const lists = matchFields
      .filter(({ key, operator }) => key === 'metadata.name' && operator === 'In')
      .map(({ values = [] }) => values);
    if (lists.length === 0) return undefined;
    for (const name of lists[0]!) if (lists.every((list) => list.includes(name))) nodeNames.add(name);
  }
  if (terms.length === 0) return undefined;
  return nodeNames.size === 0 ? CONFLICT : { nodeNames };
}

function requiredTerms(pod: Pod): readonly NodeSelectorTerm[] | undefined {
  return pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
}

function preferredTerms(pod: Pod) {
  return pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
}
