/** A signal that aborts with the first SIGINT or SIGTERM. A second one ends the process at once. */
export function untilSignal(say: (signal: NodeJS.Signals) => void = () => undefined): {
  readonly signal: AbortSignal;
  /** Stops listening. */
  [Symbol.dispose](): void;
} {
  const stop = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) process.exit(130);
    say(signal);
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return {
    signal: stop.signal,
    [Symbol.dispose]() {
      process.off('SIGINT', onSignal);
      process.off('SIGTERM', onSignal);
    },
  };
}
