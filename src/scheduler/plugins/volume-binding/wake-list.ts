/** Who wants to be called when something happens to an object, by the object's key. */
export class WakeList {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Calls `wake` at each change of any of `keys` until the returned function is called. */
  add(keys: readonly string[], wake: () => void): () => void {
    for (const key of keys) {
      const waiting = this.#waiting.get(key);
      if (waiting) waiting.add(wake);
      else this.#waiting.set(key, new Set([wake]));
    }
    return () => {
      for (const key of keys) {
        const waiting = this.#waiting.get(key);
        waiting?.delete(wake);
        if (waiting?.size === 0) this.#waiting.delete(key);
      }
    };
  }

  changed(key: string): void {
    const waiting = this.#waiting.get(key);
    if (waiting) for (const wake of [...waiting]) wake();
  }
}
