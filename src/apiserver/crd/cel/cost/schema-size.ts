import type { Structural } from '../../structural.ts';
import { unescapeField } from '../fields.ts';
import { fieldSchema, STRING_SCHEMA, typeOfSchema } from '../types.ts';
import type { Size } from './size.ts';

// How large the values of a schema can get: by what the schema says, or by what fits into a request
// (apiserver pkg/cel/common, SchemaDeclType).

/** The largest request that is accepted, in bytes. */
export const MAX_REQUEST_BYTES = 3 * 1024 * 1024;

/** The shortest and the longest JSON of texts that have a format. */
const FORMATS: Readonly<Record<string, { readonly min: number; readonly max: number }>> = {
  duration: { min: 3, max: 32 },
  date: { min: 12, max: 12 },
  'date-time': { min: 21, max: 32 },
};
/** Of a text with its quotes. */
const TEXT_BYTES = 2;

const minBytesKnown = new WeakMap<Structural, number>();

/** The fewest bytes of JSON that a value of the schema takes. */
export function minBytes(schema: Structural): number {
  const known = minBytesKnown.get(schema);
  if (known !== undefined) return known;
  const bytes = countMinBytes(schema);
  minBytesKnown.set(schema, bytes);
  return bytes;
}

function countMinBytes({ intOrString, type, schema, additional, properties }: Structural): number {
  if (intOrString) return 1;
  switch (type) {
    case 'object': {
      if (typeof additional === 'object') return 2;
      let bytes = 2;
      for (const name of schema.required ?? []) {
        const property = properties.get(name);
        // What has a default is filled in by the server.
        if (property && property.default === undefined && typeOfSchema(property))
          bytes += Buffer.byteLength(name) + minBytes(property) + 4;
      }
      return bytes;
    }
    case 'boolean':
      return 4;
    case 'number':
    case 'integer':
      return 1;
    case 'string':
      return FORMATS[schema.format ?? '']?.min ?? TEXT_BYTES;
    default:
      return 2;
  }
}

/** The most characters, items or properties that a value of the schema has; 0 where there are none. */
export function maxElements({ intOrString, type, schema, additional, items }: Structural): number {
  const { maxLength, maxItems, maxProperties, format = '' } = schema;
  // A character has up to four bytes.
  if (intOrString) return maxLength === undefined ? MAX_REQUEST_BYTES - TEXT_BYTES : natural(maxLength) * 4;
  switch (type) {
    case 'array':
      if (maxItems !== undefined) return natural(maxItems);
      return items ? Math.floor((MAX_REQUEST_BYTES - 2) / (minBytes(items) + 1)) : 0;
    case 'object':
      if (typeof additional !== 'object') return 0;
      if (maxProperties !== undefined) return natural(maxProperties);
      return Math.floor((MAX_REQUEST_BYTES - 2) / (minBytes(additional) + 6));
    case 'string': {
      const known = FORMATS[format];
      if (known) return known.max;
      if (maxLength !== undefined) return format === 'byte' ? natural(maxLength) : natural(maxLength) * 4;
      if (format !== 'byte' && schema.enum?.length) return longest(schema.enum);
      return MAX_REQUEST_BYTES - TEXT_BYTES;
    }
    default:
      return 0;
  }
}

const natural = (value: number): number => Math.max(0, value);

const longest = (values: readonly unknown[]): number =>
  Math.max(0, ...values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)));

/** Where a value is found: a variable, then names of fields, '@items', '@keys' or '@values'. */
export type Path = readonly string[];

/** The size of what is at a path below `root`; `undefined` where the schema does not say. */
export function sizeAt(root: Structural, path: Path): Size | undefined {
  if (path.length === 0) return undefined;
  let schema: Structural | undefined = root;
  for (const step of path.slice(1)) {
    schema = below(schema, step);
    if (!schema || !typeOfSchema(schema)) return undefined;
  }
  // The keys of a map have no bounds of their own.
  return { min: 0, max: schema === STRING_SCHEMA ? 0 : maxElements(schema) };
}

function below(schema: Structural, step: string): Structural | undefined {
  const { additional, items, type, intOrString } = schema;
  if (intOrString) return undefined;
  const isMap = type === 'object' && typeof additional === 'object';
  switch (step) {
    case '@items':
    case '@values':
      return type === 'array' ? items : isMap ? additional : undefined;
    case '@keys':
      return isMap ? STRING_SCHEMA : undefined;
    default:
      return type === 'object' && !isMap ? fieldSchema(schema, unescapeField(step)) : undefined;
  }
}
