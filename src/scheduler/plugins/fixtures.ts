import type { Lister } from '../../client/index.ts';
import { type KubeObject, keyOf, type Stored } from '../../kube/index.ts';
import type { EventObjects, EventResource } from '../cluster-events.ts';
import { matches } from '../cluster-events.ts';
import { CycleState } from '../cycle-state.ts';
import type { NodeInfo } from '../node-info.ts';
import type { Plugin } from '../plugin.ts';
import type { PodInfo } from '../pod-info.ts';
import { SKIP } from '../status.ts';

/** A cache of these objects, without indexes. */
export function listerOf<T extends KubeObject>(...objects: readonly Stored<T>[]): Lister<Stored<T>> {
  const byKey = new Map(objects.map((object) => [keyOf(object), object]));
  return {
    get: (name, namespace) => byKey.get(namespace ? `${namespace}/${name}` : name),
    byKey: (key) => byKey.get(key),
    byIndex: () => {
      throw new Error('no index');
    },
    values: () => byKey.values(),
    size: byKey.size,
  };
}

/** The reasons why the plugin refuses the pod on the node; `fits` when it does not. */
export function verdict(plugin: Plugin, pod: PodInfo, node: NodeInfo): string {
  const state = new CycleState();
  const outcome = plugin.preFilter?.(state, pod, [node]);
  if (outcome === SKIP) return 'fits';
  if (outcome && 'code' in outcome) return outcome.reasons.join(', ');
  if (outcome && !outcome.nodeNames.has(node.name)) return 'not among the named nodes';
  return plugin.filter?.(state, pod, node)?.reasons.join(', ') ?? 'fits';
}

/** The normalized scores of the nodes; `skip` when the plugin leaves them out. */
export function scores(plugin: Plugin, pod: PodInfo, nodes: readonly NodeInfo[]): number[] | 'skip' {
  const state = new CycleState();
  if (plugin.preScore?.(state, pod, nodes) === SKIP) return 'skip';
  const result = nodes.map((node) => plugin.score!(state, pod, node));
  plugin.normalize?.(result, state, nodes);
  return result;
}

/** Whether a change may help a pod that the plugin refused. */
export function helps<R extends EventResource>(
  plugin: Plugin,
  pod: PodInfo,
  resource: R,
  action: number,
  before?: EventObjects[R],
  after?: EventObjects[R],
): boolean {
  const event = { resource, action, before, after };
  return (plugin.interests ?? []).some((wanted) => matches(wanted, event) && wanted.helps(pod, event));
}
