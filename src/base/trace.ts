import type { Clock } from './clock.ts';

/**
 * One step of a journey: when it began and ended, how it went and why. `journey` groups the steps of one
 * thing (for a volume: the claim's `namespace/name`); what the other attributes mean is the caller's business.
 */
export interface TraceRecord {
  readonly journey: string;
  readonly step: string;
  readonly component: string;
  /** Wall time, milliseconds since the epoch. */
  readonly begin: number;
  /** Absent while the step is under way. */
  readonly end?: number;
  /** Milliseconds, with a fraction, from begin to end by the monotonic clock. */
  readonly durationMs?: number;
  readonly outcome?: 'ok' | 'failed';
  /** Why it failed. */
  readonly reason?: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface Span {
  /** Ends the step well. A second end is ignored. */
  ok(attributes?: Record<string, string>): void;
  /** Ends the step with the reason why it failed. */
  fail(reason: string, attributes?: Record<string, string>): void;
}

/**
 * Where components report their steps. They do not know who listens; a bounded number of ended records is kept
 * for whoever asks later.
 */
export class Trace {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #ended: TraceRecord[] = [];
  readonly #listeners = new Set<(record: TraceRecord) => void>();

  constructor(clock: Clock, limit = 10_000) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** Begins a step. Listeners hear of it at its begin and at its end. */
  begin(component: string, step: string, journey: string, attributes: Record<string, string> = {}): Span {
    const begin: TraceRecord = { journey, step, component, begin: this.#clock.now(), attributes };
    const startedAt = this.#clock.monotonic();
    this.#tell(begin);
    let open = true;
    const finish = (outcome: 'ok' | 'failed', more: Record<string, string> | undefined, reason?: string) => {
      if (!open) return;
      open = false;
      const record: TraceRecord = {
        ...begin,
        end: this.#clock.now(),
        durationMs: this.#clock.monotonic() - startedAt,
        outcome,
        reason,
        attributes: { ...attributes, ...more },
      };
      this.#ended.push(record);
      // Many at once: each time all that stay are moved.
      if (this.#ended.length >= this.#limit * 1.25) this.#ended.splice(0, this.#ended.length - this.#limit);
      this.#tell(record);
    };
    return {
      ok: (more) => finish('ok', more),
      fail: (reason, more) => finish('failed', more, reason),
    };
  }

  /** Runs `work` as a step; a rejection ends it as failed and is passed on. */
  async run<T>(
    component: string,
    step: string,
    journey: string,
    attributes: Record<string, string>,
    work: () => Promise<T>,
  ): Promise<T> {
    const span = this.begin(component, step, journey, attributes);
    try {
      const result = await work();
      span.ok();
      return result;
    } catch (error) {
      span.fail(error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  /** The ended steps, oldest first, of one journey or of all. */
  ended(journey?: string): readonly TraceRecord[] {
    const kept = this.#ended.slice(-this.#limit);
    return journey === undefined ? kept : kept.filter((record) => record.journey === journey);
  }

  /** Calls `listener` at each begin and end until the returned function is called. */
  subscribe(listener: (record: TraceRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(record: TraceRecord): void {
    for (const listener of this.#listeners) listener(record);
  }
}
