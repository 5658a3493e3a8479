/** A binary heap of distinct items by key: the least first, any removed in O(log n). */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #positions = new Map<string, number>();
  readonly #keyOf: (item: T) => string;
  readonly #compare: (a: T, b: T) => number;

  constructor(keyOf: (item: T) => string, compare: (a: T, b: T) => number) {
    this.#keyOf = keyOf;
    this.#compare = compare;
  }

  get size(): number {
    return this.#items.length;
  }

  get(key: string): T | undefined {
    const at = this.#positions.get(key);
    return at === undefined ? undefined : this.#items[at];
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  values(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    const key = this.#keyOf(item);
    if (this.#positions.has(key)) throw new Error(`${key} is in the heap already`);
    this.#place(item, this.#items.length);
    this.#up(this.#items.length - 1);
  }

  pop(): T | undefined {
    const first = this.#items[0];
    if (first !== undefined) this.delete(this.#keyOf(first));
    return first;
  }

  delete(key: string): T | undefined {
    const at = this.#positions.get(key);
    if (at === undefined) return undefined;
    const removed = this.#items[at]!;
    const last = this.#items.pop()!;
    this.#positions.delete(key);
    if (at < this.#items.length) {
      this.#place(last, at);
      this.#up(at);
      this.#down(at);
    }
    return removed;
  }

  #place(item: T, at: number): void {
    this.#items[at] = item;
    this.#positions.set(this.#keyOf(item), at);
  }

  #up(from: number): void {
    let at = from;
    const item = this.#items[at]!;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#compare(item, this.#items[parent]!) >= 0) break;
      this.#place(this.#items[parent]!, at);
      at = parent;
    }
    this.#place(item, at);
  }

  #down(from: number): void {
    let at = from;
    const item = this.#items[at]!;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#items.length) break;
      if (child + 1 < this.#items.length && this.#compare(this.#items[child + 1]!, this.#items[child]!) < 0) {
        child++;
      }
      if (this.#compare(item, this.#items[child]!) <= 0) break;
      this.#place(this.#items[child]!, at);
      at = child;
    }
    this.#place(item, at);
  }
}
