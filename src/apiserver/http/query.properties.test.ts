import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseNano, StatusError } from '../../kube/index.ts';
import { canonicalQuantity } from '../registry/schema/quantity-format.ts';
import { integer, parseQuery, readParameters } from './query.ts';

describe('a query', () => {
  it('is read as any', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '=', '&', '%41', '%', '+', '\n', 'é') });
    fc.assert(
      fc.property(text, (query) => assert.deepEqual([...parseQuery(query)], [...new URLSearchParams(query)])),
      { numRuns: 500 },
    );
  });
});

describe('a resourceVersion', () => {
  it('is a number of 64 bits without a sign, or the request is a bad one', () => {
    const text = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
    );
    fc.assert(
      fc.property(text, (resourceVersion) => {
        const read = () =>
          readParameters(new URLSearchParams({ resourceVersion }), false).list.resourceVersion;
        const fits = /^\d+$/.test(resourceVersion) && BigInt(resourceVersion) < 2n ** 64n;
        if (fits) assert.equal(read(), resourceVersion);
        else assert.throws(read, (error) => error instanceof StatusError && error.code === 400);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a number in a query', () => {
  it('is one of 64 bits, or the request is a bad one', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ minLength: 1 }), fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String)),
        (limit) => {
          const read = () => integer(new URLSearchParams({ limit }), 'limit');
          const fits =
            /^[+-]?\d+$/.test(limit) &&
            BigInt.asIntN(64, BigInt(limit.replace('+', ''))) === BigInt(limit.replace('+', ''));
          // Not Number(limit): -0 is 0 here.
          if (fits) assert.equal(read(), Number(BigInt(limit.replace('+', ''))));
          else assert.throws(read, (error) => error instanceof StatusError && error.code === 400);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('a quantity', () => {
  it('keeps its value in its canonical form, which is its own', () => {
    const units = [
      '',
      'n',
      'u',
      'm',
      'k',
      'M',
      'G',
      'T',
      'P',
      'E',
      'Ki',
      'Mi',
      'Gi',
      'Ti',
      'Pi',
      'Ei',
      'e3',
      'E-3',
      'e12',
    ];
    const digits = fc.tuple(
      fc.integer({ min: -(10 ** 6), max: 10 ** 6 }),
      fc.nat({ max: 999 }),
      fc.boolean(),
    );
    fc.assert(
      fc.property(digits, fc.constantFrom(...units), ([whole, fraction, hasFraction], unit) => {
        const text = `${whole}${hasFraction ? `.${fraction}` : ''}${unit}`;
        const form = canonicalQuantity(text)!;
        assert.equal(parseNano(canonicalQuantity(form)!), parseNano(form), text);
        // A binary value that no power of 1024 divides has no suffix, and is a decimal one to the next reader: 20000, 20k.
        if (!unit.endsWith('i') || form.endsWith('i')) assert.equal(canonicalQuantity(form), form, text);
        // Binary values are rounded up to whole ones, as upstream does; the others keep all they have.
        if (!unit.endsWith('i')) assert.equal(parseNano(form), parseNano(text), text);
      }),
      { numRuns: 500 },
    );
  });

  it('of any text is one or is not, at once', () => {
    for (const text of [
      '1e9999999999',
      '1e-9999999999',
      '9'.repeat(1_000),
      `0.${'0'.repeat(1_000)}1`,
      '1e1001',
      '',
      '.',
      '+',
      'e3',
    ])
      assert.doesNotThrow(() => canonicalQuantity(text), text.slice(0, 20));
    fc.assert(fc.property(fc.string(), (text) => void canonicalQuantity(text)));
  });
});
