import {
  badRequest,
  type KubeObject,
  type StatusError,
  type Stored,
  statusFailure,
} from '../../../kube/index.ts';
import { converted } from '../patch/index.ts';
import { compare } from './compare.ts';
import { applyConflict, type Conflicts, withoutConflicts } from './conflicts.ts';
import { difference, EMPTY, type FieldSet, intersection, isEmpty, union } from './field-set.ts';
import { fieldsOf, ownable, withNamedFields } from './fields-of.ts';
import { LAST_APPLIED, lastAppliedFields, withLastApplied } from './last-applied.ts';
import { type Managers, managerId, toEntries } from './managers.ts';
import { merge, removeFields } from './merge.ts';
import type { Json, Shape } from './shape.ts';
import { isObject } from './shape.ts';
import {
  entryOf,
  filtered,
  isOfGroup,
  managersBeforeApply,
  shapeOf,
  type TrackedWrite,
  writable,
} from './track.ts';
import { misfits } from './validate.ts';

/** kubectl's manager takes over what it owned by client-side apply. */
const KUBECTL = 'kubectl';

/**
 * The object that a server-side apply makes of the present one (`live`; none: of nothing), with its new managedFields
 * in its metadata. What the applier owned and names no more goes, unless somebody else owns it.
 * @throws StatusError 400 for what is no configuration of this kind, 409 when it would change what others own and
 * `force` is not set, 500 (as upstream) when it does not fit the schema
 */
export function applyConfiguration(
  write: TrackedWrite,
  live: Stored<KubeObject> | undefined,
  config: unknown,
  force: boolean,
): KubeObject {
  const shape = shapeOf(write);
  const applied = checkConfiguration(write, shape, config);
  const present = live ?? newObject(applied);
  const managers = live ? managersBeforeApply(write, live) : new Map();
  const outcome = merged(write, shape, present, applied, managers);
  if (!force && outcome.conflicts.size > 0) {
    // kubectl only: fields are no conflict while they are what client-side apply has set.
    const allowed = write.manager === KUBECTL && live ? lastAppliedFields(shape, live) : undefined;
    const conflicts = withoutConflicts(outcome.conflicts, allowed ?? EMPTY);
    if (conflicts.size > 0) throw applyConflict(conflicts);
  }
  const { metadata, ...rest } = outcome.object as unknown as KubeObject;
  const object = {
    ...rest,
    metadata: { ...metadata, managedFields: toEntries(outcome.managers) },
  } as KubeObject;
  const annotated = object.metadata?.annotations?.[LAST_APPLIED];
  return write.manager === KUBECTL && annotated ? withLastApplied(object, applied) : object;
}

interface Outcome {
  readonly object: Json;
  readonly managers: Managers;
  readonly conflicts: Conflicts;
}

function merged(
  write: TrackedWrite,
  shape: Shape,
  live: KubeObject,
  config: Json,
  before: Managers,
): Outcome {
  const entry = entryOf(write, 'Apply');
  const id = managerId(entry);
  const own = writable(write, fieldsOf(shape, config));
  const managers: Managers = new Map([...before].filter(([, managed]) => isOfGroup(write, managed.entry)));
  const last = managers.get(id)?.fields ?? EMPTY;
  managers.set(id, { entry, fields: own });

  const together = merge(shape, live, config) as Json;
  const object = isEmpty(last) ? together : (pruned(shape, together, last, managers) as Json);

  const { added, modified, removed } = filtered(write, compare(shape, live, object));
  const written = union(added, modified);
  const conflicts: Map<string, { entry: typeof entry; fields: FieldSet }> = new Map();
  for (const [other, managed] of managers) {
    if (other === id) continue;
    const fields = intersection(managed.fields, written);
    if (!isEmpty(fields)) conflicts.set(other, { entry: managed.entry, fields });
    managers.set(other, { ...managed, fields: difference(difference(managed.fields, fields), removed) });
  }
  managers.set(id, { entry, fields: ownable(own) });
  return { object, managers, conflicts };
}

/** The merged object without what its applier named last time, names no more and nobody else owns. */
function pruned(shape: Shape, together: Json, last: FieldSet, managers: Managers): unknown {
  const named = (set: FieldSet) => withNamedFields(shape, set);
  const all = named(fieldsOf(shape, together));
  const mine = named(last);
  const cut = named(fieldsOf(shape, removeFields(shape, together, mine)));
  let owned = EMPTY;
  for (const { fields } of managers.values()) owned = union(owned, fields);
  const kept = removeFields(shape, together, difference(all, union(cut, named(owned))));
  // What nobody owns and was not the applier's either stays: it only went with what is around it.
  const gone = intersection(difference(all, named(fieldsOf(shape, kept))), mine);
  return removeFields(shape, together, gone);
}

function checkConfiguration({ resource }: TrackedWrite, shape: Shape, config: unknown): Json {
  if (!isObject(config))
    throw badRequest('error decoding YAML: the body of an apply patch must be an object');
  const { metadata } = config;
  const { group, version, kind } = typeOf(config);
  if (group !== resource.group || version !== resource.version || kind !== resource.kind)
    throw badRequest(`invalid object type: ${group}/${version}, Kind=${kind}`);
  if (isObject(metadata) && metadata.managedFields !== undefined && metadata.managedFields !== null)
    throw badRequest('metadata.managedFields must be nil');
  const wrong = misfits(shape, config);
  if (wrong.length === 0) return config;
  const detail = wrong.length === 1 ? wrong[0] : `errors:\n${wrong.map((why) => `  ${why}`).join('\n')}`;
  throw statusFailure(500, '', `failed to create typed patch object (${describe(config)}): ${detail}`);
}

/** What upstream says of an applied object that cannot be read as its kind. */
export function unconverted(config: unknown, why: string): StatusError {
  const object = isObject(config) ? config : {};
  const { group, version, kind } = typeOf(object);
  const text = why.startsWith('illegal base64') ? `error decoding from json: ${why}` : converted(why);
  const how = `unable to convert unstructured object to ${group}/${version}, Kind=${kind}: ${text}`;
  return statusFailure(
    500,
    '',
    `failed to convert new object (${describe(object)}) to proper version: ${how}`,
  );
}

/** The configuration's namespace, name and type, as far as it gives them. */
function describe(config: Json): string {
  const { namespace = '', name = '' } = isObject(config.metadata) ? config.metadata : {};
  const { group, version, kind } = typeOf(config);
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return `${text(namespace)}/${text(name)}; ${group}/${version}, Kind=${kind}`;
}

/** What is no text is nothing, and what is no apiVersion makes nothing of the kind. */
function typeOf({ apiVersion, kind }: Json): { group: string; version: string; kind: string } {
  const parts = typeof apiVersion === 'string' ? apiVersion.split('/') : [];
  if (parts.length > 2) return { group: '', version: '', kind: '' };
  const [group, version] = parts.length === 2 ? parts : ['', parts[0] ?? ''];
  return { group: group!, version: version!, kind: typeof kind === 'string' ? kind : '' };
}

function newObject({ apiVersion, kind, spec, status }: Json): KubeObject {
  return {
    apiVersion: apiVersion as string,
    kind: kind as string,
    metadata: {},
    ...(spec === undefined ? undefined : { spec: {} }),
    ...(status === undefined ? undefined : { status: {} }),
  } as KubeObject;
}
