import type { KubeObject, Stored, WatchEvent } from '../kube/index.ts';
import type { EntryEvent } from './registry/contract.ts';

/** The changes of a watch one by one, until the signal aborts. What is at hand is handed over without a detour. */
export class WatchEvents<T extends KubeObject>
  implements AsyncIterableIterator<WatchEvent<Stored<T>>, undefined>
{
  readonly #open: () => AsyncIterable<readonly EntryEvent<T>[]>;
  readonly #signal: AbortSignal | undefined;
  #batches: AsyncIterator<readonly EntryEvent<T>[]> | undefined;
  #batch: readonly EntryEvent<T>[] = [];
  #position = 0;

  /** `open` is called with the first `next`; what it throws is what the reader gets. */
  constructor(open: () => AsyncIterable<readonly EntryEvent<T>[]>, signal: AbortSignal | undefined) {
    this.#open = open;
    this.#signal = signal;
  }

  next(): Promise<IteratorResult<WatchEvent<Stored<T>>, undefined>> {
    const event = this.#batch[this.#position];
    if (!event) return this.#refill();
    if (this.#signal?.aborted) return this.return();
    this.#position++;
    return Promise.resolve({ done: false, value: { type: event.type, object: event.entry.object } });
  }

  async return(): Promise<IteratorResult<WatchEvent<Stored<T>>, undefined>> {
    this.#batch = [];
    await this.#batches?.return?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #refill(): Promise<IteratorResult<WatchEvent<Stored<T>>, undefined>> {
    this.#batch = [];
    this.#batches ??= this.#open()[Symbol.asyncIterator]();
    const { done, value } = await this.#batches.next();
    if (done) return { done: true, value: undefined };
    this.#batch = value;
    this.#position = 0;
    return this.next();
  }
}
