import type { Patch } from '../../client/index.ts';
import {
  badRequest,
  conflict,
  internalError,
  type KubeObject,
  type Scale,
  type Stored,
} from '../../kube/index.ts';
import { StoredEntry } from '../store/index.ts';
import type { Column, Entry, RequestContext, ResourceDefinition, ScaleView } from './contract.ts';
import { ageColumn, column, nameColumn } from './definitions/columns.ts';
import { readInput } from './input.ts';
import { applyPatch, misfit } from './patch/index.ts';

/** What patches of a Scale need to know of its kind. */
const SCALE_KIND = { group: 'autoscaling', version: 'v1', kind: 'Scale', plural: 'scales' };

/** What `kubectl get --subresource=scale` shows. */
export const SCALE_COLUMNS = [
  nameColumn(),
  column<Scale>('Desired', (one) => one.spec?.replicas ?? 0, {
    type: 'integer',
    description: 'How many replicas there are to be.',
  }),
  column<Scale>('Available', (one) => one.status?.replicas ?? 0, {
    type: 'integer',
    description: 'How many replicas there are.',
  }),
  ageColumn(),
] as readonly Column<KubeObject>[];

/** The Scale of an object, as an entry of its own. @throws StatusError 500 when it has none, as upstream */
export function scaleEntry(view: ScaleView, entry: Entry): Entry {
  const lack = view.lacks?.(entry.object);
  if (lack !== undefined) throw internalError(lack);
  return new StoredEntry(view.read(entry.object) as Stored<KubeObject>, entry.revision);
}

/**
 * The object with the replicas that a Scale asks for. @throws StatusError 409 when the Scale is of an older version, 422
 * for a number that cannot be
 */
export function scaledBy(
  definition: ResourceDefinition,
  view: ScaleView,
  object: Stored<KubeObject>,
  asked: Scale,
): KubeObject {
  const { uid, resourceVersion } = asked.metadata ?? {};
  const { name } = object.metadata;
  if (uid && uid !== object.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${object.metadata.uid}`;
    throw conflict(definition, name, why);
  }
  const scaled = view.write(object, asked);
  return resourceVersion ? { ...scaled, metadata: { ...scaled.metadata, resourceVersion } } : scaled;
}

/** The Scale that a patch makes of the object's. @throws StatusError 400, 415, 422 */
export function patchedScale(
  view: ScaleView,
  object: Stored<KubeObject>,
  patch: Patch,
  context: RequestContext,
): Scale {
  if (patch.type === 'apply')
    throw badRequest('server-side apply of a Scale is not served: patch or update it');
  const scale = view.read(object) as Stored<KubeObject>;
  const patched = applyPatch(SCALE_KIND as ResourceDefinition, scale, patch);
  const read = readInput(SCALE_KIND, patched, scale, context, (why) => misfit(patch, patched, 'Scale', why));
  const { name } = scale.metadata;
  if (read.metadata?.name !== name)
    throw badRequest(
      `the name of the object (${read.metadata?.name}) does not match the name on the URL (${name})`,
    );
  return read as Scale;
}
