import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';
import { ProtocolError } from './frames.ts';
import { HEADER_DICTIONARY } from './header-dictionary.ts';

/** By names in lower case; several values have a zero byte between them. */
export type Headers = ReadonlyMap<string, string>;

/** What a block may grow to: a few bytes can stand for very many. */
const MAX_BLOCK_BYTES = 256 * 1024;

export function encodeHeaders(headers: Headers): Buffer {
  const parts: Buffer[] = [];
  const number = (value: number) => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32BE(value);
    parts.push(buffer);
  };
  number(headers.size);
  for (const text of [...headers].flat()) {
    const bytes = Buffer.from(text, 'utf8');
    number(bytes.length);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}

/** @throws ProtocolError */
export function decodeHeaders(block: Buffer): Headers {
  let at = 0;
  const take = (length: number) => {
    if (at + length > block.length) throw new ProtocolError('headers that are cut off');
    at += length;
    return block.subarray(at - length, at);
  };
  const text = () => take(take(4).readUInt32BE()).toString('utf8');
  const headers = new Map<string, string>();
  for (let left = take(4).readUInt32BE(); left > 0; left--) {
    const name = text();
    if (headers.has(name)) throw new ProtocolError(`the header ${JSON.stringify(name)} twice`);
    headers.set(name, text());
  }
  return headers;
}

/** Compresses the blocks of one direction of a connection, one after the other. */
export class HeaderCompressor {
  readonly #deflate = listened(createDeflate({ dictionary: HEADER_DICTIONARY }));

  compress(block: Buffer): Promise<Buffer> {
    return through(this.#deflate, block, Number.POSITIVE_INFINITY);
  }

  close(): void {
    this.#deflate.destroy();
  }
}

/** The other way. */
export class HeaderDecompressor {
  readonly #inflate = listened(createInflate({ dictionary: HEADER_DICTIONARY }));

  /** @throws ProtocolError */
  async decompress(block: Buffer): Promise<Buffer> {
    try {
      return await through(this.#inflate, block, MAX_BLOCK_BYTES);
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      throw new ProtocolError('headers that cannot be decompressed', { cause: error });
    }
  }

  close(): void {
    this.#inflate.destroy();
  }
}

/** An error that comes between two blocks is seen with the next. */
function listened<T extends Deflate | Inflate>(codec: T): T {
  codec.on('error', () => undefined);
  return codec;
}

function through(codec: Deflate | Inflate, block: Buffer, limit: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  let size = 0;
  const collect = (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) codec.destroy(new ProtocolError(`headers of more than ${limit} bytes`));
  };
  codec.on('data', collect);
  codec.once('error', reject);
  if (codec.destroyed) reject(new Error('the connection has ended'));
  else {
    codec.write(block);
    codec.flush(constants.Z_SYNC_FLUSH, () =>
      codec.errored ? reject(codec.errored) : resolve(Buffer.concat(chunks)),
    );
  }
  return promise.finally(() => {
    codec.off('data', collect);
    codec.off('error', reject);
  });
}
