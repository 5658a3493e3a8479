import type { Lister } from '../../client/index.ts';
import { type KubeObject, keyOf, type Stored } from '../../kube/index.ts';

/**
 * The newest state known of each object: the informer's, or what this process wrote last and the informer has yet to
 * hear of. It only saves writes that would fail: every write carries the resourceVersion it was decided on, so that a
 * stale view leads to a conflict, never to a wrong object.
 */
export class Latest<T extends KubeObject> {
  readonly #lister: Lister<Stored<T>>;
  readonly #written = new Map<string, Stored<T>>();

  constructor(lister: Lister<Stored<T>>) {
    this.#lister = lister;
  }

  byKey(key: string): Stored<T> | undefined {
    const cached = this.#lister.byKey(key);
    const written = this.#written.get(key);
    if (!written) return cached;
    if (cached && isNewer(written, cached)) return written;
    this.#written.delete(key);
    return cached;
  }

  /** Takes the answer to a write. */
  wrote(object: Stored<T>): void {
    this.#written.set(keyOf(object), object);
  }
}

/** Versions of one object can be compared as whole numbers (Kubernetes 1.35, KEP-5504); of other kinds they cannot. */
function isNewer(a: Stored<KubeObject>, b: Stored<KubeObject>): boolean {
  if (a.metadata.uid !== b.metadata.uid) return false;
  const [x, y] = [a.metadata.resourceVersion, b.metadata.resourceVersion];
  if (!/^\d+$/.test(x) || !/^\d+$/.test(y)) return false;
  return x.length === y.length ? x > y : x.length > y.length;
}
