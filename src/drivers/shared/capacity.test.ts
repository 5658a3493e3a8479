import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Code, CsiStatus } from '../../csi/index.ts';
import { grownSize, sizeFits, volumeSize } from './capacity.ts';

const MIB = 1n << 20n;
const GIB = 1n << 30n;
const failsWith = (code: Code) => (error: unknown) => error instanceof CsiStatus && error.code === code;

describe('volumeSize', () => {
  const cases: [what: string, required: bigint, limit: bigint, minimum: bigint, size: bigint | 'none'][] = [
    ['nothing asked: the default', 0n, 0n, MIB, GIB],
    ['whole MiB stay', 5n * MIB, 0n, MIB, 5n * MIB],
    ['others go up', 5n * MIB + 1n, 0n, MIB, 6n * MIB],
    ['one byte', 1n, 0n, MIB, MIB],
    ['up to the limit', 5n * MIB + 1n, 6n * MIB, MIB, 6n * MIB],
    ['no whole MiB in between', 5n * MIB + 1n, 5n * MIB + 2n, MIB, 'none'],
    ['a limit alone below the default', 0n, 10n * MIB, MIB, 10n * MIB],
    ['a limit alone goes down', 0n, 10n * MIB + 5n, MIB, 10n * MIB],
    ['a limit alone above the default', 0n, 5n * GIB, MIB, GIB],
    ['a limit below the unit', 0n, MIB - 1n, MIB, 'none'],
    ['the file system needs more', MIB, 0n, 300n * MIB, 300n * MIB],
    ['the file system needs more than the limit', MIB, 10n * MIB, 300n * MIB, 'none'],
    ['more than the limit', 2n * GIB, GIB, MIB, 'none'],
    ['negative', -1n, 0n, MIB, 'none'],
  ];
  for (const [what, requiredBytes, limitBytes, minimum, size] of cases) {
    it(what, () => {
      const make = () => volumeSize({ requiredBytes, limitBytes }, minimum);
      if (size === 'none') assert.throws(make, failsWith(Code.OUT_OF_RANGE));
      else assert.equal(make(), size);
    });
  }

  it('no range at all: the default', () => assert.equal(volumeSize(undefined), GIB));

  it('always fits its own request, and fails only when nothing would', () => {
    const bytes = fc.bigInt({ min: 0n, max: 4n * GIB });
    fc.assert(
      fc.property(bytes, bytes, (requiredBytes, limitBytes) => {
        const range = { requiredBytes, limitBytes };
        const top = limitBytes - (limitBytes % MIB);
        const possible = limitBytes === 0n || (top >= MIB && top >= requiredBytes);
        if (!possible) assert.throws(() => volumeSize(range), failsWith(Code.OUT_OF_RANGE));
        else {
          const size = volumeSize(range);
          assert.ok(sizeFits(size, range) && size % MIB === 0n && size > 0n);
        }
      }),
    );
  });
});

describe('sizeFits', () => {
  const cases: [size: bigint, required: bigint, limit: bigint, fits: boolean][] = [
    [10n, 10n, 10n, true],
    [10n, 0n, 0n, true],
    [10n, 11n, 0n, false],
    [10n, 5n, 9n, false],
    [10n, 5n, 0n, true],
  ];
  for (const [size, requiredBytes, limitBytes, fits] of cases) {
    it(`${size} ${fits ? 'fits' : 'does not fit'} ${requiredBytes}..${limitBytes || ''}`, () =>
      assert.equal(sizeFits(size, { requiredBytes, limitBytes }), fits));
  }
});

describe('the size that a volume grows to', () => {
  const volume = { id: 'v', sizeBytes: `${16n * MIB}` };
  const range = (required: bigint, limit = 0n) => ({ requiredBytes: required, limitBytes: limit });

  it('is in whole MiB, and no less than it has', () => {
    assert.equal(grownSize(volume, range(32n * MIB)), 32n * MIB);
    assert.equal(grownSize(volume, range(16n * MIB + 1n)), 17n * MIB);
    assert.equal(grownSize(volume, range(MIB)), 16n * MIB);
    assert.equal(grownSize(volume, range(0n, 20n * MIB)), 16n * MIB);
  });

  it('is refused when the volume would have to shrink, or there is no such size', () => {
    const refused = (given: ReturnType<typeof range>, details: RegExp) =>
      assert.throws(
        () => grownSize(volume, given),
        (error) =>
          error instanceof CsiStatus && error.code === Code.OUT_OF_RANGE && details.test(error.message),
      );
    refused(range(MIB, 8n * MIB), /a volume never shrinks/);
    refused(range(20n * MIB + 1n, 20n * MIB + 2n), /in whole MiB/);
    refused(range(-1n), /must not be negative/);
  });

  it('serves what was asked, or is refused', () => {
    const bytes = fc.bigInt({ min: 0n, max: 64n * MIB });
    fc.assert(
      fc.property(bytes, bytes, (required, limit) => {
        let size: bigint;
        try {
          size = grownSize(volume, range(required, limit));
        } catch (error) {
          assert.ok(error instanceof CsiStatus);
          return;
        }
        assert.ok(size >= required && size >= 16n * MIB && size % MIB === 0n);
        assert.ok(limit === 0n || size <= limit);
      }),
    );
  });
});
