import { errorMessage, type Logger } from '../base/index.ts';
import type { Component } from '../client/index.ts';

/**
 * What runs, and how it is stopped: in the reverse order of its start, each part after all that were started later have
 * ended. The first failure of a part is the failure of the whole.
 */
export class Running {
  readonly #log: Logger;
  readonly #stops: { name: string; stop: () => Promise<void> }[] = [];
  readonly #failed = Promise.withResolvers<never>();
  #started = false;
  #stopping: Promise<void> | undefined;

  constructor(log: Logger) {
    this.#log = log;
    // Whoever does not wait for a failure still must not be ended by it.
    this.#failed.promise.catch(() => undefined);
  }

  /** Rejects with the first failure; never resolves. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  /** Starts a component; its rejection is the failure of the whole. Returns what stops it. */
  start(component: Component): () => Promise<void> {
    const controller = new AbortController();
    const ended = component.start(controller.signal).then(
      () => {
        if (!controller.signal.aborted) this.#fail(new Error(`${component.name} ended by itself`));
      },
      (error) => {
        if (!controller.signal.aborted)
          this.#fail(new Error(`${component.name}: ${errorMessage(error)}`, { cause: error }));
        else if (error !== controller.signal.reason)
          this.#log.warn(`${component.name} did not end cleanly`, { error });
      },
    );
    const stop = async () => {
      controller.abort();
      await ended;
    };
    this.onStop(component.name, stop);
    return stop;
  }

  onStop(name: string, stop: () => Promise<void>): void {
    this.#stops.push({ name, stop });
  }

  failsWith(failed: Promise<Error>): void {
    void failed.then((error) => this.#fail(error));
  }

  markStarted(): void {
    this.#started = true;
  }

  /** Why it is not ready yet; undefined once everything has been started. For /readyz. */
  unready(): string | undefined {
    return this.#started ? undefined : 'components are being started';
  }

  /** Stops everything, once; rejects with the first error after the rest has been stopped too. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    const errors: Error[] = [];
    for (const { name, stop } of this.#stops.reverse()) {
      try {
        await stop();
      } catch (error) {
        errors.push(new Error(`stopping ${name}: ${errorMessage(error)}`, { cause: error }));
      }
    }
    if (errors.length > 0)
      throw errors.length === 1 ? errors[0] : new AggregateError(errors, errors.map(errorMessage).join('; '));
  }

  #fail(error: Error): void {
    this.#log.error('fatal', { error });
    this.#failed.reject(error);
  }
}
