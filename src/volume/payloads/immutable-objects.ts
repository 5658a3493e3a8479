interface Kept {
  readonly object: unknown;
  /** The volumes that show it. */
  readonly shownBy: Set<string>;
}

/**
 * ConfigMaps and Secrets that say of themselves that they never change (`immutable`). They are read once, for as long as a
 * volume of the node shows them: who deletes one and makes another of its name has to make the pods anew too.
 * Source: objectCache of pkg/kubelet/util/manager, which stops watching them.
 */
export class ImmutableObjects {
  readonly #kept = new Map<string, Kept>();

  /** What is kept under the key, else what `read` resolves to. `volume` tells volumes of all pods apart. */
  async get<T extends { readonly immutable?: boolean }>(
    key: string,
    volume: string,
    read: () => Promise<T>,
  ): Promise<T> {
    if (!this.#kept.has(key)) {
      const object = await read();
      if (!object.immutable) return object;
      // Another pod may have read it at the same time.
      if (!this.#kept.has(key)) this.#kept.set(key, { object, shownBy: new Set() });
    }
    const kept = this.#kept.get(key)!;
    kept.shownBy.add(volume);
    return kept.object as T;
  }

  /** The volume shows none of them any more. */
  forget(volume: string): void {
    for (const [key, { shownBy }] of this.#kept)
      if (shownBy.delete(volume) && shownBy.size === 0) this.#kept.delete(key);
  }
}
