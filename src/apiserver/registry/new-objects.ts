import type { ObjectName } from '../../client/index.ts';
import { badRequest, conflict, type KubeObject, statusFailure } from '../../kube/index.ts';
import type { ResourceDefinition } from './contract.ts';
import { revisionProblem } from './revision-text.ts';

/** What an apply makes of nothing, at the name that the request gives. @throws StatusError 400, 409 */
export function atName(
  definition: ResourceDefinition,
  object: KubeObject,
  { namespace, name }: ObjectName,
): KubeObject {
  const { metadata } = object;
  if (!metadata?.name)
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  if (metadata.name !== name)
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  if (definition.namespaced && metadata.namespace && metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (metadata.uid)
    throw conflict(
      definition,
      name,
      `uid mismatch: the provided object specified uid ${metadata.uid}, and no existing object was found`,
    );
  return definition.namespaced ? { ...object, metadata: { ...metadata, namespace } } : object;
}

/** A kind of the whole cluster has no namespace, whatever the client says. */
export function inScope(definition: ResourceDefinition, object: KubeObject): KubeObject {
  if (definition.namespaced || object.metadata?.namespace === undefined) return object;
  const { namespace: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** @throws StatusError 400 when the object cannot be created as it was sent. */
export function checkNew(definition: ResourceDefinition, { metadata }: KubeObject): void {
  if (definition.namespaced && !metadata?.namespace) {
    throw badRequest(`an empty namespace may not be set during creation of a ${definition.kind}`);
  }
}

/**
 * What a POST must not carry, as upstream's store refuses it: only a number, and once everything else is in order.
 * @throws StatusError 500
 */
export function refuseRevision({ metadata: { resourceVersion } = {} }: KubeObject): void {
  if (!resourceVersion || revisionProblem(resourceVersion) || BigInt(resourceVersion) === 0n) return;
  throw statusFailure(500, '', 'resourceVersion should not be set on objects to be created');
}
