import type { FieldSet } from './field-set.ts';
import { fieldElement } from './path-element.ts';
import { isObject, resolve, type Shape, shapeBelow } from './shape.ts';

/** Past so many outlines the remembered ones are dropped: their number is the clients' choice. */
const MAX_REMEMBERED = 1024;
/** Characters; a longer outline is not remembered. */
const MAX_LENGTH = 4096;

/**
 * Which fields an object has, as text, without their values: objects with the same outline have the same set of
 * fields. Names are written with their length, so different outlines are different texts.
 */
export function outlineOf(shape: Shape, value: unknown): string {
  const actual = resolve(shape, value);
  switch (actual.kind) {
    case 'struct':
    case 'map': {
      if (!isObject(value)) return '';
      let text = '{';
      for (const name of Object.keys(value)) {
        const item = value[name];
        if (item === undefined) continue;
        const below =
          typeof item === 'object' && item !== null
            ? outlineOf(shapeBelow(actual, fieldElement(name)), item)
            : '';
        text += `${name.length}:${name}${below}`;
      }
      return `${text}}`;
    }
    case 'list': {
      if (!Array.isArray(value)) return '';
      let text = '[';
      for (const item of value) {
        const element = actual.elementOf(item) ?? '';
        text += `${element.length}:${element}${outlineOf(actual.of, item)}`;
      }
      return `${text}]`;
    }
    default:
      return '';
  }
}

const remembered = new WeakMap<Shape, Map<string, FieldSet>>();

/**
 * `make()`, made once for all objects of this outline: clients make many objects that differ in their values alone,
 * and those then share one set.
 */
export function rememberedSet(shape: Shape, object: unknown, make: () => FieldSet): FieldSet {
  const outline = outlineOf(shape, object);
  if (outline.length > MAX_LENGTH) return make();
  let sets = remembered.get(shape);
  if (!sets) {
    sets = new Map();
    remembered.set(shape, sets);
  }
  let set = sets.get(outline);
  if (!set) {
    set = make();
    if (sets.size >= MAX_REMEMBERED) sets.clear();
    sets.set(outline, set);
  }
  return set;
}
