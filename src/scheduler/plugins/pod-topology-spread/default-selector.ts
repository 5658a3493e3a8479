import type { Informer, Lister } from '../../../client/index.ts';
import {
  controllerOf,
  fromLabelSelector,
  type LabelSelector,
  matchesSelector,
  type Pod,
  type ReplicaSet,
  type Selector,
  type Service,
  type StatefulSet,
  type Stored,
} from '../../../kube/index.ts';

export interface DefaultSelectorSources {
  readonly services: Informer<Service>;
  readonly replicaSets: Lister<Stored<ReplicaSet>>;
  readonly statefulSets: Lister<Stored<StatefulSet>>;
}

const BY_NAMESPACE = 'namespace';

/**
 * The pods that are spread by default beside this one: those of its services and of its controller; empty when it has
 * none. (plugins/helper, DefaultSelector)
 */
export function defaultSelector(sources: DefaultSelectorSources): (pod: Stored<Pod>) => Selector {
  const services = sources.services.addIndex(BY_NAMESPACE, ({ metadata }) => [metadata.namespace ?? '']);
  return (pod) => {
    const merged: Record<string, string> = {};
    for (const { spec } of services.byIndex(BY_NAMESPACE, pod.metadata.namespace ?? '')) {
      if (!spec?.selector) continue;
      const selector = fromLabelSelector({ matchLabels: spec.selector });
      if (matchesSelector(selector, pod.metadata.labels)) Object.assign(merged, spec.selector);
    }
    const own = selectorOfController(pod);
    return [...fromLabelSelector({ matchLabels: merged }), ...(own ? fromLabelSelector(own) : [])];
  };

  function selectorOfController(pod: Stored<Pod>): LabelSelector | undefined {
    const owner = controllerOf(pod);
    if (owner?.apiVersion !== 'apps/v1') return undefined;
    const { namespace } = pod.metadata;
    if (owner.kind === 'ReplicaSet') return sources.replicaSets.get(owner.name, namespace)?.spec?.selector;
    if (owner.kind === 'StatefulSet') return sources.statefulSets.get(owner.name, namespace)?.spec?.selector;
    return undefined;
  }
}
