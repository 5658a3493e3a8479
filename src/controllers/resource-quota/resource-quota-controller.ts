import {
  type Component,
  type ComponentContext,
  Controller,
  Informers,
  runControllers,
} from '../../client/index.ts';
import {
  compareQuantity,
  type KubeObject,
  keyOf,
  quotaResourcesOf,
  type Resource,
  type ResourceList,
  type ResourceQuota,
  resourceQuotas,
  resources,
  type Stored,
  totalUsage,
} from '../../kube/index.ts';
import { writeStatus } from '../workload/index.ts';

/** Everything is counted anew this often, whatever has been missed. */
const RESYNC_MS = 5 * 60 * 1000;

/**
 * Counts what a namespace uses of its quotas (pkg/controller/resourcequota). Admission adds to the use as it lets
 * objects in; only this controller takes away from it.
 */
export function createResourceQuotaController(context: ComponentContext): Component {
  const { client, informers, clock, log } = context;
  const quotas = informers.of(resourceQuotas);
  const watched = new Map<Resource, () => void>();
  const inNamespace = (namespace: string | undefined) =>
    [...quotas.values()].filter((quota) => quota.metadata.namespace === namespace);

  const controller = new Controller({
    name: 'resourcequota-controller',
    clock,
    log,
    async reconcile(key, signal) {
      const quota = quotas.byKey(key);
      if (!quota) return;
      const hard = quota.spec?.hard ?? {};
      const used = await countUse(quota, Object.keys(hard), signal);
      if (signal.aborted) return;
      if (!sameList(hard, quota.status?.hard) || !sameList(used, quota.status?.used)) {
        const status = { hard, used };
        await writeStatus(client, resourceQuotas, { ...quota, status }, signal);
      }
      return RESYNC_MS;
    },
  });

  async function countUse(
    quota: ResourceQuota,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<ResourceList> {
    const used: Record<string, string> = {};
    for (const resource of resources) {
      const own = resource.namespaced ? quotaResourcesOf(resource, names) : [];
      if (own.length === 0) continue;
      const objects = watch(resource);
      await Informers.synced(signal, objects);
      const there = [...objects.values()].filter(
        (object) => object.metadata.namespace === quota.metadata?.namespace,
      );
      Object.assign(used, totalUsage(quota, resource, there, own, clock.now()));
    }
    return used;
  }

  const look = (quota: Stored<ResourceQuota>) => controller.enqueue(keyOf(quota));

  const unwatch = () => {
    for (const stop of watched.values()) stop();
    watched.clear();
  };

  /** The informer of a kind that some quota is about; what it tells is reason to count again. */
  function watch(resource: Resource) {
    const informer = informers.of(resource);
    if (!watched.has(resource)) {
      const count = ({ metadata }: Stored<KubeObject>) => {
        for (const quota of inNamespace(metadata.namespace)) {
          const about = quotaResourcesOf(resource, Object.keys(quota.spec?.hard ?? {})).length > 0;
          if (about) look(quota);
        }
      };
      watched.set(resource, informer.on({ added: count, updated: count, deleted: count }));
    }
    return informer;
  }

  return {
    name: 'resourcequota-controller',
    start: (signal) =>
      runControllers(signal, {
        informers: { quotas },
        listen: () => [
          quotas.on({
            added: look,
            // Its own writes and those of admission are of no interest.
            updated: (next, previous) => {
              if (!sameList(next.spec?.hard, previous.spec?.hard)) look(next);
            },
          }),
          unwatch,
        ],
        loops: [controller],
      }),
  };
}

function sameList(a: ResourceList = {}, b: ResourceList | undefined): boolean {
  if (b === undefined) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every(
    (name) => a[name] !== undefined && b[name] !== undefined && compareQuantity(a[name], b[name]) === 0,
  );
}
