/** Past so many sets all are forgotten: their number is the clients' choice. */
const MAX_KNOWN = 2048;
/** Characters; a longer outline is not remembered. */
const MAX_LENGTH = 4096;

/**
 * Sets that come again. Most objects are written alike: what one write changes of a volume, the next one changes of the
 * next volume. Sets of the same members are then one set, and what two such sets make together is made once.
 */
export class KnownSets<S extends object> {
  readonly #byOutline = new Map<string, S>();
  readonly #known = new WeakSet<S>();
  /** By what two sets are combined, then by the first and the second. */
  readonly #results = new WeakMap<object, WeakMap<S, WeakMap<S, S>>>();

  /** `make()`, made once for one outline: a text that is the same only for the same set. */
  get(outline: string, make: () => S): S {
    if (outline.length > MAX_LENGTH) return make();
    let set = this.#byOutline.get(outline);
    if (!set) {
      set = this.add(make());
      if (this.#byOutline.size >= MAX_KNOWN) this.#byOutline.clear();
      this.#byOutline.set(outline, set);
    }
    return set;
  }

  add(set: S): S {
    this.#known.add(set);
    return set;
  }

  /** `make()`, made once for two known sets and what combines them; the result is known too. */
  combined(by: object, a: S, b: S, make: () => S): S {
    if (!this.#known.has(a) || !this.#known.has(b)) return make();
    const first = getOrMake(this.#results, by, () => new WeakMap<S, WeakMap<S, S>>());
    const second = getOrMake(first, a, () => new WeakMap<S, S>());
    return getOrMake(second, b, () => this.add(make()));
  }
}

function getOrMake<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
