import type { ClusterView } from '../cache.ts';
import { fitMessage, NodeStatuses } from '../fit-error.ts';
import type { Plugin } from '../plugin.ts';
import { unresolvable } from '../status.ts';

const NOT_HELPFUL = unresolvable('Preemption is not helpful for scheduling');
const NO_VICTIMS = unresolvable('No preemption victims found for incoming pod');

/**
 * Says whether taking other pods away could make room: the part of the message after `preemption:`. Only nodes that
 * were refused as `Unschedulable` come into question. It selects no victims and evicts nothing: a scheduler without
 * preemption answers as one that finds nobody of lower priority.
 */
export function defaultPreemption(cluster: ClusterView): Plugin {
  return {
    name: 'DefaultPreemption',
    postFilter(_state, { pod }, statuses) {
      if (pod.spec?.preemptionPolicy === 'Never') {
        return 'preemption: not eligible due to preemptionPolicy=Never.';
      }
      const nodes = cluster.nodes();
      const outcome = new NodeStatuses();
      for (const { name } of statuses.withCode('Unschedulable', nodes)) outcome.set(name, NO_VICTIMS);
      outcome.absent = NOT_HELPFUL;
      return `preemption: ${fitMessage(nodes.length, { statuses: outcome })}`;
    },
  };
}
