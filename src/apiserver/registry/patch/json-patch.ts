import { isTooDeep, TOO_DEEP } from '../depth.ts';
import { setOwn } from '../schema/share.ts';
import { isObject } from './merge-patch.ts';

/** A patch that cannot be applied; upstream answers 422 to a JSON patch that does not fit. */
export class PatchError extends Error {
  override name = 'PatchError';
}

type Json = unknown;
type Container = Json[] | Record<string, Json>;

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
  const draft = new Draft(document);
  for (const operation of patch) draft.apply(operation);
  // Many operations nest deeper than a body could.
  if (isTooDeep(draft.document)) throw new PatchError(TOO_DEEP);
  return draft.document;
}

/** A document in the making: what an operation changes is copied once, so that many operations cost no more than they say. */
class Draft {
  document: Json;
  /** Copies made here, which nobody else knows. */
  readonly #own = new WeakSet<object>();
  #copiedBytes = 0;

  constructor(document: Json) {
    this.document = document;
  }

  apply(operation: unknown): void {
    const given = isObject(operation) ? operation : {};
    const { op } = given;
    const path = text(given, 'path');
    const value = given.value ?? null;
    const put = (added: Json) => this.#edit(place(path), (parent, key) => add(parent, key, added));
    switch (op) {
      case 'add':
        put(value);
        break;
      case 'remove':
        this.#edit(place(path), remove);
        break;
      case 'replace':
        if (path === '') this.document = whole(value);
        else this.#edit(place(path), (parent, key) => replace(parent, key, value));
        break;
      case 'move': {
        const from = place(text(given, 'from'));
        const moved = read(this.document, from);
        this.#edit(from, remove);
        put(moved);
        break;
      }
      case 'copy':
        put(this.#copy(read(this.document, place(text(given, 'from')))));
        break;
      case 'test':
        // Deeper than the stack holds, it may be; no object is.
        if (isTooDeep(value) || !same(path === '' ? this.document : read(this.document, place(path)), value))
          throw new PatchError(`testing value ${path} failed`);
        break;
      default:
        throw new PatchError(`unexpected kind: ${String(op)}`);
    }
  }

  /** One that shares nothing: what is changed in the one would change in the other. */
  #copy(value: Json): Json {
    if (isTooDeep(value)) throw new PatchError(TOO_DEEP);
    const json = JSON.stringify(value);
    this.#copiedBytes += json.length;
    if (this.#copiedBytes > MAX_COPIED_BYTES)
      throw new PatchError(`the copies of a JSON patch may add up to ${MAX_COPIED_BYTES} bytes`);
    return JSON.parse(json);
  }

  #edit({ steps, key }: Place, edit: (parent: Container, key: string) => void): void {
    let parent = this.#owned(this.document);
    this.document = parent;
    for (const step of steps) {
      const child = get(parent, step);
      const owned = this.#owned(child);
      if (owned !== child) replace(parent as Container, step, owned);
      parent = owned;
    }
    if (typeof parent !== 'object' || parent === null) throw new PatchError(`nothing can be at ${key}`);
    edit(parent as Container, key);
  }

  #owned(value: Json): Json {
    if (typeof value !== 'object' || value === null || this.#own.has(value)) return value;
    const copy = Array.isArray(value) ? [...value] : { ...value };
    this.#own.add(copy);
    return copy;
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

function add(parent: Container, key: string, value: Json): void {
  if (Array.isArray(parent))
    parent.splice(key === '-' ? parent.length : indexOf(key, parent.length + 1, parent.length), 0, value);
  else setOwn(parent, key, value);
}

function remove(parent: Container, key: string): void {
  if (Array.isArray(parent)) parent.splice(indexOf(key, parent.length, parent.length - 1), 1);
  else if (Object.hasOwn(parent, key)) delete parent[key];
  else throw new PatchError(`Unable to remove nonexistent key: ${key}`);
}

/** A null stays for later operations to see. */
function replace(parent: Container, key: string, value: Json): void {
  if (Array.isArray(parent)) parent[indexOf(key, parent.length, parent.length - 1)] = value;
  else setOwn(parent, key, value);
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
