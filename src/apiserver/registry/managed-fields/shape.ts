import { type FieldType, findModel, type Model, modelOfKind } from '../schema/index.ts';
import { keyElement, valueElement } from './path-element.ts';
import {
  ATOMIC_FIELDS,
  ATOMIC_MODELS,
  GRANULAR_FIELDS,
  KEY_DEFAULTS,
  LIST_KEYS,
  SETS,
  topologyOf,
} from './topology.ts';

export type Json = Readonly<Record<string, unknown>>;

/**
 * How a value merges. `leaf`: as one value. `struct`: field by field, the fields known; `map`: entry by entry; `list`:
 * item by item, each found by `elementOf`. `deduced`: no schema, an object merges entry by entry, the rest is a leaf.
 */
export type Shape =
  | { readonly kind: 'leaf'; readonly holds?: 'object' | 'map' | 'list' }
  | { readonly kind: 'deduced' }
  | { readonly kind: 'struct'; readonly field: (name: string) => Shape | undefined }
  | { readonly kind: 'map'; readonly of: Shape }
  | ListShape;

export interface ListShape {
  readonly kind: 'list';
  readonly of: Shape;
  /** The keys of its items; none for a set. */
  readonly keys: readonly string[];
  /** The path element of an item; `undefined` when it has none of the keys. */
  readonly elementOf: (item: unknown) => string | undefined;
}

export const DEDUCED: Shape = { kind: 'deduced' };
const LEAF: Shape = { kind: 'leaf' };
const DEDUCED_MAP: Shape = { kind: 'map', of: DEDUCED };

/** The shape of a kind's objects. */
export function shapeOfKind(group: string, version: string, kind: string): Shape {
  const model = modelOfKind(group, version, kind);
  return model ? structOf(model) : DEDUCED;
}

/** The shape that a value of this shape has: what is deduced, is decided. */
export function resolve(shape: Shape, value: unknown): Shape {
  if (shape.kind !== 'deduced') return shape;
  return isObject(value) ? DEDUCED_MAP : LEAF;
}

/** The shape of what stands at a path element below a shape. */
export function shapeBelow(shape: Shape, element: string): Shape {
  switch (shape.kind) {
    case 'struct':
      return shape.field(element.slice(2)) ?? DEDUCED;
    case 'map':
    case 'list':
      return shape.of;
    default:
      return DEDUCED;
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const structs = new Map<Model, Shape>();

function structOf(model: Model): Shape {
  let shape = structs.get(model);
  if (!shape) {
    const fields = new Map<string, Shape>();
    shape = {
      kind: 'struct',
      field: (name) => {
        const type = model.fields.get(name)?.type;
        if (!type) return undefined;
        let field = fields.get(name);
        if (!field) {
          field = shapeOfField(model, name, type);
          fields.set(name, field);
        }
        return field;
      },
    };
    structs.set(model, shape);
  }
  return shape;
}

function shapeOfField(model: Model, name: string, type: FieldType): Shape {
  if (topologyOf(ATOMIC_FIELDS, model.name, name)) return { kind: 'leaf', holds: 'map' };
  if (type.kind === 'array') {
    const keys = topologyOf(LIST_KEYS, model.name, name);
    if (keys) return keyedList(keys, shapeOfType(type.of));
    if (topologyOf(SETS, model.name, name))
      return { kind: 'list', of: LEAF, keys: [], elementOf: valueElement };
  }
  if (type.kind === 'ref' && topologyOf(GRANULAR_FIELDS, model.name, name)) {
    const inner = findModel(type.model);
    if (inner) return structOf(inner);
  }
  return shapeOfType(type);
}

function keyedList(keys: readonly string[], of: Shape): ListShape {
  const elementOf = (item: unknown) => (isObject(item) ? keyElement(item, keys, KEY_DEFAULTS) : undefined);
  return { kind: 'list', of, keys, elementOf };
}

function shapeOfType(type: FieldType): Shape {
  switch (type.kind) {
    case 'ref': {
      if (ATOMIC_MODELS.has(type.model)) return { kind: 'leaf', holds: 'object' };
      const model = findModel(type.model);
      return model ? structOf(model) : DEDUCED;
    }
    case 'map':
      return { kind: 'map', of: shapeOfType(type.of) };
    case 'array':
      return { kind: 'leaf', holds: 'list' };
    case 'any':
      return DEDUCED;
    default:
      return LEAF;
  }
}
