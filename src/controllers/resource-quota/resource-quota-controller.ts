import {
  type Component,
  type ComponentContext,
  Controller,
  type Informer,
  Informers,
  runControllers,
} from '../../client/index.ts';
import {
  type CustomResourceDefinition,
  compareQuantity,
  customResourceDefinitions,
  type KubeObject,
  keyOf,
  maskList,
  quotaResourcesOf,
  type Resource,
  type ResourceList,
  type ResourceQuota,
  resourceQuotas,
  resources,
  resourcesOfDefinition,
  type Stored,
  totalUsage,
} from '../../kube/index.ts';
import { writeStatus } from '../workload/index.ts';
import { CustomKinds } from './custom-kinds.ts';

/** Everything is counted anew this often, whatever has been missed. */
const RESYNC_MS = 5 * 60 * 1000;

const BUILT_IN = resources.filter(({ namespaced }) => namespaced);

/**
 * Counts what a namespace uses of its quotas (pkg/controller/resourcequota). Admission adds to the use as it lets
 * objects in; only this controller takes away from it.
 */
export function createResourceQuotaController(context: ComponentContext): Component {
  const { client, informers, clock, log } = context;
  const quotas = informers.of(resourceQuotas);
  const definitions = informers.of(customResourceDefinitions);
  const watched = new Map<Resource, () => void>();
  const custom = new CustomKinds(definitions, context, recount);
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
      const counted = await countUse(quota, Object.keys(hard), signal);
      if (signal.aborted) return;
      // What cannot be counted stays as it was: that of a kind that the server has no more.
      const used = { ...maskList(quota.status?.used ?? {}, Object.keys(hard)), ...counted };
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
    const count = async (resource: Resource, objectsOf: typeof watch) => {
      const own = quotaResourcesOf(resource, names);
      const objects = own.length > 0 ? await objectsOf(resource, signal) : undefined;
      if (!objects) return;
      const there = [...objects.values()].filter(
        (object) => object.metadata.namespace === quota.metadata?.namespace,
      );
      Object.assign(used, totalUsage(quota, resource, there, own, clock.now()));
    };
    for (const resource of BUILT_IN) await count(resource, watch);
    for (const resource of [...custom.resources()])
      await count(resource, (...kind) => custom.objects(...kind));
    return used;
  }

  const look = (quota: Stored<ResourceQuota>) => controller.enqueue(keyOf(quota));

  const unwatch = () => {
    for (const stop of watched.values()) stop();
    watched.clear();
  };

  const isAbout = (quota: ResourceQuota, resource: Resource) =>
    quotaResourcesOf(resource, Object.keys(quota.spec?.hard ?? {})).length > 0;

  function recount(resource: Resource, { metadata }: Stored<KubeObject>): void {
    for (const quota of inNamespace(metadata.namespace)) if (isAbout(quota, resource)) look(quota);
  }

  /** Custom resources come and go with their definitions. */
  const follow = (
    definition: CustomResourceDefinition,
    versions: readonly Resource[] = resourcesOfDefinition(definition),
  ) => {
    custom.follow(definition, versions);
    for (const kind of versions.slice(0, 1))
      for (const quota of quotas.values()) if (isAbout(quota, kind)) look(quota);
  };

  /** The informer of a kind that some quota is about; what it tells is reason to count again. */
  async function watch(resource: Resource, signal: AbortSignal): Promise<Informer<KubeObject> | undefined> {
    const informer = informers.of(resource);
    if (!watched.has(resource)) {
      const count = (object: Stored<KubeObject>) => recount(resource, object);
      watched.set(resource, informer.on({ added: count, updated: count, deleted: count }));
    }
    await Informers.synced(signal, informer);
    return informer;
  }

  return {
    name: 'resourcequota-controller',
    start: async (signal) => {
      await runControllers(signal, {
        informers: { quotas, definitions },
        listen: () => [
          definitions.on({
            added: (definition) => follow(definition),
            updated: (definition) => follow(definition),
            deleted: (definition) => follow(definition, []),
          }),
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
      });
      await custom.stop();
    },
  };
}

function sameList(a: ResourceList = {}, b: ResourceList | undefined): boolean {
  if (b === undefined) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every(
    (name) => a[name] !== undefined && b[name] !== undefined && compareQuantity(a[name], b[name]) === 0,
  );
}
