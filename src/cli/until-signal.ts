/** A signal that aborts with the first SIGINT or SIGTERM. A second one ends the process at once. */
export function untilSignal(say: () => void = () => undefined): {
  readonly signal: AbortSignal;
  /** Stops listening. */
  stop(): void;
} {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(130);
    say();
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: stop.signal,
    stop() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
