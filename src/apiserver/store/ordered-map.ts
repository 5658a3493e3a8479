/** A walk after one new key among a million must not cost a million: so many new keys are kept apart, times √n. */
const APART = 4;

/**
 * A map whose keys can be walked in order. New keys wait unsorted until the next walk, so bulk inserts cost what a Map
 * costs; a walk takes them into a short sorted list beside the long one, and only when that has become long itself the
 * two are made one.
 */
export class OrderedMap<V> {
  readonly #values = new Map<string, V>();
  /** Sorted; may still hold keys that are gone. */
  #sorted: readonly string[] = [];
  /** The same, of keys that came later. */
  #recent: readonly string[] = [];
  /** Keys of #values that both lists may lack. */
  #added: string[] = [];
  /** How many keys of the lists are gone. */
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
    this.#arrange();
    // The lists are replaced, never changed: a walk goes on in those that it began with.
    const sorted = this.#sorted;
    const recent = this.#recent;
    let i = lowerBound(sorted, start);
    let j = lowerBound(recent, start);
    while (i < sorted.length || j < recent.length) {
      const left = sorted[i];
      const right = recent[j];
      const key = right === undefined || (left !== undefined && left <= right) ? left! : right;
      if (key === left) i++;
      // A key deleted and set again stands in both lists.
      if (key === right) j++;
      if (!key.startsWith(prefix)) return;
      if (this.#values.has(key)) yield key;
    }
  }

  #arrange(): void {
    if (this.#added.length > 0) {
      this.#recent = this.#merge(this.#recent, this.#added.sort(compare));
      this.#added = [];
    }
    const all = this.#sorted.length + this.#recent.length;
    if (this.#recent.length <= APART * Math.sqrt(this.#sorted.length) && this.#gone * 2 <= all) return;
    this.#sorted = this.#merge(this.#sorted, this.#recent);
    this.#recent = [];
    this.#gone = 0;
  }

  /** Two sorted lists as one, without the keys that are gone. */
  #merge(one: readonly string[], other: readonly string[]): readonly string[] {
    if (one.length === 0 && this.#gone === 0) return other;
    const merged: string[] = [];
    let i = 0;
    let j = 0;
    while (i < one.length || j < other.length) {
      const left = one[i];
      const right = other[j];
      const key = right === undefined || (left !== undefined && left <= right) ? one[i++]! : other[j++]!;
      if (merged[merged.length - 1] !== key && this.#values.has(key)) merged.push(key);
    }
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
