import type { ReadHandle } from '../../host/index.ts';
import type { Range } from './extents.ts';

/** The smallest piece that is told of: a block of the file systems that pools are on. */
export const BLOCK_SIZE = 4096;
/** So much of each file is in memory at a time. */
const PIECE_SIZE = 1 << 20;

/**
 * The blocks of ranges, whole blocks themselves, in which two files differ, joined where they touch. What is behind the
 * end of a file is zeros.
 */
export async function* differing(
  base: ReadHandle,
  target: ReadHandle,
  ranges: Iterable<Range>,
  signal: AbortSignal,
): AsyncGenerator<Range> {
  let open: Range | undefined;
  for (const range of ranges) {
    for (let at = range.start; at < range.end; at += PIECE_SIZE) {
      signal.throwIfAborted();
      const size = Math.min(PIECE_SIZE, range.end - at);
      const [one, other] = await Promise.all([read(base, at, size), read(target, at, size)]);
      for (const { start, end } of changedBlocks(one, other)) {
        const changed = { start: at + start, end: at + end };
        if (open?.end === changed.start) open = { start: open.start, end: changed.end };
        else {
          if (open) yield open;
          open = changed;
        }
      }
    }
  }
  if (open) yield open;
}

/** The blocks in which two pieces of the same length differ. */
export function* changedBlocks(one: Uint8Array, other: Uint8Array): Generator<Range> {
  if (Buffer.compare(one, other) === 0) return;
  for (let start = 0; start < one.length; start += BLOCK_SIZE) {
    const end = Math.min(start + BLOCK_SIZE, one.length);
    if (Buffer.compare(one.subarray(start, end), other.subarray(start, end)) !== 0) yield { start, end };
  }
}

async function read(file: ReadHandle, position: number, size: number): Promise<Uint8Array> {
  const piece = Buffer.alloc(size);
  for (let done = 0; done < size; ) {
    const part = await file.read(position + done, size - done);
    if (part.length === 0) break;
    piece.set(part, done);
    done += part.length;
  }
  return piece;
}
