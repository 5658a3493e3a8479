import type { FieldSet } from './field-set.ts';

// Most objects are written alike: what one write changes of a volume, the next one changes of the next volume. Sets of the
// same paths are then one set, and what two such sets make together is made once.

/** Past so many sets all are forgotten: their number is the clients' choice. */
const MAX_KNOWN = 2048;
/** Characters; a longer outline is not remembered. */
const MAX_LENGTH = 4096;

const byOutline = new Map<string, FieldSet>();
/** The sets that come again, so that it pays to remember what is made of them. */
const recurring = new WeakSet<FieldSet>();
/** By what two sets are combined, then by the first and the second. */
const results = new WeakMap<object, WeakMap<FieldSet, WeakMap<FieldSet, FieldSet>>>();

/** `make()`, made once for one outline: a text that is the same only for the same set. */
export function known(outline: string, make: () => FieldSet): FieldSet {
  if (outline.length > MAX_LENGTH) return make();
  let set = byOutline.get(outline);
  if (!set) {
    set = make();
    if (byOutline.size >= MAX_KNOWN) byOutline.clear();
    byOutline.set(outline, set);
    recurring.add(set);
  }
  return set;
}

export function markKnown(set: FieldSet): void {
  recurring.add(set);
}

export function areKnown(a: FieldSet, b: FieldSet): boolean {
  return recurring.has(a) && recurring.has(b);
}

/** `make()`, made once for two known sets and what combines them; the result is a known set too. */
export function remembered(by: object, a: FieldSet, b: FieldSet, make: () => FieldSet): FieldSet {
  const first = getOrMake(results, by, () => new WeakMap<FieldSet, WeakMap<FieldSet, FieldSet>>());
  const second = getOrMake(first, a, () => new WeakMap<FieldSet, FieldSet>());
  return getOrMake(second, b, () => {
    const set = make();
    recurring.add(set);
    return set;
  });
}

function getOrMake<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
