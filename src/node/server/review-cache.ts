import { createHash } from 'node:crypto';
import type { Clock } from '../../base/index.ts';

/** Answers that are remembered, at most. */
const MAX_ENTRIES = 1_000;

/** Remembers the answers to questions for a while. Questions may be secret: only their digests are kept. */
export class ReviewCache<Value> {
  readonly #clock: Clock;
  readonly #ttlMs: (value: Value) => number;
  readonly #answers = new Map<string, { readonly value: Value; readonly untilMs: number }>();

  constructor(clock: Clock, ttlMs: (value: Value) => number) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
  }

  async get(question: string, ask: () => Promise<Value>): Promise<Value> {
    const key = createHash('sha256').update(question).digest('base64');
    const known = this.#answers.get(key);
    if (known && this.#clock.monotonic() < known.untilMs) return known.value;
    const value = await ask();
    // The oldest goes.
    if (this.#answers.size >= MAX_ENTRIES) this.#answers.delete(this.#answers.keys().next().value!);
    this.#answers.delete(key);
    this.#answers.set(key, { value, untilMs: this.#clock.monotonic() + this.#ttlMs(value) });
    return value;
  }
}
