import { podDisruptionBudgets } from '../../../kube/index.ts';
import { DELETE, interest } from '../../cluster-events.ts';
import { fitMessage, NodeStatuses } from '../../fit-error.ts';
import type { Plugin, PluginHandle } from '../../plugin.ts';
import type { PodInfo } from '../../pod-info.ts';
import { unresolvable } from '../../status.ts';
import { Evictions } from './evictions.ts';
import { candidatesToFind, pickNode } from './pick-node.ts';
import { isLeavingForPreemption, selectVictims, type Victims } from './victims.ts';

const NOT_HELPFUL = unresolvable('Preemption is not helpful for scheduling');
const WAITING = unresolvable('waiting for the preemption for this pod to be finished');

/**
 * Makes room for a pod that fits nowhere by evicting pods of lower priority from one node, and promises it the node.
 * Only nodes that were refused as `Unschedulable` come into question; a node where budgets need not be overdrawn goes
 * before others.
 */
export function defaultPreemption(handle: PluginHandle): Plugin {
  const { cluster, random } = handle;
  const budgets = handle.informers.of(podDisruptionBudgets);
  const evictions = new Evictions(handle);
  return {
    name: 'DefaultPreemption',
    // Lets what the other plugins wait for through while the gate is closed; it waits for nothing by itself.
    interests: [interest('Pod', DELETE, () => false)],
    preEnqueue: (pod) => (evictions.isPending(pod.uid) ? WAITING : undefined),
    postFilter(state, pod, statuses, trial) {
      const problem = ineligible(pod, statuses);
      if (problem) return { message: `preemption: ${problem}` };
      const nodes = cluster.nodes();
      const potential = statuses.withCode('Unschedulable', nodes);
      const wanted = candidatesToFind(potential.length);
      const offset = Math.floor(random.next() * potential.length);
      const outcome = new NodeStatuses();
      const clean: Victims[] = [];
      const violating: Victims[] = [];
      const protectedBy = [...budgets.values()];
      for (let i = 0; i < potential.length; i++) {
        const node = potential[(offset + i) % potential.length]!;
        const found = selectVictims(state, pod, node, protectedBy, trial);
        if ('code' in found) outcome.set(node.name, found);
        else (found.violations === 0 ? clean : violating).push(found);
        if (clean.length > 0 && clean.length + violating.length >= wanted) break;
      }
      const candidates = [...clean, ...violating];
      if (candidates.length > 0) {
        const best = pickNode(candidates);
        evictions.begin(pod, best);
        return { nominate: best.nodeName };
      }
      outcome.absent = NOT_HELPFUL;
      return { nominate: '', message: `preemption: ${fitMessage(nodes.length, { statuses: outcome })}` };
    },
  };

  /** Why the pod may not evict others now. (PodEligibleToPreemptOthers) */
  function ineligible({ pod, priority }: PodInfo, statuses: NodeStatuses): string | undefined {
    if (pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
    const promised = pod.status?.nominatedNodeName;
    if (!promised || statuses.get(promised).code === 'UnschedulableAndUnresolvable') return undefined;
    for (const other of cluster.node(promised)?.pods.values() ?? []) {
      if (other.priority < priority && isLeavingForPreemption(other.pod)) {
        return 'not eligible due to a terminating pod on the nominated node.';
      }
    }
    return undefined;
  }
}
