import { isDeepStrictEqual } from 'node:util';
import { type FieldSet, FieldSetBuilder } from './field-set.ts';
import { fieldElement } from './path-element.ts';
import { isObject, type Json, type ListShape, resolve, type Shape, shapeBelow } from './shape.ts';

/** How one version differs from another, as sets of fields. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Compares two versions. Parts that are the same object are skipped: the cost is that of what changed. */
export function compare(shape: Shape, before: unknown, after: unknown): Comparison {
  const walk = new CompareWalk();
  walk.value(shape, before, after);
  return { added: walk.added.build(), modified: walk.modified.build(), removed: walk.removed.build() };
}

class CompareWalk {
  readonly added = new FieldSetBuilder();
  readonly modified = new FieldSetBuilder();
  readonly removed = new FieldSetBuilder();
  readonly #path: string[] = [];

  value(shape: Shape, before: unknown, after: unknown): void {
    if (before === after) return;
    const actual = resolve(shape, after ?? before);
    if (actual.kind === 'leaf' || actual.kind === 'deduced') {
      this.#leaf(shape, before, after);
      return;
    }
    if (actual.kind === 'list') {
      const [old, next] = [asList(before), asList(after)];
      if (old.length === 0 && next.length === 0) {
        this.#leaf(shape, before, after);
        return;
      }
      this.#items(actual, old, next);
    } else {
      // Only without a schema: an object has become a plain value, or the other way round.
      if (shape.kind === 'deduced' && before !== undefined && before !== null && !isObject(before)) {
        this.#leaf(shape, before, after);
        return;
      }
      const [old, next] = [asObject(before), asObject(after)];
      if (isBare(old) && isBare(next)) {
        this.#leaf(shape, before, after);
        return;
      }
      for (const name of Object.keys(old)) this.#field(actual, name, old[name], next[name]);
      for (const name of Object.keys(next))
        if (!Object.hasOwn(old, name)) this.#field(actual, name, undefined, next[name]);
    }
    if (before === undefined) this.added.add(this.#path);
    else if (after === undefined) this.removed.add(this.#path);
  }

  #field(shape: Shape, name: string, before: unknown, after: unknown): void {
    const element = fieldElement(name);
    this.#path.push(element);
    this.value(shapeBelow(shape, element), before, after);
    this.#path.pop();
  }

  #items(shape: ListShape, before: readonly unknown[], after: readonly unknown[]): void {
    const [old, next] = [byElement(shape, before), byElement(shape, after)];
    for (const element of new Set([...old.keys(), ...next.keys()])) {
      const [was, is] = [old.get(element) ?? [], next.get(element) ?? []];
      this.#path.push(element);
      if (was.length <= 1 && is.length <= 1) this.value(shape.of, was[0], is[0]);
      // Items that stand in a list twice count as one value.
      else if (was.length >= 2 && is.length >= 2) {
        if (!isDeepStrictEqual(was, is)) this.modified.add(this.#path);
      } else if (was.length >= 2) {
        if (is.length > 0) this.value(shape.of, undefined, is[0]);
        this.removed.add(this.#path);
      } else {
        if (was.length > 0) this.value(shape.of, was[0], undefined);
        this.added.add(this.#path);
      }
      this.#path.pop();
    }
  }

  #leaf(shape: Shape, before: unknown, after: unknown): void {
    if (before === undefined && isDropped(shape, after)) return;
    if (before === undefined) this.added.add(this.#path);
    else if (after === undefined) this.removed.add(this.#path);
    else if (!isSame(before, after)) this.modified.add(this.#path);
  }
}

/** Two values that are not one. Most are plain, and then differ. */
function isSame(before: unknown, after: unknown): boolean {
  return typeof before === 'object' && typeof after === 'object' && isDeepStrictEqual(before, after);
}

/** Whether the server would not store the value: setting it where nothing is changes nothing. */
function isDropped(shape: Shape, value: unknown): boolean {
  if (shape.kind === 'deduced') return false;
  if (value === null) return true;
  if (shape.kind === 'map' || (shape.kind === 'leaf' && shape.holds === 'map'))
    return isObject(value) && isBare(value);
  return Array.isArray(value) && value.length === 0;
}

function byElement(shape: ListShape, list: readonly unknown[]): Map<string, unknown[]> {
  const items = new Map<string, unknown[]>();
  for (const item of list) {
    const element = shape.elementOf(item);
    if (element === undefined) continue;
    const known = items.get(element);
    if (known) known.push(item);
    else items.set(element, [item]);
  }
  return items;
}

const NOTHING: Json = {};
const asObject = (value: unknown): Json => (isObject(value) ? value : NOTHING);
const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function isBare(value: Json): boolean {
  for (const _ in value) return false;
  return true;
}
