import type { Clock } from '../../base/index.ts';

interface Infeasible {
  readonly at: number;
  readonly classUid: string | undefined;
}

/**
 * Objects about which the driver has said that what they ask for can never be: asking soon again is pointless, unless
 * the class that says so was replaced. Source: slowset of csi-lib-utils.
 */
export class SlowRetry {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #infeasible = new Map<string, Infeasible>();

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  add(key: string, classUid?: string): void {
    this.#infeasible.set(key, { at: this.#clock.now(), classUid });
  }

  delete(key: string): void {
    this.#infeasible.delete(key);
  }

  /** Milliseconds until the object may be tried again; 0 when it may now. */
  remainingMs(key: string, classUid?: string): number {
    const found = this.#infeasible.get(key);
    if (!found) return 0;
    const remaining = found.at + this.#delayMs - this.#clock.now();
    if (remaining > 0 && found.classUid === classUid) return remaining;
    this.#infeasible.delete(key);
    return 0;
  }
}
