import { KEPT_ZEROS } from './kept-zeros.ts';
import { MODELS } from './models.generated.ts';

/** What a field holds. `ref` names another model; the scalars are Go's, because messages name them. */
export type FieldType =
  | { readonly kind: 'string' | 'bool' | 'int32' | 'int64' | 'double' | 'any' }
  | { readonly kind: 'bytes' | 'time' | 'microtime' | 'int-or-string' | 'quantity' }
  | { readonly kind: 'array' | 'map'; readonly of: FieldType }
  | { readonly kind: 'ref'; readonly model: string };

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly required: boolean;
  /** A "", 0 or false is no field: Go's type cannot tell it from none. */
  readonly omitsZero: boolean;
}

/** An object type of the API: its fields by name. */
export interface Model {
  /** As @kubernetes/client-node calls it, e.g. V1PodSpec. */
  readonly name: string;
  /** As Go calls it, e.g. PodSpec. */
  readonly goName: string;
  readonly fields: ReadonlyMap<string, Field>;
}

/** Kinds that Go holds by value unless it is told otherwise. */
const ONE_VALUE: ReadonlySet<string> = new Set(['string', 'bool', 'int32', 'int64', 'double', 'bytes']);

const parsed = new Map<string, Model>();

/** The model of a name such as V1PodSpec; `undefined` when the schemas have none. Parsed on first use. */
export function findModel(name: string): Model | undefined {
  const known = parsed.get(name);
  if (known) return known;
  const text = Object.hasOwn(MODELS, name) ? MODELS[name] : undefined;
  if (text === undefined) return undefined;
  const fields = new Map<string, Field>();
  const kept = new Set(Object.hasOwn(KEPT_ZEROS, name) ? KEPT_ZEROS[name]!.split(' ') : []);
  for (const part of text === '' ? [] : text.split('; ')) {
    const space = part.indexOf(' ');
    const required = part[space - 1] === '!';
    const field = part.slice(0, required ? space - 1 : space);
    const type = parseType(part.slice(space + 1));
    const omitsZero = !required && ONE_VALUE.has(type.kind) && !kept.has(field);
    fields.set(field, { name: field, type, required, omitsZero });
  }
  const model: Model = { name, goName: goNameOf(name), fields };
  parsed.set(name, model);
  return model;
}

/** Every model's name. */
export function modelNames(): readonly string[] {
  return Object.keys(MODELS);
}

/** The model of a kind, e.g. ('', 'v1', 'Pod') is V1Pod. */
export function modelOfKind(group: string, version: string, kind: string): Model | undefined {
  const prefix = version.charAt(0).toUpperCase() + version.slice(1);
  const area = group === '' ? 'Core' : group.charAt(0).toUpperCase() + group.split('.')[0]!.slice(1);
  return findModel(`${prefix}${kind}`) ?? findModel(`${area}${prefix}${kind}`);
}

function goNameOf(model: string): string {
  return model.replace(/^(?:[A-Z][a-z]+)?V\d+(?:(?:alpha|beta)\d+)?/, '');
}

function parseType(text: string): FieldType {
  if (text.startsWith('[]')) return { kind: 'array', of: parseType(text.slice(2)) };
  if (text.startsWith('{}')) return { kind: 'map', of: parseType(text.slice(2)) };
  if (/^[A-Z]/.test(text)) return { kind: 'ref', model: text };
  return { kind: text } as FieldType;
}

/** The Go type that a message of encoding/json names. */
export function goType(type: FieldType): string {
  switch (type.kind) {
    case 'array':
      return `[]${goType(type.of)}`;
    case 'map':
      return type.of.kind === 'quantity' ? 'v1.ResourceList' : `map[string]${goType(type.of)}`;
    case 'ref':
      return `v1.${goNameOf(type.model)}`;
    case 'bytes':
      return '[]uint8';
    case 'double':
      return 'float64';
    case 'time':
      return 'v1.Time';
    case 'microtime':
      return 'v1.MicroTime';
    case 'int-or-string':
      return 'intstr.IntOrString';
    case 'quantity':
      return 'resource.Quantity';
    case 'any':
      return 'interface {}';
    default:
      return type.kind;
  }
}
