import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compareQuantity, formatBytes, isQuantity, quantityMilliValue, quantityValue } from './quantity.ts';

describe('quantity', () => {
  for (const [text, value] of [
    ['0', 0n],
    ['1', 1n],
    ['1Ki', 1024n],
    ['1.5Gi', 1610612736n],
    ['.5Ki', 512n],
    ['1k', 1000n],
    ['2E', 2_000_000_000_000_000_000n],
    ['1Ei', 1152921504606846976n],
    ['1e3', 1000n],
    ['12E2', 1200n],
    ['100m', 1n],
    ['1500m', 2n],
    ['-1500m', -1n],
    ['1n', 1n],
    ['7Ei', 8_070_450_532_247_928_832n],
    ['8Ei', 2n ** 63n - 1n],
    ['9223372036854775807Ki', 2n ** 63n - 1n],
    ['100E', 100n * 10n ** 18n],
    ['9'.repeat(40), BigInt('9'.repeat(40))],
    ['0000000001Gi', 1n << 30n],
    ['1e-400', 1n],
    [`1.${'0'.repeat(500)}1`, 2n],
  ] as const) {
    it(`${text} is ${value} when rounded up`, () => assert.equal(quantityValue(text), value));
  }

  it('keeps thousandths', () => {
    assert.equal(quantityMilliValue('250m'), 250n);
    assert.equal(quantityMilliValue('0.1'), 100n);
    assert.equal(quantityMilliValue('2'), 2000n);
  });

  for (const text of ['', 'Gi', '1 Gi', '1gi', '1.2.3', '0x10', 'abc', '1Kii', '--1']) {
    it(`${JSON.stringify(text)} is no quantity`, () => assert.equal(isQuantity(text), false));
  }

  it('compares across suffixes', () => {
    assert.equal(compareQuantity('1Gi', '1024Mi'), 0);
    assert.equal(compareQuantity('1G', '1Gi'), -1);
    assert.equal(compareQuantity('1', undefined), 1);
  });

  it('prints bytes in the largest binary unit that divides them, and reads them back', () => {
    assert.equal(formatBytes(1n << 30n), '1Gi');
    assert.equal(formatBytes(1500n), '1500');
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 1n << 62n }),
        (bytes) => quantityValue(formatBytes(bytes)) === bytes,
      ),
    );
  });

  it('is exact, however many digits follow', () => {
    const naive = (whole: string, fraction: string, twos: number) => {
      const scaled = (BigInt(`${whole}${fraction}`) << BigInt(twos)) * 1000n;
      const by = 10n ** BigInt(fraction.length);
      return (scaled + by - 1n) / by;
    };
    const digits = (least: number, most: number) =>
      fc
        .array(fc.integer({ min: 0, max: 9 }), { minLength: least, maxLength: most })
        .map((list) => list.join(''));
    fc.assert(
      fc.property(digits(1, 6), digits(1, 120), (whole, fraction) => {
        assert.equal(quantityMilliValue(`${whole}.${fraction}`), naive(whole, fraction, 0));
        assert.equal(quantityMilliValue(`${whole}.${fraction}Mi`), naive(whole, fraction, 20));
      }),
    );
  });

  it('takes a text of a million digits in its stride', () => {
    const million = '9'.repeat(1_000_000);
    const before = process.cpuUsage();
    for (const text of [million, `${million}Ki`, `1e${million}`, `1e-${million}`, `${million}m`])
      assert.ok(!isQuantity(text), text.slice(0, 3));
    for (const text of [`0.${million}`, `1.${million}Gi`, `${'0'.repeat(1_000_000)}1`])
      assert.ok(isQuantity(text), text.slice(0, 3));
    const { user, system } = process.cpuUsage(before);
    // Made a number of, each would take seconds.
    assert.ok(user + system < 1_000_000, `${(user + system) / 1000} ms`);
  });

  it('sees of a long text that it is none', () => assert.ok(!isQuantity(`${'0'.repeat(1_000_000)}x`)));
});
