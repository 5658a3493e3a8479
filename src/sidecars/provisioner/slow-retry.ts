import type { Clock } from '../../base/index.ts';

interface Infeasible {
  readonly at: number;
  readonly classUid: string | undefined;
}

/**
 * Claims whose parameters the driver has called invalid: asking soon again is pointless, unless their class was
 * replaced. Source: slowset of csi-lib-utils.
 */
export class SlowRetry {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #infeasible = new Map<string, Infeasible>();

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  add(claimUid: string, classUid: string | undefined): void {
    this.#infeasible.set(claimUid, { at: this.#clock.now(), classUid });
  }

  delete(claimUid: string): void {
    this.#infeasible.delete(claimUid);
  }

  /** Milliseconds until the claim may be tried again; 0 when it may now. */
  remainingMs(claimUid: string, classUid: string | undefined): number {
    const found = this.#infeasible.get(claimUid);
    if (!found) return 0;
    const remaining = found.at + this.#delayMs - this.#clock.now();
    if (remaining > 0 && found.classUid === classUid) return remaining;
    this.#infeasible.delete(claimUid);
    return 0;
  }
}
