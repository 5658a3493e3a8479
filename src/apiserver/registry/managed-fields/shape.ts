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
  | LeafShape
  | { readonly kind: 'deduced' }
  | { readonly kind: 'struct'; readonly field: (name: string) => Shape | undefined }
  | { readonly kind: 'map'; readonly of: Shape }
  | ListShape;

export interface LeafShape {
  readonly kind: 'leaf';
  readonly holds?: 'object' | 'map' | 'list';
  /** The shape of the object, or of the items, that it holds. */
  readonly of?: Shape;
  /** What plain value it is; absent: any. */
  readonly scalar?: Scalar;
}

/** The types of plain values as structured-merge-diff tells them apart; 'any' of them is what has a format. */
export type Scalar = 'numeric' | 'string' | 'boolean' | 'any';

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

const SCALAR_OF_TYPE: Readonly<Partial<Record<FieldType['kind'], Scalar>>> = {
  string: 'string',
  bytes: 'string',
  bool: 'boolean',
  int32: 'numeric',
  int64: 'numeric',
  double: 'numeric',
  time: 'any',
  microtime: 'any',
  quantity: 'any',
};
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
  if (topologyOf(ATOMIC_FIELDS, model.name, name))
    return { kind: 'leaf', holds: 'map', of: shapeOfType(type) };
  if (type.kind === 'array') {
    const keys = topologyOf(LIST_KEYS, model.name, name);
    if (keys) return keyedList(keys, type.of);
    if (topologyOf(SETS, model.name, name))
      return { kind: 'list', of: shapeOfType(type.of), keys: [], elementOf: valueElement };
  }
  if (type.kind === 'ref' && topologyOf(GRANULAR_FIELDS, model.name, name)) {
    const inner = findModel(type.model);
    if (inner) return structOf(inner);
  }
  return shapeOfType(type);
}

function keyedList(keys: readonly string[], items: FieldType): ListShape {
  const model = items.kind === 'ref' ? findModel(items.model) : undefined;
  const defaults = Object.fromEntries(keys.map((key) => [key, model && keyDefault(model, key)]));
  const elementOf = (item: unknown) => (isObject(item) ? keyElement(item, keys, defaults) : undefined);
  return { kind: 'list', of: shapeOfType(items), keys, elementOf };
}

/** What a key is that an item leaves out: nothing, as Go has it, when the item must have one. */
function keyDefault(model: Model, key: string): unknown {
  const field = model.fields.get(key);
  if (field?.required) return field.type.kind === 'string' ? '' : 0;
  return topologyOf(KEY_DEFAULTS, model.name, key);
}

function shapeOfType(type: FieldType): Shape {
  switch (type.kind) {
    case 'ref': {
      const model = findModel(type.model);
      if (ATOMIC_MODELS.has(type.model))
        return { kind: 'leaf', holds: 'object', of: model && structOf(model) };
      return model ? structOf(model) : DEDUCED;
    }
    case 'map':
      return { kind: 'map', of: shapeOfType(type.of) };
    case 'array':
      return { kind: 'leaf', holds: 'list', of: shapeOfType(type.of) };
    case 'any':
      return DEDUCED;
    default: {
      const scalar = SCALAR_OF_TYPE[type.kind];
      return scalar ? { kind: 'leaf', scalar } : LEAF;
    }
  }
}
