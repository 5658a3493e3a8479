/** A frame of SPDY/3.1. Headers are still compressed: their meaning depends on all that came before. */
export type Frame =
  | { readonly type: 'DATA'; readonly streamId: number; readonly fin: boolean; readonly data: Buffer }
  | {
      readonly type: 'SYN_STREAM';
      readonly streamId: number;
      readonly fin: boolean;
      readonly unidirectional: boolean;
      readonly block: Buffer;
    }
  | {
      readonly type: 'SYN_REPLY' | 'HEADERS';
      readonly streamId: number;
      readonly fin: boolean;
      readonly block: Buffer;
    }
  | { readonly type: 'RST_STREAM'; readonly streamId: number; readonly status: number }
  | { readonly type: 'PING'; readonly id: number }
  | { readonly type: 'GOAWAY'; readonly lastStreamId: number; readonly status: number }
  | { readonly type: 'WINDOW_UPDATE'; readonly streamId: number; readonly delta: number }
  /** SETTINGS, and what is not known: to be passed over. */
  | { readonly type: 'OTHER'; readonly code: number; readonly payload: Buffer };

export class ProtocolError extends Error {
  override name = 'ProtocolError';
}

const VERSION = 3;
const HEADER_BYTES = 8;
const FLAG_FIN = 1;
const FLAG_UNIDIRECTIONAL = 2;
const CODES = {
  SYN_STREAM: 1,
  SYN_REPLY: 2,
  RST_STREAM: 3,
  PING: 6,
  GOAWAY: 7,
  HEADERS: 8,
  WINDOW_UPDATE: 9,
} as const;
/** Of a control frame; a data frame may have all that its 24 bits of length can say. */
const MAX_CONTROL_BYTES = 64 * 1024;
const MAX_31 = 0x7fffffff;

export function encodeFrame(frame: Frame): Buffer {
  switch (frame.type) {
    case 'DATA': {
      const header = Buffer.alloc(HEADER_BYTES);
      header.writeUInt32BE(frame.streamId, 0);
      header.writeUInt32BE(((frame.fin ? FLAG_FIN : 0) << 24) | frame.data.length, 4);
      return Buffer.concat([header, frame.data]);
    }
    case 'SYN_STREAM': {
      const flags = (frame.fin ? FLAG_FIN : 0) | (frame.unidirectional ? FLAG_UNIDIRECTIONAL : 0);
      // No stream that it belongs to, and the highest priority.
      return control(CODES.SYN_STREAM, flags, words(frame.streamId, 0), Buffer.alloc(2), frame.block);
    }
    case 'SYN_REPLY':
    case 'HEADERS':
      return control(CODES[frame.type], frame.fin ? FLAG_FIN : 0, words(frame.streamId), frame.block);
    case 'RST_STREAM':
      return control(CODES.RST_STREAM, 0, words(frame.streamId, frame.status));
    case 'PING':
      return control(CODES.PING, 0, words(frame.id));
    case 'GOAWAY':
      return control(CODES.GOAWAY, 0, words(frame.lastStreamId, frame.status));
    case 'WINDOW_UPDATE':
      return control(CODES.WINDOW_UPDATE, 0, words(frame.streamId, frame.delta));
    case 'OTHER':
      return control(frame.code, 0, frame.payload);
  }
}

/** Takes a connection's bytes in pieces of any length and gives its frames. */
export class FrameReader {
  #pieces: Buffer[] = [];
  #size = 0;

  /** @throws ProtocolError for what no SPDY/3.1 is. Nothing after it means anything. */
  push(piece: Buffer): Frame[] {
    this.#pieces.push(piece);
    this.#size += piece.length;
    const frames: Frame[] = [];
    for (;;) {
      if (this.#size < HEADER_BYTES) return frames;
      const length = frameLength(this.#atLeast(HEADER_BYTES));
      if (this.#size < length) return frames;
      const all = this.#atLeast(length);
      frames.push(decode(all.subarray(0, length)));
      this.#pieces =
        all.length > length ? [all.subarray(length), ...this.#pieces.slice(1)] : this.#pieces.slice(1);
      this.#size -= length;
    }
  }

  /** The first piece, which holds so many bytes if need be. */
  #atLeast(bytes: number): Buffer {
    if (this.#pieces[0]!.length < bytes) this.#pieces = [Buffer.concat(this.#pieces)];
    return this.#pieces[0]!;
  }
}

/** The length of the frame that begins here, with its header. */
function frameLength(bytes: Buffer): number {
  const length = bytes.readUInt32BE(4) & 0xffffff;
  const isControl = bytes[0]! >= 0x80;
  if (isControl) {
    const version = bytes.readUInt16BE(0) & 0x7fff;
    if (version !== VERSION) throw new ProtocolError(`SPDY version ${version}; 3 is understood`);
    if (length > MAX_CONTROL_BYTES)
      throw new ProtocolError(`a control frame of ${length} bytes; ${MAX_CONTROL_BYTES} are the most`);
  }
  return HEADER_BYTES + length;
}

function decode(bytes: Buffer): Frame {
  const first = bytes.readUInt32BE(0);
  const flags = bytes[4]!;
  const fin = (flags & FLAG_FIN) !== 0;
  const body = bytes.subarray(HEADER_BYTES);
  if (first <= MAX_31) return { type: 'DATA', streamId: first, fin, data: body };
  const code = first & 0xffff;
  const word = (index: number) => {
    if (body.length < index * 4 + 4)
      throw new ProtocolError(`a frame of type ${code} with ${body.length} bytes`);
    return body.readUInt32BE(index * 4);
  };
  const streamId = () => word(0) & MAX_31;
  switch (code) {
    case CODES.SYN_STREAM: {
      if (body.length < 10) throw new ProtocolError(`a SYN_STREAM with ${body.length} bytes`);
      const unidirectional = (flags & FLAG_UNIDIRECTIONAL) !== 0;
      return { type: 'SYN_STREAM', streamId: streamId(), fin, unidirectional, block: body.subarray(10) };
    }
    case CODES.SYN_REPLY:
      return { type: 'SYN_REPLY', streamId: streamId(), fin, block: body.subarray(4) };
    case CODES.HEADERS:
      return { type: 'HEADERS', streamId: streamId(), fin, block: body.subarray(4) };
    case CODES.RST_STREAM:
      return { type: 'RST_STREAM', streamId: streamId(), status: word(1) };
    case CODES.PING:
      return { type: 'PING', id: word(0) };
    case CODES.GOAWAY:
      return { type: 'GOAWAY', lastStreamId: streamId(), status: word(1) };
    case CODES.WINDOW_UPDATE:
      return { type: 'WINDOW_UPDATE', streamId: streamId(), delta: word(1) & MAX_31 };
    default:
      return { type: 'OTHER', code, payload: body };
  }
}

function control(code: number, flags: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(0x8000 | VERSION, 0);
  header.writeUInt16BE(code, 2);
  header.writeUInt8(flags, 4);
  header.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([header, body]);
}

function words(...values: number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) buffer.writeUInt32BE(value, index * 4);
  return buffer;
}
