import type { Duplex } from 'node:stream';
import { encodeFrame, type Frame, FrameReader, ProtocolError } from './frames.ts';
import { decodeHeaders, encodeHeaders, HeaderCompressor, HeaderDecompressor } from './header-block.ts';
import { RESET, SpdyStream } from './stream.ts';

/** How many streams a peer may have open at a time. */
const MAX_STREAMS = 1000;
const GOAWAY_OK = 0;

/**
 * The serving side of SPDY/3.1, as far as Kubernetes' clients speak it (moby/spdystream): the peer opens streams, nobody
 * keeps windows. What holds a sender up is the connection as a whole: it is not read while a stream's reader is behind.
 */
export class SpdyConnection {
  readonly #transport: Duplex;
  readonly #accept: (stream: SpdyStream) => void;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #reader = new FrameReader();
  readonly #compressor = new HeaderCompressor();
  readonly #decompressor = new HeaderDecompressor();
  #lastStreamId = 0;

  /** `accept` gets each stream, which it may destroy. */
  constructor(transport: Duplex, accept: (stream: SpdyStream) => void) {
    this.#transport = transport;
    this.#accept = accept;
    transport.on('error', () => undefined);
    // Whoever waits for a stream to be read waits no longer.
    transport.once('close', () => this.#abort());
  }

  /**
   * Serves until the peer goes away or the connection ends; streams end with it.
   * @throws ProtocolError when the peer speaks something else.
   */
  async serve(): Promise<void> {
    try {
      for await (const chunk of this.#transport as AsyncIterable<Buffer>)
        for (const frame of this.#reader.push(chunk)) {
          if (frame.type === 'GOAWAY') return;
          await this.#handle(frame);
        }
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      // The connection broke: an end like any other.
    } finally {
      this.#abort();
      this.#compressor.close();
      this.#decompressor.close();
      this.#transport.destroy();
    }
  }

  /** Says good-bye after all that was sent before. */
  close(): void {
    if (this.#transport.destroyed) return;
    this.#send({ type: 'GOAWAY', lastStreamId: this.#lastStreamId, status: GOAWAY_OK });
    this.#transport.end();
  }

  #abort(): void {
    for (const stream of this.#streams.values()) stream.abort();
  }

  async #handle(frame: Frame): Promise<void> {
    switch (frame.type) {
      case 'SYN_STREAM':
        return this.#open(frame);
      case 'DATA':
        return this.#streams.get(frame.streamId)?.receive(frame.data, frame.fin);
      case 'RST_STREAM':
        this.#streams.get(frame.streamId)?.abort();
        return;
      case 'PING':
        // An even number would be the answer to one of ours.
        if (frame.id % 2 === 1) this.#send(frame);
        return;
      case 'SYN_REPLY':
      case 'HEADERS':
        // They say nothing to us, but those that follow are compressed with regard to them.
        await this.#decompressor.decompress(frame.block);
        return;
      default:
        return;
    }
  }

  async #open(frame: Frame & { type: 'SYN_STREAM' }): Promise<void> {
    const { streamId } = frame;
    const headers = decodeHeaders(await this.#decompressor.decompress(frame.block));
    const isNext = streamId % 2 === 1 && streamId > this.#lastStreamId;
    if (!isNext || this.#streams.size >= MAX_STREAMS) {
      this.#send({ type: 'RST_STREAM', streamId, status: isNext ? RESET.refused : RESET.protocolError });
      return;
    }
    this.#lastStreamId = streamId;
    const block = await this.#compressor.compress(encodeHeaders(new Map()));
    this.#send({ type: 'SYN_REPLY', streamId, fin: false, block });
    const stream = new SpdyStream(streamId, headers, (sent, done) => this.#send(sent, done));
    this.#streams.set(streamId, stream);
    stream.once('close', () => this.#streams.delete(streamId));
    if (frame.unidirectional) stream.end();
    if (frame.fin) await stream.receive(Buffer.alloc(0), true);
    this.#accept(stream);
  }

  #send(frame: Frame, sent?: (error?: Error | null) => void): void {
    if (this.#transport.writable) this.#transport.write(encodeFrame(frame), sent);
    else sent?.(new Error('the connection has ended'));
  }
}
