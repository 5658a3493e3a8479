import {
  difference,
  EMPTY,
  elements,
  type FieldSet,
  FieldSetBuilder,
  isMember,
  makeNode,
} from './field-set.ts';
import { fieldElement } from './path-element.ts';
import { isObject, resolve, type Shape, shapeBelow } from './shape.ts';

/** The fields that a configuration names: what its applier owns. */
export function fieldsOf(shape: Shape, value: unknown): FieldSet {
  const set = new FieldSetBuilder();
  walk(shape, value, [], set);
  return set.build();
}

function walk(shape: Shape, value: unknown, path: string[], set: FieldSetBuilder): void {
  const actual = resolve(shape, value);
  switch (actual.kind) {
    case 'struct':
    case 'map':
      if (!isObject(value)) return;
      for (const name of Object.keys(value)) {
        if (value[name] === undefined) continue;
        const known = actual.kind === 'struct' ? actual.field(name) : undefined;
        const item = value[name];
        path.push(fieldElement(name));
        walk(known ?? shapeBelow(actual, fieldElement(name)), item, path, set);
        const isBare = item === null || (isObject(item) && Object.keys(item).length === 0);
        if (isBare || !known) set.add(path);
        path.pop();
      }
      return;
    case 'list':
      if (!Array.isArray(value)) return;
      for (const item of value) {
        const element = actual.elementOf(item);
        if (element === undefined) continue;
        path.push(element);
        walk(actual.of, item, path, set);
        set.add(path);
        path.pop();
      }
      return;
    default:
      set.add(path);
  }
}

/** `set` with the known fields of objects that it only reaches into as members too; entries of maps are not added. */
export function withNamedFields(shape: Shape, set: FieldSet): FieldSet {
  return named(shape, set, false) ?? EMPTY;
}

function named(shape: Shape, node: FieldSet, member: boolean): FieldSet | undefined {
  const children = elements(node).map((element) => {
    const child = node[element]!;
    const inner = shapeBelow(shape, element);
    const isField = shape.kind === 'struct' && shape.field(element.slice(2)) !== undefined;
    return [element, named(inner, child, isMember(child) || isField) ?? EMPTY] as const;
  });
  return makeNode(member, children);
}

/** Fields that belong to nobody: the system writes them. */
const UNOWNED: FieldSet = (() => {
  const set = new FieldSetBuilder();
  for (const name of ['apiVersion', 'kind', 'metadata']) set.add([fieldElement(name)]);
  for (const name of [
    'name',
    'namespace',
    'creationTimestamp',
    'selfLink',
    'uid',
    'clusterName',
    'generation',
    'managedFields',
    'resourceVersion',
  ])
    set.add(['f:metadata', fieldElement(name)]);
  return set.build();
})();

export function ownable(set: FieldSet): FieldSet {
  return difference(set, UNOWNED);
}
