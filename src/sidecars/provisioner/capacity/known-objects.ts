import type { CSIStorageCapacity, Stored } from '../../../kube/index.ts';
import { type Item, itemOf, keyOfItem } from './wanted.ts';

type Capacity = Stored<CSIStorageCapacity>;

/** What a change calls for: items whose object must be made or refreshed, and objects that must go. */
export interface Work {
  readonly items: readonly string[];
  readonly obsolete: readonly Capacity[];
}

const NOTHING: Work = { items: [], obsolete: [] };

/** Which objects there should be, and which there are: one for each item, every other is obsolete. */
export class KnownObjects {
  #wanted: ReadonlyMap<string, Item> = new Map();
  readonly #objects = new Map<string, Capacity>();
  /** Items' keys by the uids of their objects. */
  readonly #keys = new Map<string, string>();

  /** How many there should be, and how many of these there are. */
  get counts(): { readonly goal: number; readonly current: number } {
    return { goal: this.#wanted.size, current: this.#objects.size };
  }

  item(key: string): Item | undefined {
    return this.#wanted.get(key);
  }

  objectOf(key: string): Capacity | undefined {
    return this.#objects.get(key);
  }

  /** The keys of wanted items that satisfy `test`. */
  keys(test: (item: Item) => boolean = () => true): readonly string[] {
    return [...this.#wanted].flatMap(([key, item]) => (test(item) ? [key] : []));
  }

  isObsolete(object: Capacity): boolean {
    const item = itemOf(object);
    return !item || !this.#wanted.has(keyOfItem(item));
  }

  want(items: readonly Item[]): Work {
    const wanted = new Map(items.map((item) => [keyOfItem(item), item]));
    const added = [...wanted.keys()].filter((key) => !this.#wanted.has(key));
    const obsolete = [...this.#objects].filter(([key]) => !wanted.has(key));
    for (const [key, object] of obsolete) this.#drop(key, object);
    this.#wanted = wanted;
    return { items: added, obsolete: obsolete.map(([, object]) => object) };
  }

  /** An object is there, or has changed. Source: onCAddOrUpdate. */
  heard(object: Capacity): Work {
    const known = this.#keys.get(object.metadata.uid);
    if (known !== undefined) {
      if (isNewer(object, this.#objects.get(known)!)) this.#objects.set(known, object);
      return NOTHING;
    }
    const item = itemOf(object);
    const key = item && keyOfItem(item);
    // A second one for the same item is as needless as one for none.
    if (key === undefined || !this.#wanted.has(key) || this.#objects.has(key))
      return { items: [], obsolete: [object] };
    this.#objects.set(key, object);
    this.#keys.set(object.metadata.uid, key);
    return NOTHING;
  }

  /** An object is gone, or somebody has taken it from us. Source: onCDelete. */
  gone(object: Capacity): Work {
    const key = this.#keys.get(object.metadata.uid);
    if (key === undefined) return NOTHING;
    this.#drop(key, object);
    return { items: [key], obsolete: [] };
  }

  #drop(key: string, { metadata }: Capacity): void {
    this.#objects.delete(key);
    this.#keys.delete(metadata.uid);
  }
}

function isNewer(object: Capacity, known: Capacity): boolean {
  return BigInt(object.metadata.resourceVersion) > BigInt(known.metadata.resourceVersion);
}
