import type { Lister } from '../../../client/index.ts';
import type { Namespace, Stored } from '../../../kube/index.ts';
import type { ClusterView } from '../../cache.ts';
import { stateKey } from '../../cycle-state.ts';
import type { Plugin } from '../../plugin.ts';
import { SKIP } from '../../status.ts';
import { AffinityCounts } from './counts.ts';
import { affinityInterests } from './interests.ts';
import { normalizeWelcome, Preferences, type Welcome, welcomeAt } from './preferences.ts';

const counts = stateKey<AffinityCounts>('InterPodAffinity filter');
const welcome = stateKey<Welcome>('InterPodAffinity score');

/** Puts pods near the pods that they want near, and keeps them from those that they, or that them, want far. */
export function interPodAffinity(options: {
  readonly cluster: ClusterView;
  readonly namespaces: Lister<Stored<Namespace>>;
}): Plugin {
  const { cluster } = options;
  const labelsOf = (namespace: string) => options.namespaces.byKey(namespace)?.metadata.labels;
  return {
    name: 'InterPodAffinity',
    interests: affinityInterests(labelsOf),
    preFilter(state, pod, nodes) {
      const found = new AffinityCounts(pod, labelsOf);
      for (const node of cluster.nodesWithAffinity()) {
        for (const other of node.podsWithAffinity.values()) found.countItsRules(other, node.node, 1);
      }
      const { required, requiredAnti } = pod.affinities;
      if (required.length > 0 || requiredAnti.length > 0) {
        for (const node of nodes) {
          for (const other of node.pods.values()) found.countOwnRules(other, node.node, 1);
        }
      }
      if (found.isEmpty) return SKIP;
      state.write(counts, found);
      return undefined;
    },
    addPod: (state, _pod, added, { node }) => state.read(counts)?.count(added, node, 1),
    removePod: (state, _pod, removed, { node }) => state.read(counts)?.count(removed, node, -1),
    filter: (state, _pod, node) => state.read(counts)?.verdict(node),
    preScore(state, pod) {
      const { preferred, preferredAnti } = pod.affinities;
      const preferences = new Preferences(pod, labelsOf);
      if (preferred.length > 0 || preferredAnti.length > 0) {
        for (const node of cluster.nodes()) {
          for (const other of node.pods.values()) preferences.count(other, node.node);
        }
      } else {
        for (const node of cluster.nodesWithAffinity()) {
          for (const other of node.podsWithAffinity.values()) preferences.count(other, node.node);
        }
      }
      if (preferences.welcome.size === 0) return SKIP;
      state.write(welcome, preferences.welcome);
      return undefined;
    },
    score: (state, _pod, { labels }) => welcomeAt(state.read(welcome)!, labels),
    normalize: (scores) => normalizeWelcome(scores),
  };
}
