import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Extent, mayDiffer, parseExtents, type Range, wholeBlocks, within } from './extents.ts';

const OUTPUT = `Filesystem type is: 58465342
File size of /pool/s.snap is 16777216 (16777216 blocks of 1 bytes)
 ext:     logical_offset:        physical_offset: length:   expected: flags:
   0:    20480..   24575:      40960..     45055:   4096:      20480: shared
   1:    24576..   28671:     122880..    126975:   4096:      45056:
   2:    28672..   32767:          0..      4095:   4096:     126976: encoded,shared
   3:    32768..   36863:     200000..    204095:   4096:             unwritten
   4:    36864..   40959:     204096..    208191:   4096:             last,shared,eof
/pool/s.snap: 4 extents found
`;

describe('the extents of a file', () => {
  it('are what filefrag tells: without what was never written, and without a place where it is none', () => {
    assert.deepEqual(parseExtents(OUTPUT), [
      { offset: 20480, size: 4096, place: 40960 },
      { offset: 24576, size: 4096, place: 122880 },
      { offset: 28672, size: 4096 },
      { offset: 36864, size: 4096, place: 204096 },
    ]);
  });

  it('of an empty file are none', () => {
    assert.deepEqual(
      parseExtents('Filesystem type is: 58465342\nFile size of a is 0 (0 blocks of 1 bytes)\n'),
      [],
    );
  });
});

const SIZE = 40;
/** Byte by byte: where its data is, 'here' for data without a place, nothing for a hole. */
type Bytes = readonly (number | 'here' | undefined)[];

const layout: fc.Arbitrary<readonly Extent[]> = fc
  .array(fc.record({ gap: fc.nat(5), size: fc.integer({ min: 1, max: 8 }), place: fc.option(fc.nat(4)) }), {
    maxLength: 8,
  })
  .map((pieces) => {
    let end = 0;
    return pieces.map(({ gap, size, place }) => {
      const offset = end + gap;
      end = offset + size;
      // Often where the file is itself, so that two files share much.
      return place === null ? { offset, size } : { offset, size, place: place * 100 + offset };
    });
  });

function bytesOf(extents: readonly Extent[]): Bytes {
  const bytes = new Array<number | 'here' | undefined>(200).fill(undefined);
  for (const { offset, size, place } of extents)
    for (let at = 0; at < size; at++) bytes[offset + at] = place === undefined ? 'here' : place + at;
  return bytes;
}

const positions = (ranges: Iterable<Range>) =>
  [...ranges].flatMap(({ start, end }) => Array.from({ length: end - start }, (_, at) => start + at));

describe('stretches in which files may differ', () => {
  it('are those that do not share a place, nor are holes of both', () => {
    fc.assert(
      fc.property(layout, layout, fc.nat(SIZE), fc.nat(SIZE), (base, target, start, end) => {
        const [one, other] = [bytesOf(base), bytesOf(target)];
        const expected = one.flatMap((byte, at) =>
          at >= start && at < end && (byte === 'here' ? true : byte !== other[at]) ? [at] : [],
        );
        assert.deepEqual(positions(mayDiffer(base, target, { start, end })), expected);
      }),
    );
  });
});

describe('stretches with data', () => {
  it('end where the range does', () => {
    fc.assert(
      fc.property(layout, fc.nat(SIZE), fc.nat(SIZE), (extents, start, end) => {
        const expected = bytesOf(extents).flatMap((byte, at) =>
          at >= start && at < end && byte !== undefined ? [at] : [],
        );
        assert.deepEqual(positions(within(extents, { start, end })), expected);
      }),
    );
  });

  it('become whole blocks, joined, and never more than there is', () => {
    fc.assert(
      fc.property(layout, fc.integer({ min: 1, max: 7 }), (extents, block) => {
        const all = within(extents, { start: 0, end: SIZE });
        const blocks = [...wholeBlocks(all, block, SIZE)];
        const touched = new Set(
          positions(within(extents, { start: 0, end: SIZE })).map((at) => Math.floor(at / block)),
        );
        assert.deepEqual(
          positions(blocks),
          Array.from({ length: SIZE }, (_, at) => at).filter((at) => touched.has(Math.floor(at / block))),
        );
        for (const [index, { start }] of blocks.entries()) {
          if (index > 0) assert.ok(start > blocks[index - 1]!.end, 'apart');
        }
      }),
    );
  });
});
