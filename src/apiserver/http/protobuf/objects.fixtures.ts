import fc from 'fast-check';
import { type FieldType, findModel } from '../../registry/schema/index.ts';
import { findMessage } from './message.ts';
import type { EmbeddedFields, WireField, WireMessage } from './wire-message.ts';

/** How deep generated objects go; from there on they have only what is required. */
const MAX_DEPTH = 3;
const LATEST_MS = Date.parse('9999-12-31T23:59:59Z');

/** Objects of a model as the store has them: canonical scalars, no zero where Go cannot tell it from nothing. For tests. */
export function objectsOf(model: string, depth = 0): fc.Arbitrary<Record<string, unknown>> {
  const fields = fieldsOf(model).filter((field) => field.always || depth < MAX_DEPTH);
  const record = Object.fromEntries(
    fields.map(({ name, type, always, byValue }) => {
      const values = valuesOf(type, name, depth);
      return [name, byValue && !always ? values.map((value) => (isZero(value) ? undefined : value)) : values];
    }),
  );
  const requiredKeys = fields.filter(({ always }) => always).map(({ name }) => name);
  return fc
    .record(record, { requiredKeys, noNullPrototype: true })
    .map((object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)));
}

/** `always`: it is there even when nobody has set it, because it, or something in it, is required. */
function fieldsOf(model: string) {
  const wire = new Map(flatten(findMessage(model)!).map((field) => [field.name, field]));
  return [...findModel(model)!.fields.values()]
    .filter(({ name }) => wire.has(name))
    .map(({ name, type, required }) => {
      const { byValue } = wire.get(name)!;
      return { name, type, byValue, always: required || (byValue && hasRequired(type)) };
    });
}

function hasRequired(type: FieldType): boolean {
  return type.kind === 'ref' && fieldsOf(type.model).some(({ always }) => always);
}

function isZero(value: unknown): boolean {
  return !value || (typeof value === 'object' && Object.keys(value).length === 0);
}

function flatten({ fields }: WireMessage): WireField[] {
  return fields.flatMap((field: WireField | EmbeddedFields) =>
    'embedded' in field ? flatten(field.embedded) : [field],
  );
}

function valuesOf(type: FieldType, name: string, depth: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 12 });
    case 'bool':
      return fc.boolean();
    case 'int32':
      return fc.integer();
    case 'int64':
      return fc.maxSafeInteger();
    case 'double':
      return fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
    case 'bytes':
      return fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('base64'));
    case 'time':
      return times().map((ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`);
    case 'microtime':
      return times().map((ms) => new Date(ms).toISOString().replace('Z', '042Z'));
    case 'int-or-string':
      return fc.oneof(fc.integer(), fc.string({ maxLength: 5 }));
    case 'quantity':
      return fc.integer({ min: 1, max: 999 }).map((count) => `${count}Gi`);
    case 'any':
      return anyOf(name, depth);
    case 'array':
      return fc.array(valuesOf(type.of, name, depth), { minLength: 1, maxLength: 2 });
    case 'map':
      return fc.dictionary(fc.string({ maxLength: 4 }), valuesOf(type.of, name, depth), {
        minKeys: 1,
        maxKeys: 3,
        noNullPrototype: true,
      });
    case 'ref':
      return objectsOf(type.model, depth + 1);
  }
}

const times = () => fc.integer({ min: 0, max: LATEST_MS });
const json = () => fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)));

/** What the schemas call any. */
function anyOf(name: string, depth: number): fc.Arbitrary<unknown> {
  const schema = () => (depth < MAX_DEPTH ? objectsOf('V1JSONSchemaProps', depth + 1) : fc.constant({}));
  switch (name) {
    case 'items':
      return fc.oneof(schema(), fc.array(schema(), { minLength: 1, maxLength: 2 }));
    case 'dependencies':
      return fc.oneof(schema(), fc.array(fc.string(), { minLength: 1, maxLength: 2 }));
    case 'additionalItems':
    case 'additionalProperties':
      return fc.oneof(schema(), fc.boolean());
    case 'status':
      return fc.constant({});
    case 'enum':
      return json();
    default:
      return json().filter((value) => value !== null);
  }
}
