import type { Clock, Timer } from './clock.ts';

interface Pending {
  readonly at: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

/** Why a run of the clock ended. */
export type RunEnd = 'done' | 'deadline' | 'idle';

/** Events are taken in so many turns of one phase of the event loop, to spare the loop's own cost. */
const TURNS_AT_ONCE = 64;

/**
 * Time that jumps to the next timer when nothing else can run. One event at a time: after each, every promise reaction
 * has run before the next. So whatever reaches the outside through this clock alone runs the same each time.
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  /** Events so far. */
  events = 0;
  readonly #heap: Pending[] = [];
  readonly #soon: (() => void)[] = [];
  #soonAt = 0;

  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = startMs;
  }

  now(): number {
    return Math.floor(this.#nowMs);
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const entry: Pending = { at: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#push(entry);
    return {
      cancel() {
        entry.callback = undefined;
      },
    };
  }

  soon(callback: () => void): void {
    this.#soon.push(callback);
  }

  /**
   * Runs events until `until` (asked before each) is true, the time is `deadlineMs` (as `monotonic`), or nothing is left.
   * Rejects with what an event or `until` throws.
   */
  run(options: { until(): boolean; deadlineMs: number }): Promise<RunEnd> {
    return new Promise((resolve, reject) => {
      let ended = false;
      let turns = 0;
      const end = (finish: () => void) => {
        ended = true;
        finish();
      };
      const turn = () => {
        turns--;
        if (ended) return;
        try {
          if (options.until()) return end(() => resolve('done'));
          const left = this.#step(options.deadlineMs);
          if (left) return end(() => resolve(left));
        } catch (error) {
          return end(() => reject(error));
        }
        if (turns === 0) more();
      };
      const more = () => {
        for (; turns < TURNS_AT_ONCE; turns++) setImmediate(turn);
      };
      more();
    });
  }

  /** Drops everything that still waits: a clock that has done its work keeps nobody in memory. */
  clear(): void {
    this.#heap.length = 0;
    this.#soon.length = 0;
    this.#soonAt = 0;
  }

  /** Runs the next event; says why there is none. */
  #step(deadlineMs: number): 'deadline' | 'idle' | undefined {
    if (this.#soonAt < this.#soon.length) {
      const callback = this.#soon[this.#soonAt++]!;
      if (this.#soonAt === this.#soon.length) {
        this.#soon.length = 0;
        this.#soonAt = 0;
      }
      this.events++;
      callback();
      return undefined;
    }
    for (;;) {
      const next = this.#heap[0];
      if (!next) return 'idle';
      if (next.callback && next.at > deadlineMs) {
        this.#nowMs = Math.max(this.#nowMs, deadlineMs);
        return 'deadline';
      }
      this.#pop();
      if (!next.callback) continue;
      this.#nowMs = Math.max(this.#nowMs, next.at);
      this.events++;
      const { callback } = next;
      next.callback = undefined;
      callback();
      return undefined;
    }
  }

  #push(entry: Pending): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Pending, b: Pending): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
