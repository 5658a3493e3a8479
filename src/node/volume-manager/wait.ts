import { type Clock, TimeoutError } from '../../base/index.ts';

/** Wakes whoever waits for something to change. */
export class Changes {
  readonly #listeners = new Set<() => void>();

  notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /**
   * Resolves once `done` returns true; it is asked now and after each change. What it throws is passed on. After
   * `limitMs`, or when the signal aborts, rejects with `timedOut` of "context deadline exceeded" or "context canceled",
   * which for the former has a TimeoutError as its cause.
   */
  async until(
    done: () => boolean,
    limit: {
      clock: Clock;
      limitMs: number;
      signal: AbortSignal;
      timedOut: (why: string, cause?: TimeoutError) => Error;
    },
  ): Promise<void> {
    const { clock, limitMs, signal, timedOut } = limit;
    if (done()) return;
    const settled = Promise.withResolvers<void>();
    const look = () => {
      try {
        if (done()) settled.resolve();
      } catch (error) {
        settled.reject(error);
      }
    };
    const aborted = () => settled.reject(timedOut('context canceled'));
    const late = () =>
      settled.reject(timedOut('context deadline exceeded', new TimeoutError('wait', limitMs)));
    const timer = clock.after(limitMs, late);
    this.#listeners.add(look);
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
    try {
      await settled.promise;
    } finally {
      timer.cancel();
      this.#listeners.delete(look);
      signal.removeEventListener('abort', aborted);
    }
  }
}

/** Does something each `intervalMs` until the returned function is called. */
export function repeat(clock: Clock, intervalMs: number, work: () => void): () => void {
  let timer = clock.after(intervalMs, again, { unref: true });
  function again(): void {
    work();
    timer = clock.after(intervalMs, again, { unref: true });
  }
  return () => timer.cancel();
}
