import { type BackoffPolicy, type Clock, errorMessage, type Logger } from '../base/index.ts';
import { isConflict } from '../kube/index.ts';
import type { QueueObserver } from './queue-metrics.ts';
import { WorkQueue } from './workqueue.ts';

export interface ControllerOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * Brings the world of one key nearer to what is wanted. Level-triggered and idempotent; a rejection is logged and
   * retried with back-off; a returned number asks for another look after so many milliseconds.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a reconcile that asks for nothing returns nothing.
  reconcile(key: string, signal: AbortSignal): Promise<number | void>;
  /** How many keys at a time. @default 4 */
  readonly workers?: number;
  readonly backoff?: BackoffPolicy;
  /** Hears of its queue. @default nobody does */
  readonly observer?: QueueObserver | undefined;
}

/** The loop that every controller repeats: keys go in, `reconcile` is called, failures come back later. */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #queue: WorkQueue;
  /** Begins another worker, if there may be more. */
  #hire: (() => void) | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#queue = new WorkQueue(options.clock, options.backoff, () => this.#hire?.(), options.observer);
  }

  enqueue(key: string): void {
    this.#queue.add(key);
  }

  enqueueAfter(key: string, delayMs: number): void {
    this.#queue.addAfter(key, delayMs);
  }

  /** Keys that wait now. */
  get backlog(): number {
    return this.#queue.length;
  }

  /** Works until the signal aborts; resolves when every worker has finished what it held. */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const close = () => this.#queue.close();
    signal.addEventListener('abort', close, { once: true });
    await this.#workers(signal);
    signal.removeEventListener('abort', close);
  }

  /** Each begins only when all before it have their hands full: many may be allowed where few are ever needed. */
  #workers(signal: AbortSignal): Promise<void> {
    const { workers = 4 } = this.#options;
    let hired = 0;
    let working = 0;
    return new Promise((resolve, reject) => {
      this.#hire = () => {
        if (hired === workers) return;
        hired++;
        working++;
        this.#work(signal).then(() => --working === 0 && resolve(), reject);
      };
      do this.#hire();
      while (this.#queue.length > 0 && hired < workers);
    });
  }

  async #work(signal: AbortSignal): Promise<void> {
    const queue = this.#queue;
    for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
      try {
        const again = await this.#options.reconcile(key, signal);
        queue.forget(key);
        if (typeof again === 'number') queue.addAfter(key, again);
      } catch (error) {
        if (!signal.aborted) {
          // A conflict means that the cache is behind: it will catch up, nobody needs to hear of it.
          const level = isConflict(error) ? 'debug' : 'warn';
          this.#options.log[level](`${this.#options.name}: ${key} failed; trying again`, {
            error: errorMessage(error),
          });
          queue.addRateLimited(key);
        }
      } finally {
        queue.done(key);
      }
    }
  }
}
