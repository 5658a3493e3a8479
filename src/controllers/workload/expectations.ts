import type { KubeObject, Stored } from '../../kube/index.ts';

/** A write that the cache never shows is forgotten after this long (controller.ExpectationsTimeout). */
const EXPIRY_MS = 5 * 60_000;

interface Expected {
  readonly kind: 'creation' | 'deletion';
  readonly atMs: number;
}

/**
 * What a controller has written about the objects it owns and its cache does not show yet. Until it does, counting what
 * is in the cache would make or delete too many.
 */
export class Expectations {
  readonly #byOwner = new Map<string, Map<string, Expected>>();
  readonly #clock: { monotonic(): number };

  constructor(clock: { monotonic(): number }) {
    this.#clock = clock;
  }

  /** @param cached the object as the cache has it now */
  created(owner: string, { metadata }: Stored<KubeObject>, cached: Stored<KubeObject> | undefined): void {
    if (cached?.metadata.uid !== metadata.uid) this.#expect(owner, metadata.uid, 'creation');
  }

  deleted(owner: string, { metadata }: Stored<KubeObject>, cached: Stored<KubeObject> | undefined): void {
    const shows = cached?.metadata.uid !== metadata.uid || cached.metadata.deletionTimestamp !== undefined;
    if (!shows) this.#expect(owner, metadata.uid, 'deletion');
  }

  /** The cache shows the object. */
  seen(owner: string, { metadata }: Stored<KubeObject>): void {
    const expected = this.#byOwner.get(owner)?.get(metadata.uid);
    if (expected?.kind === 'creation' || metadata.deletionTimestamp !== undefined) {
      this.#forget(owner, metadata.uid);
    }
  }

  /** The cache shows that the object is gone. */
  gone(owner: string, { metadata }: Stored<KubeObject>): void {
    this.#forget(owner, metadata.uid);
  }

  /** Milliseconds to wait at most for the cache; 0 when it is up to date. */
  waitMs(owner: string): number {
    const now = this.#clock.monotonic();
    const waits: number[] = [];
    for (const [uid, { atMs }] of this.#byOwner.get(owner) ?? []) {
      if (now - atMs < EXPIRY_MS) waits.push(atMs + EXPIRY_MS - now);
      else this.#forget(owner, uid);
    }
    return Math.max(0, ...waits);
  }

  /** The owner is gone. */
  drop(owner: string): void {
    this.#byOwner.delete(owner);
  }

  #expect(owner: string, uid: string, kind: Expected['kind']): void {
    const expected = this.#byOwner.get(owner) ?? new Map<string, Expected>();
    expected.set(uid, { kind, atMs: this.#clock.monotonic() });
    this.#byOwner.set(owner, expected);
  }

  #forget(owner: string, uid: string): void {
    const expected = this.#byOwner.get(owner);
    expected?.delete(uid);
    if (expected?.size === 0) this.#byOwner.delete(owner);
  }
}
