import type { KubeObject, Stored } from '../../kube/index.ts';
import type { Entry } from '../registry/contract.ts';
import { compare } from './ordered-map.ts';

/** Reads the value of a field, as field selectors name it. */
export type FieldReader = (object: Stored<KubeObject>) => string;

/** The keys of a table's objects by the value of one field. */
export class FieldIndex {
  readonly #read: FieldReader;
  readonly #keys = new Map<string, Set<string>>();

  constructor(read: FieldReader, entries: Iterable<[string, Entry]>) {
    this.#read = read;
    for (const [key, entry] of entries) this.#insert(key, this.#read(entry.object));
  }

  /** Takes note of a change; absent entries stand for "was not there" and "is gone". */
  change(key: string, previous: Entry | undefined, next: Entry | undefined): void {
    const before = previous && this.#read(previous.object);
    const after = next && this.#read(next.object);
    if (before === after) return;
    if (before !== undefined) this.#remove(key, before);
    if (after !== undefined) this.#insert(key, after);
  }

  /** The keys of the objects with the value, in order. O(n log n) in their number. */
  keysOf(value: string): readonly string[] {
    return [...(this.#keys.get(value) ?? [])].sort(compare);
  }

  #insert(key: string, value: string): void {
    let keys = this.#keys.get(value);
    if (!keys) {
      keys = new Set();
      this.#keys.set(value, keys);
    }
    keys.add(key);
  }

  #remove(key: string, value: string): void {
    const keys = this.#keys.get(value);
    keys?.delete(key);
    if (keys?.size === 0) this.#keys.delete(value);
  }
}
