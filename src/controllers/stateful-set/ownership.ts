import type { Client } from '../../client/index.ts';
import {
  controllerOf,
  controllerReference,
  fromLabelSelector,
  isBeingDeleted,
  isNotFound,
  type KubeObject,
  keyOf,
  matchesSelector,
  type OwnerReference,
  type Resource,
  type StatefulSet,
  type Stored,
  splitKey,
  statefulSets,
} from '../../kube/index.ts';

/** Whose an object is, seen from a set. */
export type Claiming = 'owned' | 'adopt' | 'release' | 'foreign';

/**
 * Whether a set takes an object as its own: what it controls and still selects is its, what it no longer selects it
 * lets go, what nobody controls and it selects it adopts (ControllerRefManager.ClaimObject).
 * @param belongs beyond the selector: for a pod, that its name is one of the set's.
 */
function claiming(set: Stored<StatefulSet>, object: Stored<KubeObject>, belongs: boolean): Claiming {
  const selector = set.spec?.selector;
  const matches =
    belongs && selector !== undefined && matchesSelector(fromLabelSelector(selector), object.metadata.labels);
  const controller = controllerOf(object);
  if (controller) {
    if (controller.uid !== set.metadata.uid) return 'foreign';
    if (matches) return 'owned';
    return isBeingDeleted(set) ? 'foreign' : 'release';
  }
  if (!matches || isBeingDeleted(set) || isBeingDeleted(object)) return 'foreign';
  return 'adopt';
}

/** The key under which an object's controller, or its having none, is indexed. */
export function controllerIndex(object: KubeObject): string[] {
  return [controllerOf(object)?.uid ?? orphansOf(object.metadata?.namespace)];
}

export function orphansOf(namespace: string | undefined): string {
  return `orphans in ${namespace}`;
}

/**
 * Those of `candidates` that are the set's, after adoptions and releases are written.
 * @throws Error when the set turns out to be going while it would adopt.
 */
export async function claimObjects<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  set: Stored<StatefulSet>,
  candidates: readonly Stored<T>[],
  belongs: (object: Stored<T>) => boolean,
  signal: AbortSignal,
): Promise<Stored<T>[]> {
  const owned: Stored<T>[] = [];
  let mayAdopt: Promise<void> | undefined;
  for (const object of candidates) {
    switch (claiming(set, object, belongs(object))) {
      case 'owned':
        owned.push(object);
        break;
      case 'adopt': {
        mayAdopt ??= assertStays(client, set, signal);
        await mayAdopt;
        const owners = [...(object.metadata.ownerReferences ?? []), controllerReference(set)];
        const adopted = await setOwners(client, resource, object, owners, signal);
        if (adopted) owned.push(adopted);
        break;
      }
      case 'release': {
        const owners = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== set.metadata.uid);
        await setOwners(client, resource, object, owners, signal);
        break;
      }
    }
  }
  return owned;
}

/** Writes the owners if the object is still as seen; undefined when it is gone. */
export async function setOwners<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: Stored<T>,
  owners: readonly OwnerReference[],
  signal: AbortSignal,
): Promise<Stored<T> | undefined> {
  const { uid, resourceVersion } = object.metadata;
  const body = { metadata: { uid, resourceVersion, ownerReferences: owners.length > 0 ? owners : null } };
  try {
    return await client.patch(resource, splitKey(keyOf(object)), { type: 'merge', body }, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Asks the server itself: a set that is being deleted by now must not adopt what its deletion has just orphaned. */
async function assertStays(client: Client, set: Stored<StatefulSet>, signal: AbortSignal): Promise<void> {
  const { namespace, name, uid } = set.metadata;
  const fresh = await client.get(statefulSets, { namespace, name }, { signal });
  if (fresh.metadata.uid !== uid) {
    throw new Error(
      `original StatefulSet ${namespace}/${name} is gone: got uid ${fresh.metadata.uid}, wanted ${uid}`,
    );
  }
  if (isBeingDeleted(fresh)) {
    throw new Error(`${namespace}/${name} has just been deleted at ${fresh.metadata.deletionTimestamp}`);
  }
}
