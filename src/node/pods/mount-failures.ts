import { backoffDelay, TimeoutError } from '../../base/index.ts';
import { RETRY } from './retry.ts';

/** A failure to mount is worth an event once it has lasted this long: a claim may be about to be bound. */
const TOLD_AFTER_MS = 1_000;

/**
 * Whether a pod is told why it waits. That nothing has come in time is no news: whoever is late at it has told, or will
 * (the kubelet's syncPod, wait.Interrupted).
 */
export function isNews(error: unknown): boolean {
  return !(error instanceof Error && error.cause instanceof TimeoutError);
}

/** How often in a row, and since when, one pod's volumes could not be had. */
export class MountFailures {
  #since: number | undefined;
  #count = 0;
  #last = false;

  /** Whether they last: it is time to tell of them. */
  get last(): boolean {
    return this.#last;
  }

  /** One more: when to try again. Some are told at once: they must not follow one another without a pause. */
  add(nowMs: number): number {
    this.#since ??= nowMs;
    this.#count++;
    this.#last = nowMs - this.#since >= TOLD_AFTER_MS;
    return backoffDelay(RETRY, this.#count);
  }

  forget(): void {
    this.#since = undefined;
    this.#count = 0;
    this.#last = false;
  }
}
