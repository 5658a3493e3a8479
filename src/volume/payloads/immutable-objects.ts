interface Kept {
  readonly object: unknown;
  /** Whose volumes show it. */
  readonly podUids: Set<string>;
}

/**
 * ConfigMaps and Secrets that say of themselves that they never change (`immutable`). They are read once, for as long as a
 * pod of the node shows them: who deletes one and makes another of its name has to make the pods anew too.
 * Source: objectCache of pkg/kubelet/util/manager, which stops watching them.
 */
export class ImmutableObjects {
  readonly #kept = new Map<string, Kept>();

  /** What is kept under the key, else what `read` resolves to. */
  async get<T extends { readonly immutable?: boolean }>(
    key: string,
    podUid: string,
    read: () => Promise<T>,
  ): Promise<T> {
    if (!this.#kept.has(key)) {
      const object = await read();
      if (!object.immutable) return object;
      // Another pod may have read it at the same time.
      if (!this.#kept.has(key)) this.#kept.set(key, { object, podUids: new Set() });
    }
    const kept = this.#kept.get(key)!;
    kept.podUids.add(podUid);
    return kept.object as T;
  }

  /** The pod shows none of them any more. */
  forget(podUid: string): void {
    for (const [key, { podUids }] of this.#kept)
      if (podUids.delete(podUid) && podUids.size === 0) this.#kept.delete(key);
  }
}
