/**
 * Steps that wait for something now and then, as an async iterator. `steps` yields `undefined` when there is nothing at
 * present; `ring` lets it look again. Nothing is scheduled in between: an async generator, which would do the same,
 * costs several turns of the microtask queue for each value and each vain look, and many readers wait at once.
 */
export class Pulled<T> implements AsyncIterableIterator<T, undefined> {
  readonly #steps: Generator<T | undefined, void, void>;
  /** The reader's call that has no answer yet. */
  #waiting: PromiseWithResolvers<IteratorResult<T, undefined>> | undefined;

  constructor(steps: (ring: () => void) => Generator<T | undefined, void, void>) {
    this.#steps = steps(() => {
      if (this.#waiting) this.#step(this.#waiting);
    });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const before = this.#waiting;
    if (before) return before.promise.then(() => this.next());
    const waiting = Promise.withResolvers<IteratorResult<T, undefined>>();
    this.#waiting = waiting;
    this.#step(waiting);
    return waiting.promise;
  }

  return(): Promise<IteratorResult<T, undefined>> {
    const end = { done: true, value: undefined } as const;
    try {
      this.#steps.return();
    } catch (error) {
      return Promise.reject(error);
    }
    this.#waiting?.resolve(end);
    this.#waiting = undefined;
    return Promise.resolve(end);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #step(waiting: PromiseWithResolvers<IteratorResult<T, undefined>>): void {
    try {
      const { done, value } = this.#steps.next();
      if (!done && value === undefined) return;
      this.#waiting = undefined;
      waiting.resolve(done ? { done, value: undefined } : { done: false, value: value as T });
    } catch (error) {
      this.#waiting = undefined;
      waiting.reject(error);
    }
  }
}
