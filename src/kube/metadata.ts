import type { KubeObject, ObjectMeta, OwnerReference, Stored } from './types.ts';

/** `namespace/name`, or `name` for a cluster-scoped object: the key of caches and queues. */
export function keyOf(object: KubeObject): string {
  return joinKey(object.metadata?.namespace, object.metadata?.name ?? '');
}

export function joinKey(namespace: string | undefined, name: string): string {
  return namespace ? `${namespace}/${name}` : name;
}

export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/');
  return slash < 0
    ? { namespace: undefined, name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export function annotation(object: KubeObject, name: string): string | undefined {
  return object.metadata?.annotations?.[name];
}

export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata?.finalizers?.includes(finalizer) ?? false;
}

export function isBeingDeleted(object: KubeObject): boolean {
  return object.metadata?.deletionTimestamp !== undefined;
}

/** A copy with some metadata replaced. */
export function withMetadata<T extends KubeObject>(object: T, change: Partial<ObjectMeta>): T {
  return { ...object, metadata: { ...object.metadata, ...change } };
}

/** A copy with annotations added; `undefined` removes one. */
export function withAnnotations<T extends KubeObject>(
  object: T,
  change: Readonly<Record<string, string | undefined>>,
): T {
  const annotations: Record<string, string> = { ...object.metadata?.annotations };
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) delete annotations[name];
    else annotations[name] = value;
  }
  return withMetadata(object, { annotations: Object.keys(annotations).length > 0 ? annotations : undefined });
}

export function withFinalizer<T extends KubeObject>(object: T, finalizer: string): T {
  if (hasFinalizer(object, finalizer)) return object;
  return withMetadata(object, { finalizers: [...(object.metadata?.finalizers ?? []), finalizer] });
}

export function withoutFinalizer<T extends KubeObject>(object: T, finalizer: string): T {
  const finalizers = object.metadata?.finalizers?.filter((name) => name !== finalizer);
  return withMetadata(object, { finalizers: finalizers && finalizers.length > 0 ? finalizers : undefined });
}

/** The reference with which `owner` controls a dependent (metav1.NewControllerRef). */
export function controllerReference(owner: Stored<KubeObject>): OwnerReference {
  return {
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((reference) => reference.controller);
}

/** metav1.IsControlledBy */
export function isControlledBy(object: KubeObject, owner: Stored<KubeObject>): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** A reference to the object, as events and claimRef carry it. */
export function referenceTo(object: Stored<KubeObject>) {
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    namespace: object.metadata.namespace,
    name: object.metadata.name,
    uid: object.metadata.uid,
    resourceVersion: object.metadata.resourceVersion,
  };
}
