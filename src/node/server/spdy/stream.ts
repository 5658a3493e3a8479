import { Duplex } from 'node:stream';
import type { Frame } from './frames.ts';
import type { Headers } from './header-block.ts';

/** The codes of RST_STREAM. */
export const RESET = { protocolError: 1, refused: 3, cancel: 5 } as const;

/** Sends a frame; calls back once more may be sent. */
export type SendFrame = (frame: Frame, sent?: (error?: Error | null) => void) => void;

/** A stream that the peer has opened. Ending it leaves the peer's side open; destroying it resets both. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: Headers;
  readonly #send: SendFrame;
  #wanted: (() => void) | undefined;
  #isReset = false;

  constructor(id: number, headers: Headers, send: SendFrame) {
    super({ allowHalfOpen: true });
    this.id = id;
    this.headers = headers;
    this.#send = send;
    // A reset is no news to those who do not listen.
    this.on('error', () => undefined);
  }

  /** Data from the peer. Resolves once more is wanted. */
  async receive(data: Buffer, fin: boolean): Promise<void> {
    if (this.destroyed || this.readableEnded) return;
    if (data.length > 0 && !this.push(data)) {
      await new Promise<void>((resolve) => {
        this.#wanted = resolve;
      });
    }
    if (fin && !this.destroyed) this.push(null);
  }

  /** The peer has reset the stream, or is gone. */
  abort(): void {
    this.#isReset = true;
    this.destroy();
  }

  override _read(): void {
    this.#release();
  }

  override _write(data: Buffer, _encoding: string, sent: (error?: Error | null) => void): void {
    this.#send({ type: 'DATA', streamId: this.id, fin: false, data }, sent);
  }

  override _final(sent: (error?: Error | null) => void): void {
    this.#send({ type: 'DATA', streamId: this.id, fin: true, data: Buffer.alloc(0) }, sent);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const isOver = this.readableEnded && this.writableFinished;
    if (!this.#isReset && !isOver)
      this.#send({ type: 'RST_STREAM', streamId: this.id, status: RESET.cancel });
    this.#release();
    done(error);
  }

  #release(): void {
    this.#wanted?.();
    this.#wanted = undefined;
  }
}
