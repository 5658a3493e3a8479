import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

/** Who gets an answer. After `end` or `fail` comes nothing more. */
export interface Receiver {
  begin(code: number, headers: IncomingHttpHeaders): void;
  /** A piece of the body. @returns whether the next may come; if not, it comes after `resume` */
  data(chunk: Buffer): boolean;
  end(): void;
  /** @param begun the answer had begun */
  fail(error: Error, begun: boolean): void;
}

/** One request under way, which can be given up before it has a connection as well as after. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #receiver: Receiver;
  #controller: Dispatcher.DispatchController | undefined;
  #givenUp: Error | undefined;
  #begun = false;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  abort(reason: Error): void {
    this.#givenUp = reason;
    this.#controller?.abort(reason);
  }

  resume(): void {
    this.#controller?.resume();
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#givenUp) controller.abort(this.#givenUp);
  }

  onResponseStart(_: Dispatcher.DispatchController, code: number, headers: IncomingHttpHeaders): void {
    // 1xx: the answer is still to come.
    if (code < 200) return;
    this.#begun = true;
    this.#receiver.begin(code, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#receiver.data(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#receiver.end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#receiver.fail(error, this.#begun);
  }
}
