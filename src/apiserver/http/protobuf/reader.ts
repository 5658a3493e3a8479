import { isUtf8 } from 'node:buffer';
import { DELIMITED, FIXED64, VARINT } from './writer.ts';

/** The bytes are not a message of their type; the words are those of Go's generated code. */
export class WireError extends Error {
  override name = 'WireError';
}

const GROUP = 3;
const END_GROUP = 4;
const FIXED32 = 5;
const UINT32 = 2 ** 32;

/** Reads the fields of one protobuf message. Every length is checked against the bytes that are there. */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** A tag: field number and wire type. `message` is for the error. */
  tag(message: string): { field: number; wireType: number } {
    const wire = this.varint();
    const wireType = wire & 7;
    const field = Math.floor(wire / 8);
    if (wireType === END_GROUP) throw new WireError(`proto: ${message}: wiretype end group for non-group`);
    if (field <= 0 || field > 2 ** 29)
      throw new WireError(`proto: ${message}: illegal tag ${field} (wire type ${wireType})`);
    return { field, wireType };
  }

  /** A varint as a signed 64-bit number; past 2^53 it is rounded, as JSON's numbers are. */
  varint(): number {
    const bytes = this.#bytes;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#end) throw new WireError('unexpected EOF');
      const byte = bytes[this.#at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) return high * UINT32 + (low >>> 0);
    }
    throw new WireError('proto: integer overflow');
  }

  double(): number {
    this.#need(8);
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  /** The content of a delimited field, to be read. */
  part(): WireReader {
    const [start, end] = this.#span();
    return new WireReader(this.#bytes, start, end);
  }

  /** A view of the content of a delimited field. */
  bytes(): Buffer {
    return this.#bytes.subarray(...this.#span());
  }

  /** @throws WireError for what is not UTF-8: it would be another text when it is read again. */
  string(): string {
    const [start, end] = this.#span();
    const text = this.#bytes.toString('utf8', start, end);
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(start, end)))
      throw new WireError('string field contains invalid UTF-8');
    return text;
  }

  /** All that is left, as one view. */
  rest(): Buffer {
    return this.#bytes.subarray(this.#at, this.#end);
  }

  /**
   * Passes over a field that nobody knows. That is protobuf's own rule, for a client may be newer than the server; upstream
   * does so too, and fieldValidation is about JSON and YAML alone.
   */
  skip(wireType: number): void {
    let open = 0;
    for (let type = wireType; ; type = this.varint() & 7) {
      if (type === GROUP) open++;
      else if (type === END_GROUP) open--;
      else this.#skipOne(type);
      if (open === 0) return;
    }
  }

  #skipOne(wireType: number): void {
    if (wireType === VARINT) this.varint();
    else if (wireType === DELIMITED) this.#span();
    else if (wireType === FIXED64 || wireType === FIXED32) {
      const size = wireType === FIXED64 ? 8 : 4;
      this.#need(size);
      this.#at += size;
    } else throw new WireError(`proto: illegal wireType ${wireType}`);
  }

  #span(): [start: number, end: number] {
    const length = this.varint();
    if (length < 0) throw new WireError('proto: negative length found during unmarshaling');
    this.#need(length);
    const start = this.#at;
    this.#at += length;
    return [start, this.#at];
  }

  #need(bytes: number): void {
    if (this.#end - this.#at < bytes) throw new WireError('unexpected EOF');
  }
}
