/** How long a chunk may grow before it is split: moving so few pointers costs less than following a tree's. */
const MAX_CHUNK_LENGTH = 256;

/**
 * A list that is always sorted. Finding, adding and removing cost O(log n) comparisons and move a bounded number of
 * entries. No two entries may compare as equal.
 */
export class SortedList<T> {
  readonly #compare: (a: T, b: T) => number;
  /** Sorted, none empty; every entry of one is before every entry of the next. */
  readonly #chunks: T[][] = [];
  #size = 0;

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds an entry; one that compares as equal is replaced. */
  add(entry: T): void {
    if (this.#chunks.length === 0) {
      this.#chunks.push([entry]);
      this.#size = 1;
      return;
    }
    const isAfter = (other: T) => this.#compare(other, entry) >= 0;
    const at = Math.min(this.#chunkOf(isAfter), this.#chunks.length - 1);
    const chunk = this.#chunks[at]!;
    const index = lowerBound(chunk, isAfter);
    if (index < chunk.length && this.#compare(chunk[index]!, entry) === 0) {
      chunk[index] = entry;
      return;
    }
    chunk.splice(index, 0, entry);
    this.#size++;
    if (chunk.length > MAX_CHUNK_LENGTH) this.#chunks.splice(at + 1, 0, chunk.splice(chunk.length >> 1));
  }

  /** Removes the entry that compares as equal; whether there was one. */
  delete(entry: T): boolean {
    const isAfter = (other: T) => this.#compare(other, entry) >= 0;
    const at = this.#chunkOf(isAfter);
    const chunk = this.#chunks[at];
    if (!chunk) return false;
    const index = lowerBound(chunk, isAfter);
    if (this.#compare(chunk[index]!, entry) !== 0) return false;
    chunk.splice(index, 1);
    this.#size--;
    if (chunk.length === 0) this.#chunks.splice(at, 1);
    return true;
  }

  /** The entries from the first for which `isReached` holds. It must hold for every entry after that one, too. */
  *from(isReached: (entry: T) => boolean): Generator<T> {
    const first = this.#chunkOf(isReached);
    for (let at = first; at < this.#chunks.length; at++) {
      const chunk = this.#chunks[at]!;
      for (let index = at === first ? lowerBound(chunk, isReached) : 0; index < chunk.length; index++) {
        yield chunk[index]!;
      }
    }
  }

  /** The first chunk whose last entry is reached; the number of chunks when none is. */
  #chunkOf(isReached: (entry: T) => boolean): number {
    return lowerBound(this.#chunks, (chunk) => isReached(chunk[chunk.length - 1] as T));
  }
}

/** The first index whose entry is reached; the length when none is. */
function lowerBound<T>(entries: readonly T[], isReached: (entry: T) => boolean): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isReached(entries[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
