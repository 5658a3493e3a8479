import type { Clock, Timer } from './clock.ts';

interface Pending {
  at: number;
  order: number;
  callback: () => void;
}

/** A clock that moves only when told. Timers fire in the order of their time, then of their creation. */
export class FakeClock implements Clock {
  #nowMs: number;
  #order = 0;
  #pending = new Set<Pending>();

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const entry = { at: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#pending.add(entry);
    return { cancel: () => this.#pending.delete(entry) };
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#pending.size;
  }

  /**
   * Moves time forward, firing due timers; awaits a turn of the event loop before, so that what is under way happens at
   * the old time, and after each, so that reactions run.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await turn();
    for (;;) {
      const next = this.#next();
      if (!next || next.at > end) break;
      this.#pending.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.at);
      next.callback();
      await turn();
    }
    this.#nowMs = end;
    await turn();
  }

  #next(): Pending | undefined {
    let best: Pending | undefined;
    for (const entry of this.#pending) {
      if (!best || entry.at < best.at || (entry.at === best.at && entry.order < best.order)) best = entry;
    }
    return best;
  }
}

/** One turn of the event loop: every microtask and immediate queued so far has run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
