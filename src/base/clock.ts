/** A timer that can be called off. */
export interface Timer {
  cancel(): void;
}

/**
 * The only source of time. Components get one from outside so that tests and the simulation own time.
 * All durations are milliseconds.
 */
export interface Clock {
  /** Wall time, milliseconds since the Unix epoch. */
  now(): number;
  /** Monotonic time in milliseconds with a fraction; only differences mean something. */
  monotonic(): number;
  /** Calls `callback` once after `delayMs`. A pending timer keeps the process alive unless `unref` is set. */
  after(delayMs: number, callback: () => void, options?: { unref?: boolean }): Timer;
  /** Calls `callback` in a later turn of the event loop, after pending I/O callbacks. */
  soon(callback: () => void): void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback, options) {
    const handle = setTimeout(callback, Math.min(delayMs, 2 ** 31 - 1));
    if (options?.unref) handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  soon(callback) {
    setImmediate(callback);
  },
};

let lastSecond = { at: Number.NaN, text: '' };

/** RFC 3339 with seconds, as metadata.creationTimestamp is written. */
export function rfc3339(epochMs: number): string {
  const at = Math.floor(epochMs / 1000);
  // Of many objects written within a second each has this text.
  if (lastSecond.at !== at) {
    lastSecond = { at, text: `${new Date(epochMs).toISOString().slice(0, 19)}Z` };
  }
  return lastSecond.text;
}

/** RFC 3339 with microseconds, as Lease and Event times are written (metav1.MicroTime). */
export function rfc3339Micro(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}000Z`;
}

/** Resolves after `delayMs`; rejects with the signal's reason when it aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal!.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Rejects with a TimeoutError naming `what` unless `promise` settles within `limitMs`. */
export async function withDeadline<T>(
  clock: Clock,
  limitMs: number,
  what: string,
  promise: Promise<T>,
): Promise<T> {
  let timer: Timer | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = clock.after(limitMs, () => reject(new TimeoutError(what, limitMs)));
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    timer?.cancel();
  }
}

/** Something did not happen within its limit. */
export class TimeoutError extends Error {
  override name = 'TimeoutError';
  constructor(what: string, limitMs: number) {
    super(`${what}: timed out after ${limitMs / 1000}s`);
  }
}
