import type { Node, Pod, Taint } from '../../kube/index.ts';
import { ADD, interest, UPDATE_NODE_TAINT, UPDATE_POD_TOLERATION } from '../cluster-events.ts';
import type { Plugin } from '../plugin.ts';
import { SKIP, unresolvable } from '../status.ts';
import { normalizeScores } from './normalize.ts';
import { tolerates, untolerated } from './tolerations.ts';

const UNTOLERATED = unresolvable('node(s) had untolerated taint(s)');

/** Keeps pods off nodes with NoSchedule or NoExecute taints that they do not tolerate; PreferNoSchedule costs score. */
export function taintToleration(): Plugin {
  return {
    name: 'TaintToleration',
    interests: [
      interest(
        'Node',
        ADD | UPDATE_NODE_TAINT,
        ({ pod }, before, after) =>
          after !== undefined &&
          keepsAway(after, pod) === false &&
          (before === undefined || keepsAway(before, pod)),
      ),
      interest('Pod', UPDATE_POD_TOLERATION, (pod, _before, after) => after?.metadata.uid === pod.uid),
    ],
    filter(_state, { pod }, { hardTaints }) {
      if (hardTaints.length === 0) return undefined;
      return untolerated(hardTaints, pod.spec?.tolerations) === undefined ? undefined : UNTOLERATED;
    },
    // Nodes without soft taints all score the same.
    preScore: (_state, _pod, nodes) =>
      nodes.some(({ softTaints }) => softTaints.length > 0) ? undefined : SKIP,
    score: (_state, { pod }, { softTaints }) => countUntolerated(softTaints, pod),
    normalize: (scores) => normalizeScores(scores, true),
  };
}

function keepsAway(node: Node, pod: Pod): boolean {
  const hard = node.spec?.taints?.filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute');
  return untolerated(hard ?? [], pod.spec?.tolerations) !== undefined;
}

/** How many of the taints the pod does not tolerate. */
function countUntolerated(taints: readonly Taint[], pod: Pod): number {
  let count = 0;
  for (const taint of taints) {
    if (!pod.spec?.tolerations?.some((toleration) => tolerates(toleration, taint))) count++;
  }
  return count;
}
