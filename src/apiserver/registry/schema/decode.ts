import { badRequest } from '../../../kube/index.ts';
import { embeddedStruct } from './embedded.ts';
import { type FieldType, findModel, goType, type Model } from './models.ts';
import { scalar } from './scalars.ts';
import { copyFrozen, setOwn } from './share.ts';

/** What decoding finds beside the object. */
export interface DecodeReport {
  /** Paths of fields that the type does not have, e.g. spec.containers[0].foo; they are dropped. */
  readonly unknownFields: string[];
}

/** What a walk finds, and where it began. */
interface Walk extends DecodeReport {
  readonly root: Model;
}

/** Where the walk is: for messages, made only from what a failure needs. */
interface Place {
  readonly parent?: Place;
  /** A field's name or an index. */
  readonly step: string | number;
  /** The step is a map's key: messages of wrong types do not name it. */
  readonly isKey?: boolean;
}

/** The value does not have the form of its type: 400, in encoding/json's words. */
export class DecodeError extends Error {
  override name = 'DecodeError';
}

/**
 * Reads `value` as `model`: checks every field's type, drops unknown and null fields and those whose value Go cannot tell
 * from none, writes quantities and times in their canonical form. The result is frozen all the way down; whatever equals the same part of `previous` *is* that
 * part, so an unchanged object comes back as `previous` itself and versions share their memory.
 * @throws DecodeError
 */
export function decode(
  model: Model,
  value: unknown,
  previous: unknown,
  report: DecodeReport,
): Record<string, unknown> {
  const walk: Walk = { unknownFields: report.unknownFields, root: model };
  return decodeModel(model, value, previous, undefined, walk, model) as Record<string, unknown>;
}

function decodeModel(
  model: Model,
  value: unknown,
  previous: unknown,
  place: Place | undefined,
  walk: Walk,
  owner: Model,
): unknown {
  if (value === previous && value !== undefined) return previous;
  if (!isObject(value)) throw mismatch(walk, value, owner, place, `v1.${model.goName}`);
  const before = isObject(previous) ? previous : undefined;
  const result: Record<string, unknown> = {};
  let same = before !== undefined;
  let count = 0;
  for (const name of Object.keys(value)) {
    const item = value[name];
    if (item === undefined) continue;
    const field = model.fields.get(name);
    const here: Place = { parent: place, step: name };
    if (!field) {
      walk.unknownFields.push(pathOf(here));
      continue;
    }
    if (item === null && field.type.kind !== 'any') continue;
    const old = before?.[name];
    const decoded = decodeField(field.type, item, old, here, walk, model);
    if (!field.required && isEmptyCollection(field.type, decoded)) continue;
    if (field.omitsZero && (decoded === '' || decoded === 0 || decoded === false)) continue;
    result[name] = decoded;
    count++;
    if (decoded !== old) same = false;
  }
  if (same && count === Object.keys(before!).length) return before;
  return Object.freeze(result);
}

/** Fields that hold their own model, or else something simpler (JSONSchemaPropsOrBool and its like). */
const SCHEMAS_INSIDE: ReadonlySet<string> = new Set([
  'V1JSONSchemaProps.items',
  'V1JSONSchemaProps.additionalProperties',
]);

function decodeField(
  type: FieldType,
  value: unknown,
  previous: unknown,
  place: Place,
  walk: Walk,
  owner: Model,
): unknown {
  if (value === previous) return previous;
  switch (type.kind) {
    case 'ref': {
      const model = findModel(type.model);
      if (!model) return copyFrozen(value, previous);
      return decodeModel(model, value, previous, place, walk, owner);
    }
    case 'array':
      return decodeArray(type, value, previous, place, walk, owner);
    case 'map':
      return decodeMap(type, value, previous, place, walk, owner);
    case 'any':
      if (isObject(value) && SCHEMAS_INSIDE.has(`${owner.name}.${place.step}`))
        return decodeModel(owner, value, previous, place, walk, owner);
      return copyFrozen(value, previous);
    default: {
      const result = scalar(type.kind, value);
      if ('value' in result) return result.value;
      if (result.why) throw new DecodeError(result.why);
      throw mismatch(walk, value, owner, place, goType(type));
    }
  }
}

function decodeArray(
  type: FieldType & { kind: 'array' | 'map' },
  value: unknown,
  previous: unknown,
  place: Place,
  walk: Walk,
  owner: Model,
): unknown {
  if (!Array.isArray(value)) throw mismatch(walk, value, owner, place, goType(type));
  const before = Array.isArray(previous) ? previous : undefined;
  let same = before?.length === value.length;
  const result = value.map((item, index) => {
    const old = before?.[index];
    const decoded =
      item === null || item === undefined
        ? zero(type.of)
        : decodeField(type.of, item, old, { parent: place, step: index }, walk, owner);
    if (decoded !== old) same = false;
    return decoded;
  });
  return same ? before : Object.freeze(result);
}

function decodeMap(
  type: FieldType & { kind: 'array' | 'map' },
  value: unknown,
  previous: unknown,
  place: Place,
  walk: Walk,
  owner: Model,
): unknown {
  if (!isObject(value)) throw mismatch(walk, value, owner, place, goType(type));
  const before = isObject(previous) ? previous : undefined;
  let same = before !== undefined;
  let count = 0;
  const result: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const item = value[name];
    if (item === undefined) continue;
    const old = before && Object.hasOwn(before, name) ? before[name] : undefined;
    const decoded =
      item === null
        ? zero(type.of)
        : decodeField(type.of, item, old, { parent: place, step: name, isKey: true }, walk, owner);
    setOwn(result, name, decoded);
    count++;
    if (decoded !== old) same = false;
  }
  return same && count === Object.keys(before!).length ? before : Object.freeze(result);
}

/** Go's zero value, which a null inside a list or map decodes to. */
function zero(type: FieldType): unknown {
  switch (type.kind) {
    case 'string':
    case 'bytes':
      return '';
    case 'bool':
      return false;
    case 'int32':
    case 'int64':
    case 'double':
    case 'int-or-string':
      return 0;
    case 'quantity':
      return '0';
    case 'array':
      return Object.freeze([]);
    case 'map':
    case 'ref':
      return Object.freeze({});
    default:
      return null;
  }
}

/** Slices and maps are `omitempty` upstream: an empty one is no field. */
function isEmptyCollection(type: FieldType, value: unknown): boolean {
  if (type.kind === 'array') return (value as unknown[]).length === 0;
  return type.kind === 'map' && Object.keys(value as object).length === 0;
}

function mismatch(
  { root }: Walk,
  value: unknown,
  owner: Model,
  place: Place | undefined,
  type: string,
): DecodeError {
  const kind = Array.isArray(value)
    ? 'array'
    : typeof value === 'boolean'
      ? 'bool'
      : typeof value === 'number' && !Number.isInteger(value)
        ? `number ${value}`
        : typeof value;
  const field = place ? `field ${owner.goName}.${goPath(root, place)} ` : 'value ';
  return new DecodeError(
    `json: cannot unmarshal ${kind} into Go ${place ? 'struct ' : ''}${field}of type ${type}`,
  );
}

/** e.g. spec.containers[0].foo */
function pathOf({ parent, step, isKey }: Place): string {
  const before = parent ? pathOf(parent) : '';
  if (typeof step === 'number' || isKey) return `${before}[${step}]`;
  return before === '' ? step : `${before}.${step}`;
}

/** As encoding/json names a place: fields alone, and the structs that they are declared in. */
function goPath(root: Model, place: Place): string {
  const places: Place[] = [];
  for (let at: Place | undefined = place; at; at = at.parent) places.unshift(at);
  const names: string[] = [];
  let model: Model | undefined = root;
  for (const { step, isKey } of places) {
    if (typeof step === 'number' || isKey) continue;
    const struct: string | undefined = model && embeddedStruct(model.name, step);
    names.push(...(struct ? [struct] : []), step);
    model = modelOf(model?.fields.get(step)?.type);
  }
  return names.join('.');
}

function modelOf(type: FieldType | undefined): Model | undefined {
  if (type?.kind === 'array' || type?.kind === 'map') return modelOf(type.of);
  return type?.kind === 'ref' ? findModel(type.model) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The 400 of a body that cannot be read as its kind. */
export function cannotBeHandled(kind: string, version: string, why: string): Error {
  return badRequest(`${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${why}`);
}
