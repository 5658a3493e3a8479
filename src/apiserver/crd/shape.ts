import { keyElement, valueElement } from '../registry/managed-fields/path-element.ts';
import { DEDUCED, isObject, type Scalar, type Shape, shapeOfKind } from '../registry/managed-fields/shape.ts';
import type { Structural } from './structural.ts';

const LEAF: Shape = { kind: 'leaf' };

const SCALAR_OF_TYPE: Readonly<Record<string, Scalar | undefined>> = {
  boolean: 'boolean',
  integer: 'numeric',
  number: 'numeric',
  string: 'string',
};
/** A text of any other format is any plain value (kube-openapi schemaconv). */
const TEXT_FORMATS: readonly unknown[] = [undefined, '', 'byte'];

/** How objects of a schema merge in server-side apply: lists by x-kubernetes-list-type, objects by -map-type. */
export function shapeOfSchema(root: Structural): Shape {
  const spec = shapeOf(root);
  if (spec.kind !== 'struct') return spec;
  const metadata = shapeOfKind('', 'v1', 'ObjectMeta');
  return {
    kind: 'struct',
    field: (name) =>
      name === 'metadata' ? metadata : name === 'apiVersion' || name === 'kind' ? LEAF : spec.field(name),
  };
}

function shapeOf(node: Structural): Shape {
  if (node.intOrString) return LEAF;
  if (node.items) return shapeOfList(node, node.items);
  if (node.type === 'array') return { kind: 'leaf', holds: 'list' };
  if (node.mapType === 'atomic') return { kind: 'leaf', holds: 'map', of: shapeOfObject(node) };
  return shapeOfObject(node);
}

function shapeOfObject(node: Structural): Shape {
  if (typeof node.additional === 'object') return { kind: 'map', of: shapeOf(node.additional) };
  if (node.properties.size > 0 || (node.type === 'object' && !node.preserves)) return structOf(node);
  if (node.preserves || node.type === '' || node.type === 'object') return DEDUCED;
  const scalar =
    node.type === 'string' && !TEXT_FORMATS.includes(node.schema.format) ? 'any' : SCALAR_OF_TYPE[node.type];
  return scalar ? { kind: 'leaf', scalar } : LEAF;
}

function structOf(node: Structural): Shape {
  const fields = new Map<string, Shape>();
  return {
    kind: 'struct',
    field: (name) => {
      const property = node.properties.get(name);
      if (!property) return node.preserves || node.additional === true || node.embedded ? DEDUCED : undefined;
      let shape = fields.get(name);
      if (!shape) {
        shape = shapeOf(property);
        fields.set(name, shape);
      }
      return shape;
    },
  };
}

function shapeOfList({ listType, listMapKeys }: Structural, items: Structural): Shape {
  if (listType === 'set') return { kind: 'list', of: shapeOf(items), keys: [], elementOf: valueElement };
  if (listType !== 'map') return { kind: 'leaf', holds: 'list', of: shapeOf(items) };
  const keys = [...listMapKeys].sort();
  const defaults = Object.fromEntries(keys.map((key) => [key, items.properties.get(key)?.default]));
  const elementOf = (item: unknown) => (isObject(item) ? keyElement(item, keys, defaults) : undefined);
  return { kind: 'list', of: shapeOf(items), keys, elementOf };
}
