import { type BackoffPolicy, backoffDelay } from '../../base/index.ts';
import { RUNS_ALREADY } from './lock.ts';

const BETWEEN_STARTS: BackoffPolicy = { initialMs: 500, maxMs: 60_000 };
/** Who has run so long has not failed to start. */
const GOOD_START_MS = 60_000;

/** What becomes of a node whose process has ended. */
export type AfterEnd =
  /** Somebody has stopped it, and will start it again. */
  | { readonly kind: 'stays down' }
  /** Somebody else has started it. */
  | { readonly kind: 'runs elsewhere' }
  | { readonly kind: 'starts again'; readonly delayMs: number; readonly failures: number };

/** `exitCode`: undefined when a signal ended it. `failures`: how often it has failed in a row before. */
export function afterEnd(exitCode: number | undefined, ranMs: number, failures: number): AfterEnd {
  if (exitCode === 0) return { kind: 'stays down' };
  if (exitCode === RUNS_ALREADY) return { kind: 'runs elsewhere' };
  const inARow = ranMs < GOOD_START_MS ? failures + 1 : 1;
  return { kind: 'starts again', delayMs: backoffDelay(BETWEEN_STARTS, inARow), failures: inARow };
}
