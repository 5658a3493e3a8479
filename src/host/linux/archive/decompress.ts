import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

const FORMATS = [
  { magic: [0x1f, 0x8b], open: createGunzip },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], open: createZstdDecompress },
];

/** The content of a stream that may be compressed by gzip or zstd: its first bytes tell. */
export async function* createDecompressor(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  try {
    let head = Buffer.alloc(0);
    while (head.length < 4) {
      const { done, value } = await chunks.next();
      if (done) break;
      head = Buffer.concat([head, value]);
    }
    const whole = (async function* () {
      if (head.length > 0) yield head as Uint8Array;
      for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
    })();
    const format = FORMATS.find(({ magic }) => magic.every((byte, at) => head[at] === byte));
    if (!format) return yield* whole;
    const plain = format.open();
    // What goes wrong comes out where it is read.
    pipeline(Readable.from(whole), plain, () => undefined);
    yield* plain as AsyncIterable<Uint8Array>;
  } finally {
    await chunks.return?.();
  }
}
