/**
 * Resolves once one of the signals has aborted. Unlike a signal of AbortSignal.any it keeps nothing alive by itself: the
 * process holds every such signal that somebody listens to until it aborts.
 */
export function firstAborted(signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      for (const signal of signals) signal.removeEventListener('abort', stop);
      resolve();
    };
    if (signals.some(({ aborted }) => aborted)) resolve();
    else for (const signal of signals) signal.addEventListener('abort', stop);
  });
}

/** Resolves once the signal has aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
