import { badRequest, statusFailure } from '../../../kube/index.ts';
import { type FieldType, findModel, type Model } from '../schema/models.ts';
import { setOwn } from '../schema/share.ts';
import { goValue } from './go-value.ts';
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
 * @throws StatusError 400 for keys that are not retained, 500 in upstream's words for what else makes no sense
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
  if (directive !== undefined && directive !== 'merge') throw unknownDirective(directive, patch);

  const result: Record<string, unknown> = { ...retained(document, patch) };
  for (const [name, value] of Object.entries(patch)) {
    if (name === DIRECTIVE || name === RETAIN_KEYS) continue;
    if (name.startsWith(DELETE_PRIMITIVES)) {
      const list = name.slice(DELETE_PRIMITIVES.length);
      const before = result[list];
      if (!Array.isArray(before)) continue;
      const gone = new Set(asList(value));
      checkItems([...before], [...gone]);
      result[list] = before.filter((item) => !gone.has(item));
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
    const merged = result[list];
    if (merged === undefined) continue;
    checkOrder(asList(order), asList(patch[list] ?? []), asList(merged), key);
    if (key === undefined) continue;
    const before = document[list];
    result[list] = inOrder(asList(merged), Array.isArray(before) ? before : [], asList(order), key);
  }
  return result;
}

function mergeField(model: Model | undefined, name: string, old: unknown, value: unknown): unknown {
  const type = model?.fields.get(name)?.type;
  if (Array.isArray(value)) {
    const key = mergeKey(model, name);
    const items = elementModel(type);
    if (key === undefined) return value.map((item) => (isObject(item) ? clean(items, item) : item));
    // Where there is nothing to merge with, the patch's list is the list.
    if (!Array.isArray(old))
      return value.flatMap((item) =>
        isObject(item) ? (isDirective(item) ? [] : [clean(items, item)]) : [item],
      );
    checkItems(old, value);
    if (key === '') return inOrder(mergeSet(old, value), old, value, key);
    return mergeList(items, old, value as readonly Item[], key);
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
  items: readonly Item[],
  key: string,
): unknown[] {
  for (const item of items) {
    const directive = item[DIRECTIVE];
    if (directive === 'merge') throw senseless('merging lists cannot yet be specified in the patch');
    if (directive !== undefined && directive !== 'delete' && directive !== 'replace')
      throw unknownDirective(directive, item);
  }
  const replaced = items.some((item) => item[DIRECTIVE] === 'replace');
  if (replaced) {
    return items.filter((item) => item[DIRECTIVE] === undefined).map((item) => clean(model, item));
  }
  let result = [...before];
  for (const item of items) {
    const id = item[key];
    if (id === undefined) throw withoutKey(item, key);
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
  if (!Array.isArray(keys)) throw badRequest(BAD_RETAIN_KEYS);
  const kept = new Set(keys);
  for (const name of Object.keys(patch)) {
    if (!name.startsWith('$') && patch[name] !== null && !kept.has(name)) {
      throw badRequest(BAD_RETAIN_KEYS);
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

function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw senseless(
    `expected a []interface {}, but received a ${isObject(value) ? 'map[string]interface {}' : typeof value}`,
  );
}

const isDirective = (item: Item) => Object.hasOwn(item, DIRECTIVE);

/** Lists are of objects or of plain values of one type, and a patch's like the one that it is merged into. */
function checkItems(before: readonly unknown[], added: readonly unknown[]): void {
  const kinds = [...before, ...added].map((item) =>
    isObject(item) ? 'map' : item === null ? 'nil' : typeof item,
  );
  if (new Set(kinds).size > 1)
    throw senseless(`list element types are not identical: ${goValue([before, added])}`);
}

/** A patch with an order names its own items in that order. */
function checkOrder(
  order: readonly unknown[],
  patch: readonly unknown[],
  merged: readonly unknown[],
  key: string | undefined,
): void {
  const idOf = (item: unknown, index: number) => {
    if (!key) return item;
    if (!isObject(item)) {
      if (merged.some(isObject)) throw senseless(`value for key ${index} is not a map`);
      return item;
    }
    if (item[key] === undefined) throw withoutKey(item, key);
    return item[key];
  };
  const wanted = order.map(idOf);
  const named = patch.filter((item) => !isObject(item) || !isDirective(item)).map(idOf);
  let at = 0;
  for (const id of wanted) if (at < named.length && named[at] === id) at++;
  if (wanted.length > 0 && at < named.length)
    throw senseless(
      `The order in patch list:\n${goValue(patch)}\n doesn't match $setElementOrder list:\n${goValue(order)}\n`,
    );
}

const BAD_RETAIN_KEYS = 'invalid patch format of retainKeys';

/** Upstream has no status of its own for these: they are the server's errors. */
const senseless = (why: string) => statusFailure(500, '', why);

const withoutKey = (item: Item, key: string) =>
  senseless(`map: ${goValue(item)} does not contain declared merge key: ${key}`);

const unknownDirective = (directive: unknown, item: Item) => {
  const shown = typeof directive === 'string' ? directive : `%!s(${goType(directive)}=${goValue(directive)})`;
  return senseless(`unknown patch type: ${shown} in map: ${goValue(item)}`);
};

function goType(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int64' : 'float64';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}
