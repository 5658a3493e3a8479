const SCRATCH_BYTES = 64 * 1024;
/** A scratch buffer that a huge object made is not kept. */
const KEPT_BYTES = 1024 * 1024;

/** Wire types of protobuf. */
export const VARINT = 0;
export const FIXED64 = 1;
export const DELIMITED = 2;

let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

/**
 * Writes a protobuf message from its end to its beginning, so that the length of a part is known when the tag before it
 * is written: no second pass over the object. One is in use at a time: writing never waits.
 */
export class ReverseWriter {
  #buffer = scratch;
  #start = scratch.length;

  /** How many bytes have been written. */
  get length(): number {
    return this.#buffer.length - this.#start;
  }

  /** A copy of what was written, in its final order. */
  finish(): Buffer {
    scratch = this.#buffer.length > KEPT_BYTES ? Buffer.allocUnsafeSlow(SCRATCH_BYTES) : this.#buffer;
    return Buffer.from(this.#buffer.subarray(this.#start));
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** An int64 or int32 (negative ones take ten bytes, as Go writes them). */
  varint(value: number): void {
    if (value >= 0 && value < 0x80) {
      this.#reserve(1);
      this.#buffer[--this.#start] = value;
      return;
    }
    const bytes: number[] = [];
    if (value >= 0 && value < 2 ** 31) {
      let rest = value;
      for (; rest >= 0x80; rest >>= 7) bytes.push((rest & 0x7f) | 0x80);
      bytes.push(rest);
    } else {
      let rest = BigInt.asUintN(64, BigInt(value));
      for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
      bytes.push(Number(rest));
    }
    this.bytes(bytes);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#start -= 8;
    this.#buffer.writeDoubleLE(value, this.#start);
  }

  bytes(value: ArrayLike<number>): void {
    this.#reserve(value.length);
    this.#start -= value.length;
    this.#buffer.set(value, this.#start);
  }

  /** A field whose content is `value` in UTF-8. */
  string(field: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.#reserve(length);
    this.#start -= length;
    this.#buffer.write(value, this.#start, length);
    this.varint(length);
    this.tag(field, DELIMITED);
  }

  /** Closes a field whose content was written since `length` was `before`. */
  close(field: number, before: number): void {
    this.varint(this.length - before);
    this.tag(field, DELIMITED);
  }

  #reserve(bytes: number): void {
    if (this.#start >= bytes) return;
    const used = this.length;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, used + bytes));
    this.#buffer.copy(grown, grown.length - used, this.#start);
    this.#buffer = grown;
    this.#start = grown.length - used;
  }
}
