import type { Patch } from '../../client/index.ts';
import {
  apiVersionOf,
  badRequest,
  conflict,
  internalError,
  type KubeObject,
  type Scale,
  type Stored,
} from '../../kube/index.ts';
import { StoredEntry } from '../store/index.ts';
import { type ManagedFields, withManagedFields } from './admitting.ts';
import type { Column, Entry, RequestContext, ResourceDefinition, ScaleView } from './contract.ts';
import { ageColumn, column, nameColumn } from './definitions/columns.ts';
import { readInput } from './input.ts';
import {
  applyConfiguration,
  parentManagers,
  scaleManagers,
  type TrackedWrite,
  trackUpdate,
} from './managed-fields/index.ts';
import { applyPatch, misfit } from './patch/index.ts';

/** What a write of a Scale needs to know of its kind. */
export const SCALE = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  plural: 'scales',
  singular: 'scale',
  shortNames: [],
  categories: [],
  namespaced: true,
  subresources: [],
} as const;

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
  const path = view.lacks?.(entry.object);
  if (path !== undefined)
    throw internalError(`the spec replicas field ${JSON.stringify(path)} does not exist`);
  return new StoredEntry(view.read(entry.object) as Stored<KubeObject>, entry.revision);
}

/** A PUT or a PATCH of a Scale. */
export interface ScaleRequest {
  readonly context: RequestContext;
  /** The Scale, or what is to be done to the present one. */
  readonly asked: Scale | Patch;
  /** Of an apply: takes over what others own. */
  readonly force?: boolean;
}

/**
 * The object with the replicas that a request asks for, and with its new managedFields: from the object to its Scale, to
 * the changed Scale, and back. `write` is that of the Scale.
 * @throws StatusError 400, 409, 415, 422; 500 for an applied Scale that does not fit, as upstream
 */
export function scaledObject(
  definition: ResourceDefinition,
  view: ScaleView,
  object: Stored<KubeObject>,
  request: ScaleRequest,
  write: TrackedWrite,
): KubeObject {
  const { metadata } = object;
  const live = view.read(object) as Stored<Scale>;
  const managedFields = scaleManagers(metadata.managedFields, view.replicasPaths);
  const present = { ...live, metadata: { ...live.metadata, managedFields } };
  const next = nextScale(present, request, write);
  const lacks = view.lacks?.(object);
  if (isPatch(request.asked) && lacks !== undefined && next.spec?.replicas === undefined)
    throw badRequest(`the spec replicas field ${JSON.stringify(lacks)} cannot be empty`);
  const { uid, resourceVersion = metadata.resourceVersion } = next.metadata ?? {};
  if (uid && uid !== metadata.uid) refuseOther(definition, object, uid, isPatch(request.asked));
  const owners = parentManagers(
    metadata.managedFields,
    next.metadata?.managedFields,
    view.replicasPaths,
    apiVersionOf(definition),
  ) as ManagedFields;
  const scaled = view.write(object, next);
  return withManagedFields({ ...scaled, metadata: { ...scaled.metadata, resourceVersion } }, owners);
}

/** The changed Scale, with its managedFields. */
function nextScale(
  present: Stored<Scale>,
  { asked, context, force = false }: ScaleRequest,
  write: TrackedWrite,
): Scale {
  if (isPatch(asked) && asked.type === 'apply') {
    const applied = applyConfiguration(write, present, asked.body, force);
    return named(readInput(SCALE, applied, present, context), present);
  }
  const next = isPatch(asked)
    ? patched(present, asked, context)
    : (readInput(SCALE, asked, present, context) as Scale);
  const managedFields = trackUpdate(write, present, next, next.metadata?.managedFields);
  return { ...next, metadata: { ...next.metadata, managedFields } } as Scale;
}

/** The Scale that a patch makes of the present one. @throws StatusError 400, 415, 422 */
function patched(present: Stored<Scale>, patch: Patch, context: RequestContext): Scale {
  const outcome = applyPatch(SCALE as unknown as ResourceDefinition, present, patch);
  const refuse = (why: string) => misfit(patch, outcome, SCALE.kind, why);
  return named(readInput(SCALE, outcome, present, context, refuse), present);
}

/** The Scale, which is still of the same object. @throws StatusError 400 */
function named({ metadata, ...rest }: KubeObject, present: Stored<Scale>): Scale {
  const { name } = present.metadata;
  if (metadata?.name === name) return { metadata, ...rest };
  throw badRequest(`the name of the object (${metadata?.name}) does not match the name on the URL (${name})`);
}

/** A PUT has the uid as a precondition of the object; a patch finds it in the Scale, which custom resources let pass. */
function refuseOther(
  definition: ResourceDefinition,
  { metadata }: Stored<KubeObject>,
  uid: string,
  isPatched: boolean,
): void {
  if (isPatched && definition.custom) return;
  const { group, plural } = definition;
  const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`;
  throw conflict({ group, plural: isPatched ? `${plural}/scale` : plural }, metadata.name, why);
}

function isPatch(asked: Scale | Patch): asked is Patch {
  return 'type' in asked && 'body' in asked;
}
