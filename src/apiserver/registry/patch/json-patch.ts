import { isTooDeep, TOO_DEEP } from '../depth.ts';
import { isObject } from './merge-patch.ts';

/** A patch that cannot be applied; upstream answers 422 to a JSON patch that does not fit. */
export class PatchError extends Error {
  override name = 'PatchError';
}

type Json = unknown;

/** What the copies of one patch may add up to, in bytes of JSON: each may copy what the one before has copied (JSONPatchMaxCopyBytes). */
const MAX_COPIED_BYTES = 3 * 1024 * 1024;

/**
 * A document after a JSON patch; the document itself stays as it is. Where upstream's library (evanphx/json-patch v4)
 * takes more than RFC 6902 does, so does this: `replace` makes a key that is absent, what is absent tests and copies as
 * null, -1 is the last item, an operation without a value sets null.
 * @throws PatchError
 */
export function jsonPatch(document: Json, patch: unknown): Json {
  if (!Array.isArray(patch)) throw new PatchError('a JSON patch must be a list of operations');
  let copied = 0;
  const count = (value: Json) => {
    copied += JSON.stringify(value).length;
    if (copied > MAX_COPIED_BYTES)
      throw new PatchError(`the copies of a JSON patch may add up to ${MAX_COPIED_BYTES} bytes`);
  };
  return patch.reduce<Json>((result, operation) => apply(result, operation, count), document);
}

function apply(document: Json, operation: unknown, countCopy: (value: Json) => void): Json {
  const given = isObject(operation) ? operation : {};
  const { op } = given;
  const path = text(given, 'path');
  const value = given.value ?? null;
  switch (op) {
    case 'add':
      return put(document, place(path), value, add);
    case 'remove':
      return change(document, place(path), remove);
    case 'replace':
      if (path === '') return whole(value);
      return put(document, place(path), value, replace);
    case 'move': {
      const from = place(text(given, 'from'));
      const moved = read(document, from);
      return put(change(document, from, remove), place(path), moved, add);
    }
    case 'copy': {
      const copy = read(document, place(text(given, 'from')));
      countCopy(copy);
      return put(document, place(path), copy, add);
    }
    case 'test':
      if (!same(path === '' ? document : read(document, place(path)), value))
        throw new PatchError(`testing value ${path} failed`);
      return document;
    default:
      throw new PatchError(`unexpected kind: ${String(op)}`);
  }
}

function text(operation: Readonly<Record<string, unknown>>, name: 'path' | 'from'): string {
  const value = operation[name];
  if (typeof value === 'string') return value;
  throw new PatchError(`operation missing ${name} field`);
}

/** A place in a document: the steps to what it is in, and its key there. What stands before the first slash is nothing. */
interface Place {
  readonly steps: readonly string[];
  readonly key: string;
}

function place(path: string): Place {
  const [, ...steps] = path.split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  const key = steps.pop();
  if (key === undefined) throw new PatchError(`doc is missing path: ${JSON.stringify(path)}`);
  return { steps, key };
}

function whole(value: Json): Json {
  if (typeof value === 'object' && value !== null) return value;
  throw new PatchError('replace operation value must be object or array');
}

function read(document: Json, { steps, key }: Place): Json {
  return steps.concat(key).reduce(get, document) ?? null;
}

function get(parent: Json, key: string): Json {
  if (Array.isArray(parent)) return parent[indexOf(key, parent.length, parent.length - 1)];
  if (isObject(parent)) return Object.hasOwn(parent, key) ? parent[key] : undefined;
  throw new PatchError(`nothing can be at ${key}`);
}

/** The document with a value at a place, which may nest it deeper by many operations than a body could. */
function put(
  document: Json,
  at: Place,
  value: Json,
  how: (parent: Parent, key: string, value: Json) => Json,
): Json {
  if (isTooDeep(value, at.steps.length + 1)) throw new PatchError(TOO_DEEP);
  return change(document, at, (parent, key) => how(parent, key, value));
}

type Parent = readonly Json[] | Readonly<Record<string, Json>>;
type Edit = (parent: Parent, key: string) => Json;

/** The document with one of its parts edited; all on the way there is new, the rest is shared. */
function change(document: Json, { steps, key }: Place, edit: Edit): Json {
  const [step, ...rest] = steps;
  if (step === undefined) {
    if (Array.isArray(document) || isObject(document)) return edit(document, key);
    throw new PatchError(`nothing can be at ${key}`);
  }
  const below = change(get(document, step), { steps: rest, key }, edit);
  return replace(document as Parent, step, below);
}

function add(parent: Parent, key: string, value: Json): Json {
  if (!Array.isArray(parent)) return withKey(parent as Readonly<Record<string, Json>>, key, value);
  const size = parent.length + 1;
  return parent.toSpliced(key === '-' ? parent.length : indexOf(key, size, parent.length), 0, value);
}

function remove(parent: Parent, key: string): Json {
  if (Array.isArray(parent)) return parent.toSpliced(indexOf(key, parent.length, parent.length - 1), 1);
  if (!Object.hasOwn(parent, key)) throw new PatchError(`Unable to remove nonexistent key: ${key}`);
  const { [key]: _removed, ...kept } = parent as Readonly<Record<string, Json>>;
  return kept;
}

function replace(parent: Parent, key: string, value: Json): Json {
  return Array.isArray(parent)
    ? parent.with(indexOf(key, parent.length, parent.length - 1), value)
    : withKey(parent as Readonly<Record<string, Json>>, key, value);
}

/** A computed key is an own one, whatever its name; a null stays for later operations to see. */
function withKey(parent: Readonly<Record<string, Json>>, key: string, value: Json): Json {
  return { ...parent, [key]: value };
}

/** The index that a key means (strconv.Atoi); a negative one counts from the end of `size` items. */
function indexOf(key: string, size: number, highest: number): number {
  const given = /^[+-]?\d+$/.test(key) ? Number(key) : Number.NaN;
  const index = given < 0 ? given + size : given;
  if (index >= 0 && index <= highest) return index;
  throw new PatchError(`Unable to access invalid index: ${key}`);
}

function same(a: Json, b: Json): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]))
  );
}
