import { type Client, ignoreNotFound } from '../../client/index.ts';
import {
  controllerOf,
  controllerReference,
  fromLabelSelector,
  isBeingDeleted,
  type KubeObject,
  keyOf,
  type LabelSelector,
  matchesSelector,
  type ObjectMeta,
  type OwnerReference,
  type Resource,
  type Stored,
  splitKey,
} from '../../kube/index.ts';

/** A kind that controls others by a selector. */
export interface Selecting extends KubeObject {
  readonly spec?: { readonly selector?: LabelSelector };
}

/** An object that controls others by a selector. */
export interface Owner {
  readonly resource: Resource;
  readonly object: Stored<KubeObject>;
  readonly selector: LabelSelector | undefined;
}

/** Whose an object is, seen from an owner. */
export type Claiming = 'owned' | 'adopt' | 'release' | 'foreign';

/**
 * Whether an owner takes an object as its own: what it controls and still selects is its, what it no longer selects it
 * lets go, what nobody controls and it selects it adopts (ControllerRefManager.ClaimObject).
 * @param belongs beyond the selector: for a pod of a StatefulSet, that its name is one of the set's.
 */
export function claiming(
  { object: owner, selector }: Owner,
  object: Stored<KubeObject>,
  belongs: boolean,
): Claiming {
  const matches = belongs && selects(selector, object);
  const controller = controllerOf(object);
  if (controller) {
    if (controller.uid !== owner.metadata.uid) return 'foreign';
    if (matches) return 'owned';
    return isBeingDeleted(owner) ? 'foreign' : 'release';
  }
  if (!matches || isBeingDeleted(owner) || isBeingDeleted(object)) return 'foreign';
  return 'adopt';
}

/** An absent selector selects nothing. */
export function selects(selector: LabelSelector | undefined, { metadata }: KubeObject): boolean {
  return selector !== undefined && matchesSelector(fromLabelSelector(selector), metadata?.labels);
}

/** The index of objects by their controller, and of those in a namespace that have none. */
export const BY_CONTROLLER = 'workload/controller';

export function controllerIndex(object: KubeObject): string[] {
  return [controllerOf(object)?.uid ?? orphansOf(object.metadata?.namespace)];
}

function orphansOf(namespace: string | undefined): string {
  return `orphans in ${namespace}`;
}

/** What the owner controls, and what nobody controls in its namespace. */
export function candidatesOf<T>(
  informer: { byIndex(index: string, value: string): readonly T[] },
  { metadata }: Stored<KubeObject>,
): T[] {
  return [
    ...informer.byIndex(BY_CONTROLLER, metadata.uid),
    ...informer.byIndex(BY_CONTROLLER, orphansOf(metadata.namespace)),
  ];
}

export interface ClaimOptions<T> {
  /** What must hold beyond the selector. @default everything belongs */
  belongs?(object: Stored<T & KubeObject>): boolean;
  /** What an adopted object's metadata gets beside its owner. */
  adopted?(object: Stored<T & KubeObject>): Partial<ObjectMeta>;
}

/**
 * Those of `candidates` that are the owner's, after adoptions and releases are written.
 * @throws Error when the owner turns out to be going while it would adopt.
 */
export async function claimObjects<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  owner: Owner,
  candidates: readonly Stored<T>[],
  signal: AbortSignal,
  { belongs = () => true, adopted = () => ({}) }: ClaimOptions<T> = {},
): Promise<Stored<T>[]> {
  const { metadata } = owner.object;
  const owned: Stored<T>[] = [];
  let mayAdopt: Promise<void> | undefined;
  for (const object of candidates) {
    switch (claiming(owner, object, belongs(object))) {
      case 'owned':
        owned.push(object);
        break;
      case 'adopt': {
        mayAdopt ??= assertStays(client, owner, signal);
        await mayAdopt;
        const owners = [...(object.metadata.ownerReferences ?? []), controllerReference(owner.object)];
        const ours = await setOwners(client, resource, object, owners, signal, adopted(object));
        if (ours) owned.push(ours);
        break;
      }
      case 'release': {
        const owners = (object.metadata.ownerReferences ?? []).filter(({ uid }) => uid !== metadata.uid);
        await setOwners(client, resource, object, owners, signal);
        break;
      }
    }
  }
  return owned;
}

/** Writes the owners if the object is still as seen; undefined when it is gone. */
export function setOwners<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: Stored<T>,
  owners: readonly OwnerReference[],
  signal: AbortSignal,
  more: Partial<ObjectMeta> = {},
): Promise<Stored<T> | undefined> {
  const { uid, resourceVersion } = object.metadata;
  const ownerReferences = owners.length > 0 ? owners : null;
  const body = { metadata: { ...more, uid, resourceVersion, ownerReferences } };
  return ignoreNotFound(client.patch(resource, splitKey(keyOf(object)), { type: 'merge', body }, { signal }));
}

/** Asks the server itself: one that is being deleted by now must not adopt what its deletion has just orphaned. */
async function assertStays(client: Client, { resource, object }: Owner, signal: AbortSignal): Promise<void> {
  const { namespace, name, uid } = object.metadata;
  const fresh = await client.get(resource, { namespace, name }, { signal });
  if (fresh.metadata.uid !== uid) {
    throw new Error(
      `original ${resource.kind} ${namespace}/${name} is gone: got uid ${fresh.metadata.uid}, wanted ${uid}`,
    );
  }
  if (isBeingDeleted(fresh)) {
    throw new Error(`${namespace}/${name} has just been deleted at ${fresh.metadata.deletionTimestamp}`);
  }
}
