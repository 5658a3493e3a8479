import type { Patch } from '../../../client/index.ts';
import { badRequest, type KubeObject, type Stored, statusFailure } from '../../../kube/index.ts';
import type { ResourceDefinition } from '../contract.ts';
import { modelOfKind } from '../schema/index.ts';
import { jsonPatch, PatchError } from './json-patch.ts';
import { isObject, mergePatch } from './merge-patch.ts';
import { strategicMergePatch } from './strategic.ts';

export { goType } from './go-value.ts';
export { converted, misfit } from './misfit.ts';

/**
 * The object that a patch makes of the present one.
 * @throws StatusError 400 for a body that is no patch, 415 for a kind of patch that is not served, 422 for a JSON patch
 * that does not fit the object, 500 (as upstream) for a strategic one
 */
export function applyPatch(
  definition: ResourceDefinition,
  object: Stored<KubeObject>,
  patch: Patch,
): KubeObject {
  const outcome = attempt(definition, object, patch);
  const { metadata = null } = outcome ?? {};
  if (metadata === null || (typeof metadata === 'object' && !metadata.name))
    throw badRequest(
      `the name of the object (${object.metadata.name} based on URL) was undeterminable: name must be provided`,
    );
  return outcome;
}

function attempt(definition: ResourceDefinition, object: Stored<KubeObject>, patch: Patch): KubeObject {
  try {
    return patched(definition, object, patch);
  } catch (error) {
    // All that upstream says of a JSON patch that does not fit.
    if (error instanceof PatchError)
      throw statusFailure(
        422,
        'Invalid',
        'the server rejected our request due to an error in our request',
        {},
      );
    throw error;
  }
}

function patched(
  definition: ResourceDefinition,
  object: Stored<KubeObject>,
  { type, body }: Patch,
): KubeObject {
  switch (type) {
    case 'json':
      return jsonPatch(object, body) as KubeObject;
    case 'merge':
      return mergePatch(object, asObject(body, type)) as KubeObject;
    case 'strategic': {
      const model = definition.custom
        ? undefined
        : modelOfKind(definition.group, definition.version, definition.kind);
      // Lists have merge keys in built-in types alone.
      if (!model) throw unsupported(NO_STRATEGIC);
      const merged = strategicMergePatch(
        model,
        object as unknown as Record<string, unknown>,
        asObject(body, type),
      ) as KubeObject;
      // Read as the type that the object has, whatever the patch makes of its name.
      return { ...merged, apiVersion: object.apiVersion, kind: object.kind };
    }
    default:
      throw unsupported('server-side apply is not a patch of an object: it makes one when there is none');
  }
}

function asObject(body: unknown, type: string): Readonly<Record<string, unknown>> {
  if (isObject(body)) return body;
  throw badRequest(`the body of a ${type} patch must be an object`);
}

const NO_STRATEGIC =
  'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml';
const unsupported = (why: string) => statusFailure(415, 'UnsupportedMediaType', why);
