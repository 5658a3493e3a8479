import type { ClusterView } from '../../cache.ts';
import { stateKey } from '../../cycle-state.ts';
import type { Plugin } from '../../plugin.ts';
import { SKIP } from '../../status.ts';
import { defaultConstraints, ownConstraints } from './constraints.ts';
import { type DefaultSelectorSources, defaultSelector } from './default-selector.ts';
import { spreadInterests } from './interests.ts';
import { SpreadCounts } from './spread-counts.ts';
import { crowding, normalizeCrowding, type SpreadScore, spreadScore } from './spread-score.ts';

const counts = stateKey<SpreadCounts>('PodTopologySpread filter');
const score = stateKey<SpreadScore>('PodTopologySpread score');

/** Spreads pods over the values of node labels, as they ask for; without asking, those of one service or controller. */
export function podTopologySpread(
  options: DefaultSelectorSources & { readonly cluster: ClusterView },
): Plugin {
  const selectorFor = defaultSelector(options);
  return {
    name: 'PodTopologySpread',
    interests: spreadInterests,
    preFilter(state, pod, nodes) {
      const constraints = ownConstraints(pod, 'DoNotSchedule');
      if (constraints.length === 0) return SKIP;
      state.write(counts, SpreadCounts.of(pod, constraints, nodes));
      return undefined;
    },
    addPod: (state, _pod, added, node) => state.read(counts)?.count(added, node, 1),
    removePod: (state, _pod, removed, node) => state.read(counts)?.count(removed, node, -1),
    filter: (state, _pod, node) => state.read(counts)?.verdict(node),
    preScore(state, pod, nodes) {
      const asks = (pod.pod.spec?.topologySpreadConstraints?.length ?? 0) > 0;
      const selector = asks ? [] : selectorFor(pod.pod);
      const constraints = asks
        ? ownConstraints(pod, 'ScheduleAnyway')
        : selector.length > 0
          ? defaultConstraints(selector)
          : [];
      if (constraints.length === 0) return SKIP;
      state.write(score, spreadScore(pod, constraints, asks, nodes, options.cluster.nodes()));
      return undefined;
    },
    score: (state, pod, node) => crowding(state.read(score)!, node, pod.namespace),
    normalize: (scores, state, nodes) => normalizeCrowding(state.read(score)!, scores, nodes),
  };
}
