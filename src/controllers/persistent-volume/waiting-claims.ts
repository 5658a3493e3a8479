import {
  claimClass,
  keyOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
  volumeClass,
} from '../../kube/index.ts';
import { couldTake } from '../../volume/binding/index.ts';
import { SortedList } from './sorted-list.ts';
import { capacityOf, kindKey, requestOf } from './volume-index.ts';

type Claim = Stored<PersistentVolumeClaim>;

interface Entry {
  readonly request: bigint;
  readonly key: string;
  readonly kind: string;
  readonly claim: Claim;
}

const byRequestThenKey = (a: Entry, b: Entry): number => {
  if (a.request !== b.request) return a.request < b.request ? -1 : 1;
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
};

/** Claims that found no volume. A volume that becomes free wakes one of them instead of all. */
export class WaitingClaims {
  readonly #entries = new Map<string, Entry>();
  readonly #byKind = new Map<string, SortedList<Entry>>();

  add(claim: Claim): void {
    const key = keyOf(claim);
    this.delete(key);
    const kind = kindKey(claimClass(claim), claim);
    const entry = { request: requestOf(claim), key, kind, claim };
    this.#entries.set(key, entry);
    let list = this.#byKind.get(kind);
    if (!list) {
      list = new SortedList(byRequestThenKey);
      this.#byKind.set(kind, list);
    }
    list.add(entry);
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    const list = this.#byKind.get(entry.kind);
    list?.delete(entry);
    if (list?.size === 0) this.#byKind.delete(entry.kind);
  }

  /** Takes out the smallest claim that could take the volume, and gives its key. */
  takeFor(volume: Stored<PersistentVolume>): string | undefined {
    const capacity = capacityOf(volume);
    const claims = this.#byKind.get(kindKey(volumeClass(volume), volume));
    for (const { request, key, claim } of claims?.from(() => true) ?? []) {
      if (request > capacity) break;
      if (!couldTake(volume, claim)) continue;
      this.delete(key);
      return key;
    }
    return undefined;
  }

  /** The keys of the claims for which `matches` holds. */
  *keysWhere(matches: (claim: Claim) => boolean): Generator<string> {
    for (const [key, { claim }] of this.#entries) if (matches(claim)) yield key;
  }
}
