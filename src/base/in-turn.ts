/** Work on the same key goes one after the other, in the order in which it came; on different keys side by side. */
export class InTurn {
  readonly #last = new Map<string, Promise<unknown>>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return await work();
    })();
    this.#last.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    }
  }

  /** Whether work on the key is going on, or waits. */
  isBusy(key: string): boolean {
    return this.#last.has(key);
  }
}
