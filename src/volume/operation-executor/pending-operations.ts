import { type BackoffPolicy, backoffDelay, type Clock } from '../../base/index.ts';

/**
 * What an operation is about. An absent part stands for all: a key without pod and node overlaps every key of its
 * volume, so nothing else runs on that volume meanwhile.
 */
export interface OperationKey {
  /** The unique volume name. */
  readonly volume: string;
  /** The pod's uid. */
  readonly pod?: string;
  readonly node?: string;
}

/** Delay before a failed operation may run again: 500 ms doubling to 2 min 2 s (upstream's exponentialbackoff). */
const OPERATION_BACKOFF: BackoffPolicy = { initialMs: 500, maxMs: 122_000 };

export interface PendingOperationsOptions {
  readonly clock: Clock;
  /** @default OPERATION_BACKOFF */
  readonly backoff?: BackoffPolicy;
  /** Called after an operation has ended, well or not, once it counts no more as pending. */
  settled?(key: OperationKey, error: unknown, operation: SettledOperation): void;
}

/** What `settled` is told besides the key and the error. */
export interface SettledOperation {
  readonly name: string;
  /** After so many milliseconds the same operation may run again; 0 if it went well. */
  readonly retryAfterMs: number;
}

/** Why an operation may not start now. */
export type Refusal = 'pending' | 'back-off';

interface Entry {
  key: OperationKey;
  name: string;
  pending: boolean;
  failures: number;
  /** Monotonic time before which the same operation must not be tried again. */
  retryAt: number;
}

/**
 * Runs at most one operation at a time on what a key stands for, and holds back the repetition of one that failed.
 * Another operation (by name) on the same thing need not wait: a detach after a failed attach starts at once.
 * Rules of upstream's nestedpendingoperations.
 */
export class PendingOperations {
  readonly #options: PendingOperationsOptions;
  readonly #backoff: BackoffPolicy;
  readonly #byVolume = new Map<string, Entry[]>();
  readonly #running = new Set<Promise<void>>();

  constructor(options: PendingOperationsOptions) {
    this.#options = options;
    this.#backoff = options.backoff ?? OPERATION_BACKOFF;
  }

  /** Starts `operation` unless an overlapping one is pending or this one's back-off has not passed. Whether it started. */
  run(key: OperationKey, name: string, operation: () => Promise<void>): boolean {
    if (this.refusal(key, name)) return false;
    const previous = this.#find(key);
    const entry: Entry = { key, name, pending: true, failures: 0, retryAt: 0 };
    if (previous) {
      if (previous.name === name) entry.failures = previous.failures;
      this.#remove(previous);
    }
    const entries = this.#byVolume.get(key.volume);
    if (entries) entries.push(entry);
    else this.#byVolume.set(key.volume, [entry]);
    const run = this.#execute(entry, operation).finally(() => this.#running.delete(run));
    this.#running.add(run);
    return true;
  }

  /** Whether an operation that overlaps `key` is running. */
  isPending(key: OperationKey): boolean {
    return this.#find(key)?.pending ?? false;
  }

  /** Why `name` may not start on `key` now; undefined when it may. */
  refusal(key: OperationKey, name: string): Refusal | undefined {
    const entry = this.#find(key);
    if (!entry) return undefined;
    if (entry.pending) return 'pending';
    return entry.name === name && this.#options.clock.monotonic() < entry.retryAt ? 'back-off' : undefined;
  }

  /** How many operations run now. */
  get running(): number {
    return this.#running.size;
  }

  /** Resolves when no operation runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Forgets the back-offs of a volume that nobody asks for any more. Running operations stay. */
  forget(volume: string): void {
    const pending = this.#byVolume.get(volume)?.filter((entry) => entry.pending);
    if (pending && pending.length > 0) this.#byVolume.set(volume, pending);
    else this.#byVolume.delete(volume);
  }

  async #execute(entry: Entry, operation: () => Promise<void>): Promise<void> {
    let failure: unknown;
    let retryAfterMs = 0;
    try {
      await operation();
      this.#remove(entry);
    } catch (error) {
      failure = error;
      entry.pending = false;
      entry.failures++;
      retryAfterMs = backoffDelay(this.#backoff, entry.failures);
      entry.retryAt = this.#options.clock.monotonic() + retryAfterMs;
    }
    this.#options.settled?.(entry.key, failure, { name: entry.name, retryAfterMs });
  }

  /** The entry that decides about `key`: a pending one first, then the one with the same key, then any overlapping. */
  #find(key: OperationKey): Entry | undefined {
    let found: Entry | undefined;
    for (const entry of this.#byVolume.get(key.volume) ?? []) {
      if (!overlaps(entry.key.pod, key.pod) || !overlaps(entry.key.node, key.node)) continue;
      if (entry.pending) return entry;
      const exact = entry.key.pod === key.pod && entry.key.node === key.node;
      if (!found || exact) found = entry;
    }
    return found;
  }

  #remove(entry: Entry): void {
    const left = this.#byVolume.get(entry.key.volume)?.filter((other) => other !== entry) ?? [];
    if (left.length > 0) this.#byVolume.set(entry.key.volume, left);
    else this.#byVolume.delete(entry.key.volume);
  }
}

function overlaps(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}
