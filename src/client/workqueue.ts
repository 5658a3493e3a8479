import { type BackoffPolicy, backoffDelay, type Clock, type Timer } from '../base/index.ts';
import type { QueueObserver } from './queue-metrics.ts';

/** The default per-item back-off of Kubernetes controllers: 5 ms doubling to 1,000 s. */
export const DEFAULT_BACKOFF: BackoffPolicy = { initialMs: 5, maxMs: 1_000_000 };

/**
 * A queue of keys as client-go's: a key waits once however often it is added; a key that is added while it is being
 * worked on is handed out again after `done`, so no two workers ever hold the same key.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #backoff: BackoffPolicy;
  readonly #waiting = new Set<string>();
  readonly #processing = new Set<string>();
  readonly #dirty = new Set<string>();
  readonly #delayed = new Map<string, { at: number; timer: Timer }>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: string | undefined) => void)[] = [];
  #closed = false;

  readonly #onBacklog: (() => void) | undefined;
  readonly #observer: QueueObserver | undefined;

  /** `onBacklog`: a key has come, and nobody waits for one. */
  constructor(
    clock: Clock,
    backoff: BackoffPolicy = DEFAULT_BACKOFF,
    onBacklog?: () => void,
    observer?: QueueObserver,
  ) {
    this.#clock = clock;
    this.#backoff = backoff;
    this.#onBacklog = onBacklog;
    this.#observer = observer;
  }

  /** How many keys wait to be taken now (delayed ones not counted). */
  get length(): number {
    return this.#waiting.size;
  }

  add(key: string): void {
    if (this.#closed) return;
    if (this.#waiting.has(key) || this.#dirty.has(key)) return;
    this.#observer?.added(key);
    if (this.#processing.has(key)) this.#dirty.add(key);
    else this.#handOut(key);
  }

  #handOut(key: string): void {
    const taker = this.#takers.shift();
    if (!taker) {
      this.#waiting.add(key);
      this.#onBacklog?.();
      return;
    }
    this.#begin(key);
    taker(key);
  }

  #begin(key: string): void {
    this.#processing.add(key);
    this.#observer?.taken(key);
  }

  /** Adds the key after `delayMs`; of several pending delays the earliest counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#closed) return;
    this.#observer?.retried();
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const at = this.#clock.now() + delayMs;
    const pending = this.#delayed.get(key);
    if (pending) {
      if (pending.at <= at) return;
      pending.timer.cancel();
    }
    const fire = () => {
      this.#delayed.delete(key);
      this.add(key);
    };
    this.#delayed.set(key, { at, timer: this.#clock.after(delayMs, fire, { unref: true }) });
  }

  /** Adds the key after its back-off, which grows with each call until `forget`. */
  addRateLimited(key: string): void {
    const failures = this.failures(key) + 1;
    this.#failures.set(key, failures);
    this.addAfter(key, backoffDelay(this.#backoff, failures));
  }

  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** The next key, or `undefined` once the queue is closed. The taker must call `done`. */
  take(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    for (const key of this.#waiting) {
      this.#waiting.delete(key);
      this.#begin(key);
      return Promise.resolve(key);
    }
    return new Promise((resolve) => this.#takers.push(resolve));
  }

  done(key: string): void {
    this.#processing.delete(key);
    this.#observer?.done(key);
    if (this.#dirty.delete(key) && !this.#closed) this.#handOut(key);
  }

  /** Hands out nothing more; waiting takers get `undefined`. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) timer.cancel();
    this.#delayed.clear();
    this.#waiting.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
  }
}
