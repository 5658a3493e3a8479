import { setOwn } from '../schema/share.ts';
import { below, type FieldSet, isEmpty, isMember } from './field-set.ts';
import { fieldElement } from './path-element.ts';
import { isObject, type ListShape, resolve, type Shape, shapeBelow } from './shape.ts';

/**
 * `live` with what `config` says: objects and maps merge, keyed lists and sets merge item by item in the order of
 * `config` where the two differ, everything else is the configuration's.
 */
export function merge(shape: Shape, live: unknown, config: unknown): unknown {
  if (config === undefined) return live;
  if (live === undefined) return config;
  const actual = resolve(shape, config ?? live);
  switch (actual.kind) {
    case 'struct':
    case 'map': {
      if ((live !== null && !isObject(live)) || (config !== null && !isObject(config))) return config;
      const [old, next] = [live ?? {}, config ?? {}];
      if (Object.keys(old).length === 0 && Object.keys(next).length === 0) return config;
      const result: Record<string, unknown> = { ...old };
      for (const name of Object.keys(next)) {
        const before = Object.hasOwn(old, name) ? old[name] : undefined;
        setOwn(result, name, merge(shapeBelow(actual, fieldElement(name)), before, next[name]));
      }
      return result;
    }
    case 'list': {
      const [old, next] = [live ?? [], config ?? []];
      if (!Array.isArray(old) || !Array.isArray(next)) return config;
      if (old.length === 0 && next.length === 0) return config;
      return mergeLists(actual, old, next);
    }
    default:
      return config;
  }
}

function mergeLists(shape: ListShape, live: readonly unknown[], config: readonly unknown[]): unknown[] {
  const old = indexed(shape, live);
  const next = indexed(shape, config);
  // A live item that stands twice is not merged with: the configuration's takes the place of both.
  const mergeItem = (element: string) => merge(shape.of, old.items.get(element), next.items.get(element));
  const shared = next.order.filter((element) => old.items.has(element));
  const merged = new Set<string>();
  const result: unknown[] = [];
  let nextShared = shared.shift();
  let l = 0;
  let r = 0;
  while (l < old.order.length || r < next.order.length) {
    const left = old.order[l];
    const right = next.order[r];
    if (left !== undefined && right !== undefined) {
      if (left === right) {
        merged.add(left);
        result.push(mergeItem(left));
        l++;
        r++;
        nextShared = shared.shift();
        continue;
      }
      if (next.items.has(left) && nextShared !== undefined && nextShared !== left) {
        // Shared, but another shared item has to come first.
        l++;
        continue;
      }
    }
    if (left !== undefined) {
      if (!next.items.has(left)) {
        result.push(live[old.places[l]!]);
        l++;
        continue;
      }
      if (merged.has(left)) l++;
    }
    if (right !== undefined) {
      merged.add(right);
      result.push(mergeItem(right));
      r++;
      if (nextShared === right) nextShared = shared.shift();
    }
  }
  return result;
}

interface Indexed {
  readonly order: readonly string[];
  /** Where in the list each of `order` stands. */
  readonly places: readonly number[];
  readonly items: ReadonlyMap<string, unknown>;
}

function indexed(shape: ListShape, list: readonly unknown[]): Indexed {
  const order: string[] = [];
  const places: number[] = [];
  const items = new Map<string, unknown>();
  list.forEach((item, index) => {
    const element = shape.elementOf(item) ?? `i:${index}`;
    order.push(element);
    places.push(index);
    items.set(element, items.has(element) ? undefined : item);
  });
  return { order, places, items };
}

/** `value` without the members of `set`; what is emptied by it becomes null. */
export function removeFields(shape: Shape, value: unknown, set: FieldSet): unknown {
  const actual = resolve(shape, value);
  switch (actual.kind) {
    case 'struct':
    case 'map': {
      if (!isObject(value)) return null;
      const kept: Record<string, unknown> = {};
      for (const name of Object.keys(value)) {
        const element = fieldElement(name);
        const node = below(set, element);
        if (node && isMember(node)) continue;
        const item = value[name];
        setOwn(kept, name, node ? removeFields(shapeBelow(actual, element), item, node) : item);
      }
      return Object.keys(kept).length > 0 ? kept : null;
    }
    case 'list': {
      if (!Array.isArray(value)) return null;
      const kept = value.flatMap((item) => {
        const element = actual.elementOf(item);
        const node = element === undefined ? undefined : below(set, element);
        if (!node) return [item];
        return isMember(node) ? [] : [removeFields(actual.of, item, node)];
      });
      return kept.length > 0 ? kept : null;
    }
    default:
      // A plain value stays; what lies below an atomic value cannot go by itself.
      return isEmpty(set) || !(isObject(value) || Array.isArray(value)) ? value : null;
  }
}
