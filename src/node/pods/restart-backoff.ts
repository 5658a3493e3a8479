import { backoffDelay } from '../../base/index.ts';

/** The kubelet's crash-loop back-off: 10 s doubling to 5 min. */
const POLICY = { initialMs: 10_000, maxMs: 300_000 };
/** A container that ran longer than this starts anew: twice the longest back-off. */
const RESET_AFTER_MS = 2 * POLICY.maxMs;

interface Entry {
  failures: number;
  updatedAtMs: number;
}

/** How long ended containers wait before they are run again. One a pod; keys are container names. */
export class RestartBackoff {
  readonly #entries = new Map<string, Entry>();

  /**
   * The delay that is still to pass for a container that ended at `finishedAtMs`: 0 means now, and the next wait is
   * longer. The first restart never waits.
   */
  next(container: string, finishedAtMs: number, nowMs: number): { remainingMs: number; backoffMs: number } {
    const entry = this.#entries.get(container);
    const fresh = !entry || finishedAtMs - entry.updatedAtMs > RESET_AFTER_MS;
    if (!fresh) {
      const backoffMs = backoffDelay(POLICY, entry.failures);
      const remainingMs = finishedAtMs + backoffMs - nowMs;
      if (remainingMs > 0) return { remainingMs, backoffMs };
    }
    this.#entries.set(container, { failures: fresh ? 1 : entry.failures + 1, updatedAtMs: nowMs });
    return { remainingMs: 0, backoffMs: 0 };
  }
}
