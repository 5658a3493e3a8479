import { type FieldType, findModel, type Model } from '../schema/models.ts';
import { setOwn } from '../schema/share.ts';
import { PatchError } from './json-patch.ts';
import { MERGE_KEYS } from './merge-keys.ts';
import { isObject } from './merge-patch.ts';

type Item = Readonly<Record<string, unknown>>;

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';
const ELEMENT_ORDER = '$setElementOrder/';

/**
 * A document after a strategic merge patch: like a merge patch, but lists of known keys merge item by item. Directives
 * as upstream: `$patch: delete|replace|merge`, `$retainKeys`, `$deleteFromPrimitiveList/x`, `$setElementOrder/x`.
 * @throws PatchError
 */
export function strategicMergePatch(model: Model | undefined, document: Item, patch: Item): Item {
  const merged = mergeObject(model, document, patch);
  return merged ?? {};
}

/** The merged object; `undefined` when the patch deletes it. */
function mergeObject(model: Model | undefined, document: Item, patch: Item): Item | undefined {
  const directive = patch[DIRECTIVE];
  if (directive === 'delete') return undefined;
  if (directive === 'replace') return clean(model, without(patch, DIRECTIVE));
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive);

  const result: Record<string, unknown> = { ...retained(document, patch) };
  for (const [name, value] of Object.entries(patch)) {
    if (name === DIRECTIVE || name === RETAIN_KEYS) continue;
    if (name.startsWith(DELETE_PRIMITIVES)) {
      const list = name.slice(DELETE_PRIMITIVES.length);
      const gone = new Set(asList(value, name));
      if (Array.isArray(result[list])) result[list] = result[list].filter((item) => !gone.has(item));
      continue;
    }
    // Ordering comes last: it is about the merged list.
    if (name.startsWith(ELEMENT_ORDER)) continue;
    if (value === null) delete result[name];
    else {
      const merged = mergeField(model, name, Object.hasOwn(result, name) ? result[name] : undefined, value);
      if (merged === undefined) delete result[name];
      else setOwn(result, name, merged);
    }
  }
  for (const [name, order] of Object.entries(patch)) {
    if (!name.startsWith(ELEMENT_ORDER)) continue;
    const list = name.slice(ELEMENT_ORDER.length);
    const key = mergeKey(model, list);
    if (Array.isArray(result[list]) && key !== undefined) {
      const before = document[list];
      result[list] = inOrder(result[list], Array.isArray(before) ? before : [], asList(order, name), key);
    }
  }
  return result;
}

function mergeField(model: Model | undefined, name: string, old: unknown, value: unknown): unknown {
  const type = model?.fields.get(name)?.type;
  if (Array.isArray(value)) {
    const key = mergeKey(model, name);
    const items = elementModel(type);
    if (key === undefined) return value.map((item) => (isObject(item) ? clean(items, item) : item));
    const before = Array.isArray(old) ? old : [];
    if (key === '') return inOrder(mergeSet(before, value), before, value, key);
    return mergeList(items, before, value, key, name);
  }
  if (!isObject(value)) return value;
  const inner = type?.kind === 'ref' ? findModel(type.model) : undefined;
  const values = type?.kind === 'map' ? elementModel(type) : undefined;
  return mergeObject(inner ?? mapModel(values), isObject(old) ? old : {}, value);
}

function mergeSet(before: readonly unknown[], added: readonly unknown[]): unknown[] {
  return [...before, ...added.filter((item) => !before.includes(item))];
}

function mergeList(
  model: Model | undefined,
  before: readonly unknown[],
  patch: readonly unknown[],
  key: string,
  name: string,
): unknown[] {
  const items = patch.map((item) => {
    if (isObject(item)) return item;
    throw new PatchError(`the items of ${name} must be objects`);
  });
  const replaced = items.some((item) => item[DIRECTIVE] === 'replace' && item[key] === undefined);
  if (replaced) {
    return items.filter((item) => item[DIRECTIVE] === undefined).map((item) => clean(model, item));
  }
  let result = [...before];
  for (const item of items) {
    const id = item[key];
    if (id === undefined)
      throw new PatchError(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const matches = (candidate: unknown) => isObject(candidate) && candidate[key] === id;
    const directive = item[DIRECTIVE];
    if (directive === 'delete') {
      result = result.filter((candidate) => !matches(candidate));
      continue;
    }
    const index = result.findIndex(matches);
    const merged = mergeObject(model, index < 0 ? {} : (result[index] as Item), item)!;
    if (index < 0) result.push(merged);
    else result[index] = merged;
  }
  return inOrder(result, before, items, key);
}

/**
 * The merged list with the items that the patch names in the patch's order, and those that only the server has among
 * them, each before the first named item that it stood before on the server (upstream's mergeSortedSlice).
 */
function inOrder(
  list: readonly unknown[],
  before: readonly unknown[],
  order: readonly unknown[],
  key: string,
): unknown[] {
  const idOf = (item: unknown) => (key === '' || !isObject(item) ? item : item[key]);
  const wanted = order.map(idOf);
  const byId = new Map(list.map((item) => [idOf(item), item]));
  const named = wanted.filter((id) => byId.has(id));
  const serverOnly = list.map(idOf).filter((id) => !wanted.includes(id));
  const placeBefore = new Map(before.map((item, index) => [idOf(item), index]));
  const result: unknown[] = [];
  while (serverOnly.length > 0 || named.length > 0) {
    const left = placeBefore.get(serverOnly[0]);
    const right = placeBefore.get(named[0]);
    const serverFirst =
      named.length === 0 ||
      (serverOnly.length > 0 && left !== undefined && right !== undefined && left < right);
    result.push(byId.get(serverFirst ? serverOnly.shift() : named.shift()));
  }
  return result;
}

/** With $retainKeys only the named fields of the old object stay. */
function retained(document: Item, patch: Item): Item {
  const keys = patch[RETAIN_KEYS];
  if (keys === undefined) return document;
  const kept = new Set(asList(keys, RETAIN_KEYS));
  for (const name of Object.keys(patch)) {
    if (!name.startsWith('$') && patch[name] !== null && !kept.has(name)) {
      throw new PatchError(
        `the $retainKeys list doesn't contain ${JSON.stringify(name)}, which the patch sets`,
      );
    }
  }
  return Object.fromEntries(Object.entries(document).filter(([name]) => kept.has(name)));
}

/** A new value without the patch's directives and nulls. */
function clean(model: Model | undefined, value: Item): Item {
  return mergeObject(model, {}, value) ?? {};
}

function mergeKey(model: Model | undefined, field: string): string | undefined {
  const keys = model && Object.hasOwn(MERGE_KEYS, model.name) ? MERGE_KEYS[model.name]! : undefined;
  return keys && Object.hasOwn(keys, field) ? keys[field] : undefined;
}

function elementModel(type: FieldType | undefined): Model | undefined {
  if (type?.kind !== 'array' && type?.kind !== 'map') return undefined;
  return type.of.kind === 'ref' ? findModel(type.of.model) : undefined;
}

/** A map's values are all of one model, whatever their names. */
function mapModel(values: Model | undefined): Model | undefined {
  if (!values) return undefined;
  const field = { name: '', required: false, type: { kind: 'ref', model: values.name } } as const;
  return { name: '', goName: '', fields: { get: () => field } as unknown as Model['fields'] };
}

function without(value: Item, name: string): Item {
  const { [name]: _, ...rest } = value;
  return rest;
}

function asList(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new PatchError(`${name} must be a list`);
}

const unknownDirective = (directive: unknown) =>
  new PatchError(`unknown patch directive ${JSON.stringify(directive)}; delete, merge and replace are known`);
