/**
 * A map whose keys can be walked in order. New keys wait unsorted and are merged by the next walk, so bulk inserts
 * cost what a Map costs and a walk costs no more than what changed since the last.
 */
export class OrderedMap<V> {
  readonly #values = new Map<string, V>();
  /** Sorted; may still hold keys that are gone. */
  #sorted: string[] = [];
  /** Keys of #values that #sorted may lack. */
  #added: string[] = [];
  /** How many keys of #sorted are gone. */
  #gone = 0;

  get size(): number {
    return this.#values.size;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    if (!this.#values.has(key)) this.#added.push(key);
    this.#values.set(key, value);
  }

  delete(key: string): void {
    if (this.#values.delete(key)) this.#gone++;
  }

  /** The present keys from `start` on, in order; `prefix` ends the walk at the first key without it. */
  *keysFrom(start: string, prefix = ''): Generator<string> {
    const keys = this.#keys();
    for (let i = lowerBound(keys, start); i < keys.length; i++) {
      const key = keys[i]!;
      if (!key.startsWith(prefix)) return;
      if (this.#values.has(key)) yield key;
    }
  }

  #keys(): readonly string[] {
    if (this.#added.length === 0 && this.#gone * 2 <= this.#sorted.length) return this.#sorted;
    const added = this.#added.sort(compare);
    const merged: string[] = [];
    let i = 0;
    let j = 0;
    while (i < this.#sorted.length || j < added.length) {
      const left = this.#sorted[i];
      const right = added[j];
      const key =
        right === undefined || (left !== undefined && left <= right) ? this.#sorted[i++]! : added[j++]!;
      // A key deleted and set again stands in both lists.
      if (merged[merged.length - 1] !== key && this.#values.has(key)) merged.push(key);
    }
    this.#sorted = merged;
    this.#added = [];
    this.#gone = 0;
    return merged;
  }
}

/** Code-unit order: for the ASCII names of objects the byte order of their keys. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function lowerBound(keys: readonly string[], start: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! < start) low = middle + 1;
    else high = middle;
  }
  return low;
}
