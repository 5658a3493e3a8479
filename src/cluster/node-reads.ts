import { type Clock, sleep } from '../base/index.ts';
import type { Client, ObjectName } from '../client/index.ts';
import {
  claimNameOf,
  isForbidden,
  isNotFound,
  joinKey,
  type KubeObject,
  keyOf,
  nodes,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Resource,
  type Stored,
  type WatchEvent,
} from '../kube/index.ts';

/** What is asked for again and again is asked for no more often than this, each object. */
const AT_LEAST_MS = 2_000;
const FOR_EACH_MS = 100;

/**
 * Reads as a node may (upstream's Node authorizer): itself and its own pods by a selector, and of claims and volumes those
 * that its pods use, one by one. These cannot be watched, so they are looked at again from time to time, as a kubelet does.
 */
export function readsOfNode(client: Client, nodeName: string, clock: Clock): Client {
  const selectors = new Map<Resource<never>, string>([
    [nodes as Resource<never>, `metadata.name=${nodeName}`],
    [pods as Resource<never>, `spec.nodeName=${nodeName}`],
  ]);
  const own = <T extends KubeObject>(resource: Resource<T>) => {
    const fieldSelector = selectors.get(resource as Resource<never>);
    return fieldSelector === undefined ? {} : { fieldSelector };
  };

  /** Undefined: it is not there, or none of ours. */
  async function find<T extends KubeObject>(resource: Resource<T>, name: ObjectName, signal?: AbortSignal) {
    try {
      return await client.get(resource, name, { signal });
    } catch (error) {
      if (isNotFound(error) || isForbidden(error)) return undefined;
      throw error;
    }
  }

  async function claims(signal?: AbortSignal): Promise<Stored<PersistentVolumeClaim>[]> {
    const { items } = await client.list(pods, { ...own(pods), signal });
    const names = new Map<string, ObjectName>();
    for (const pod of items)
      for (const volume of pod.spec?.volumes ?? []) {
        const name = claimNameOf(pod, volume);
        const { namespace = '' } = pod.metadata;
        if (name !== undefined) names.set(joinKey(namespace, name), { namespace, name });
      }
    return present([...names.values()].map((name) => find(persistentVolumeClaims, name, signal)));
  }

  async function volumes(signal?: AbortSignal) {
    const names = new Set((await claims(signal)).map(({ spec }) => spec?.volumeName ?? ''));
    names.delete('');
    return present([...names].map((name) => find(persistentVolumes, { name }, signal)));
  }

  const singly = new Map<Resource<never>, (signal?: AbortSignal) => Promise<readonly Stored<KubeObject>[]>>([
    [persistentVolumeClaims as Resource<never>, claims],
    [persistentVolumes as Resource<never>, volumes],
  ]);
  /** What a list, and the watches after it, have told: the next watch, after one that broke off, goes on from there. */
  const told = new Map<Resource<never>, Known>();

  return {
    ...client,
    async list(resource, options) {
      const read = singly.get(resource as Resource<never>);
      if (!read) return client.list(resource, { ...options, ...own(resource) });
      const items = await read(options?.signal);
      told.set(resource as Resource<never>, byKey(items));
      const kind = `${resource.kind}List`;
      return { apiVersion: 'v1', kind, metadata: { resourceVersion: '0' }, items: items as never };
    },
    watch(resource, options) {
      const read = singly.get(resource as Resource<never>);
      if (!read) return client.watch(resource, { ...options, ...own(resource) });
      const known = told.get(resource as Resource<never>) ?? new Map();
      return again(() => read(options?.signal), known, clock, options?.signal) as never;
    },
  };
}

async function present<T>(asked: readonly Promise<T | undefined>[]): Promise<T[]> {
  return (await Promise.all(asked)).filter((found) => found !== undefined);
}

type Known = Map<string, Stored<KubeObject>>;

const byKey = (objects: readonly Stored<KubeObject>[]): Known =>
  new Map(objects.map((object) => [keyOf(object), object]));

/** What changes between one look and the next; `known` follows. */
async function* again(
  read: () => Promise<readonly Stored<KubeObject>[]>,
  known: Known,
  clock: Clock,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent<Stored<KubeObject>>> {
  while (!signal?.aborted) {
    const seen = byKey(await read());
    for (const [key, object] of seen) {
      const before = known.get(key)?.metadata.resourceVersion;
      if (before === object.metadata.resourceVersion) continue;
      known.set(key, object);
      yield { type: before === undefined ? 'ADDED' : 'MODIFIED', object };
    }
    for (const [key, object] of known) {
      if (seen.has(key)) continue;
      known.delete(key);
      yield { type: 'DELETED', object };
    }
    const periodMs = Math.max(AT_LEAST_MS, seen.size * FOR_EACH_MS);
    await sleep(clock, periodMs, signal).catch(() => undefined);
  }
}
