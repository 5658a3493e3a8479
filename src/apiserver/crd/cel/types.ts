import type { Structural } from '../structural.ts';

/** A type of CEL. Objects of a schema know their fields; `param` stands for any type in a signature. */
export type Type =
  | { readonly kind: 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'bool' | 'null' | 'dyn' | 'type' }
  | { readonly kind: 'timestamp' | 'duration' }
  | { readonly kind: 'opaque'; readonly name: string }
  | { readonly kind: 'list' | 'optional'; readonly of: Type }
  | { readonly kind: 'map'; readonly key: Type; readonly of: Type }
  | { readonly kind: 'object'; readonly schema: Structural }
  | { readonly kind: 'param'; readonly name: string };

const plain = (
  kind:
    | 'int'
    | 'uint'
    | 'double'
    | 'string'
    | 'bytes'
    | 'bool'
    | 'null'
    | 'dyn'
    | 'type'
    | 'timestamp'
    | 'duration',
): Type => ({ kind });
export const INT = plain('int');
export const DOUBLE = plain('double');
export const STRING = plain('string');
export const BYTES = plain('bytes');
export const BOOL = plain('bool');
export const DYN = plain('dyn');
export const TIMESTAMP = plain('timestamp');
export const DURATION = plain('duration');

const METADATA: Structural = {
  ...scalar(),
  schema: {},
  type: 'object',
  properties: new Map(['name', 'generateName'].map((name) => [name, scalar()])),
};

function scalar(): Structural {
  return {
    schema: { type: 'string' },
    type: 'string',
    nullable: false,
    default: undefined,
    properties: new Map(),
    additional: undefined,
    items: undefined,
    preserves: false,
    embedded: false,
    intOrString: false,
    listType: undefined,
    listMapKeys: [],
    mapType: undefined,
    rules: [],
    allOf: [],
    hasDefaults: false,
  };
}
/** Of texts that say no more: keys of maps, kind and apiVersion. */
export const STRING_SCHEMA = scalar();

/** The schema of a field of an object; whole resources have type and name whatever their schema says. */
export function fieldSchema(schema: Structural, name: string): Structural | undefined {
  if (schema.embedded) {
    if (name === 'metadata') return METADATA;
    if (name === 'apiVersion' || name === 'kind') return STRING_SCHEMA;
  }
  return schema.properties.get(name);
}

/** The type that a schema's values have; `undefined` when rules cannot see them (SchemaDeclType). */
export function typeOfSchema(schema: Structural): Type | undefined {
  if (schema.intOrString) return DYN;
  switch (schema.type) {
    case 'array': {
      const of = schema.items && typeOfSchema(schema.items);
      return of && { kind: 'list', of };
    }
    case 'object': {
      if (typeof schema.additional === 'object') {
        const of = typeOfSchema(schema.additional);
        return of && { kind: 'map', key: STRING, of };
      }
      return { kind: 'object', schema };
    }
    case 'string':
      switch (schema.schema.format) {
        case 'byte':
          return BYTES;
        case 'duration':
          return DURATION;
        case 'date':
        case 'date-time':
          return TIMESTAMP;
        default:
          return STRING;
      }
    case 'boolean':
      return BOOL;
    case 'number':
      return DOUBLE;
    case 'integer':
      return INT;
    default:
      return schema.preserves && schema.type === '' ? DYN : undefined;
  }
}

export function nameOfType(type: Type): string {
  switch (type.kind) {
    case 'list':
      return `list(${nameOfType(type.of)})`;
    case 'optional':
      return `optional_type(${nameOfType(type.of)})`;
    case 'map':
      return `map(${nameOfType(type.key)}, ${nameOfType(type.of)})`;
    case 'object':
      return 'object';
    case 'opaque':
      return type.name;
    case 'param':
      return type.name;
    case 'null':
      return 'null_type';
    case 'timestamp':
    case 'duration':
      return `google.protobuf.${type.kind === 'timestamp' ? 'Timestamp' : 'Duration'}`;
    default:
      return type.kind;
  }
}

/** Whether a value of type `actual` may stand where `wanted` is; binds the parameters of `wanted`. */
export function fits(wanted: Type, actual: Type, bound: Map<string, Type>): boolean {
  if (actual.kind === 'dyn' || wanted.kind === 'dyn') return true;
  if (wanted.kind === 'param') {
    const known = bound.get(wanted.name);
    if (known === undefined || known.kind === 'dyn') {
      bound.set(wanted.name, actual);
      return true;
    }
    return fits(known, actual, bound);
  }
  if (actual.kind === 'null')
    return (
      wanted.kind === 'null' ||
      wanted.kind === 'timestamp' ||
      wanted.kind === 'duration' ||
      wanted.kind === 'object' ||
      wanted.kind === 'optional'
    );
  if (wanted.kind === 'map' && actual.kind === 'object') return true;
  if (wanted.kind !== actual.kind) return false;
  switch (wanted.kind) {
    case 'list':
    case 'optional':
      return fits(wanted.of, (actual as typeof wanted).of, bound);
    case 'map':
      return (
        fits(wanted.key, (actual as typeof wanted).key, bound) &&
        fits(wanted.of, (actual as typeof wanted).of, bound)
      );
    case 'opaque':
      return wanted.name === (actual as typeof wanted).name;
    default:
      return true;
  }
}

/** A signature's type with its parameters filled in. */
export function filled(type: Type, bound: ReadonlyMap<string, Type>): Type {
  switch (type.kind) {
    case 'param':
      return bound.get(type.name) ?? DYN;
    case 'list':
    case 'optional':
      return { kind: type.kind, of: filled(type.of, bound) };
    case 'map':
      return { kind: 'map', key: filled(type.key, bound), of: filled(type.of, bound) };
    default:
      return type;
  }
}

const OPAQUE: Readonly<Record<string, string>> = {
  quantity: 'kubernetes.Quantity',
  url: 'kubernetes.URL',
  ip: 'net.IP',
  cidr: 'net.CIDR',
  format: 'kubernetes.NamedFormat',
  semver: 'kubernetes.Semver',
};

/** A type as signatures write it: list<A>, map<string,dyn>, int, quantity. */
export function parseType(text: string): Type {
  const inner = /^(list|optional|map)<(.*)>$/.exec(text);
  if (inner?.[1] === 'map') {
    const comma = inner[2]!.indexOf(',');
    return {
      kind: 'map',
      key: parseType(inner[2]!.slice(0, comma)),
      of: parseType(inner[2]!.slice(comma + 1)),
    };
  }
  if (inner) return { kind: inner[1] as 'list' | 'optional', of: parseType(inner[2]!) };
  if (/^[A-Z]$/.test(text)) return { kind: 'param', name: text };
  const opaque = OPAQUE[text];
  return opaque ? { kind: 'opaque', name: opaque } : plain(text as 'int');
}

/** The one type that all have; dyn when they differ. */
export function joined(types: readonly Type[]): Type {
  const [first, ...rest] = types;
  return first && rest.every((one) => nameOfType(one) === nameOfType(first)) ? first : DYN;
}
