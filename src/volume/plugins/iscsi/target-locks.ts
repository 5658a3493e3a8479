/** One at a time for each target: a logout must not meet another volume's login. */
export class TargetLocks {
  readonly #last = new Map<string, Promise<unknown>>();

  async hold<T>(iqn: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(iqn);
    const mine = (async () => {
      await before?.catch(() => undefined);
      return await work();
    })();
    this.#last.set(iqn, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(iqn) === mine) this.#last.delete(iqn);
    }
  }
}
