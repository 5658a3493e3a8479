import { type Clock, nameSuffix, type Random, rfc3339 } from '../../../base/index.ts';
import {
  badRequest,
  conflict,
  type KubeObject,
  type ObjectMeta,
  type Stored,
  staleObject,
  statusFailure,
} from '../../../kube/index.ts';
import type { ResourceDefinition } from '../contract.ts';
import { revisionOf } from '../revision-text.ts';

/** A name of 63 bytes leaves this much before the five random characters (apiserver storage/names). */
const MAX_PREFIX_LENGTH = 58;

/** metadata with what the system fills at creation (rest.FillObjectMetaSystemFields). */
export function newMetadata(
  metadata: ObjectMeta,
  clock: Clock,
  random: Random,
  generation: boolean,
): ObjectMeta {
  const name =
    metadata.name ||
    (metadata.generateName
      ? `${metadata.generateName.slice(0, MAX_PREFIX_LENGTH)}${nameSuffix(random)}`
      : undefined);
  const { resourceVersion: _1, selfLink: _2, managedFields: _3, ...kept } = metadata;
  const { deletionTimestamp: _4, deletionGracePeriodSeconds: _5, generation: _6, ...rest } = kept;
  return compact({
    ...rest,
    name,
    uid: random.uuid(),
    creationTimestamp: rfc3339(clock.now()),
    generation: generation ? 1 : undefined,
  });
}

/**
 * metadata of an update: what the client left out of the system's part is kept (rest.BeforeUpdate). managedFields are
 * the previous ones: what an update makes of them is decided once it is known what it changes.
 */
export function carriedMetadata(next: ObjectMeta, previous: Stored<KubeObject>['metadata']): ObjectMeta {
  const { managedFields: _, ...rest } = next;
  return compact({
    ...rest,
    name: rest.name || previous.name,
    // A kind of the whole cluster has none, whatever the client says.
    namespace: previous.namespace,
    uid: rest.uid || previous.uid,
    creationTimestamp: previous.creationTimestamp,
    deletionTimestamp: previous.deletionTimestamp || rest.deletionTimestamp,
    deletionGracePeriodSeconds: rest.deletionGracePeriodSeconds ?? previous.deletionGracePeriodSeconds,
    generation: previous.generation,
    resourceVersion: previous.resourceVersion,
    selfLink: undefined,
    managedFields: previous.managedFields,
  });
}

/** A copy without undefined fields, without empty texts and lists, which upstream's metadata omits too. */
export function compact<T extends object>(metadata: T): T {
  const kept = {} as T;
  for (const name of Object.keys(metadata) as (keyof T)[]) {
    const value = metadata[name];
    if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) continue;
    kept[name] = value;
  }
  return kept;
}

/** @throws StatusError 400 or 409 when the update is not for this object or not for its present version. */
export function checkUpdatePreconditions(
  definition: ResourceDefinition,
  next: ObjectMeta,
  previous: Stored<KubeObject>['metadata'],
): void {
  if (next.name && next.name !== previous.name) {
    throw badRequest(
      `the name of the object (${next.name}) does not match the name on the URL (${previous.name})`,
    );
  }
  if (definition.namespaced && next.namespace && next.namespace !== previous.namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (next.uid && next.uid !== previous.uid) {
    throw conflict(
      definition,
      previous.name,
      `Precondition failed: UID in precondition: ${next.uid}, UID in object meta: ${previous.uid}`,
    );
  }
  const revision = revisionOf(next.resourceVersion);
  if (revision !== 0n) {
    if (revision !== BigInt(previous.resourceVersion)) throw staleObject(definition, previous.name);
  } else if (definition.strategy.requiresResourceVersion) {
    const field = 'metadata.resourceVersion';
    const message = 'Invalid value: 0: must be specified for an update';
    throw statusFailure(
      422,
      'Invalid',
      `${definition.plural}${definition.group ? `.${definition.group}` : ''} "${previous.name}" is invalid: ${field}: ${message}`,
      {
        name: previous.name,
        group: definition.group || undefined,
        kind: definition.plural,
        causes: [{ reason: 'FieldValueInvalid', message, field }],
      },
    );
  }
}
