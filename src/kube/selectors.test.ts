import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromLabelSelector, matchesSelector, parseFieldSelector } from './selectors.ts';

describe('label selector', () => {
  const labels = { app: 'web', tier: 'front' };

  it('joins matchLabels and matchExpressions', () => {
    const selector = fromLabelSelector({
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['back'] }],
    });
    assert.equal(matchesSelector(selector, labels), true);
    assert.equal(matchesSelector(selector, { app: 'web', tier: 'back' }), false);
  });

  for (const length of [1, 16, 17, 1000])
    it(`knows what is among ${length} values`, () => {
      const values = Array.from({ length }, (_, n) => `v${n}`);
      for (const [value, isThere] of [
        [`v${length - 1}`, true],
        [`v${length}`, false],
      ] as const)
        for (const operator of ['In', 'NotIn'] as const)
          assert.equal(
            matchesSelector([{ key: 'n', operator, values }], { n: value }),
            isThere === (operator === 'In'),
          );
    });

  for (const [operator, value, labelled, expected] of [
    ['Gt', '6', '7', true],
    ['Gt', '7', '7', false],
    ['Lt', '9223372036854775807', '9223372036854775806', true],
    ['Lt', '8', 'x', false],
  ] as const) {
    it(`${labelled} ${operator} ${value}: ${expected}`, () =>
      assert.equal(matchesSelector([{ key: 'n', operator, values: [value] }], { n: labelled }), expected));
  }
});

describe('field selector', () => {
  it('reads both signs', () => {
    assert.deepEqual(parseFieldSelector('spec.nodeName=,status.phase!=Failed'), [
      { path: 'spec.nodeName', equals: true, value: '' },
      { path: 'status.phase', equals: false, value: 'Failed' },
    ]);
  });
  it('reads commas, equal signs and backslashes behind a backslash', () =>
    assert.deepEqual(parseFieldSelector(String.raw`a=b\,c\=d\\,,e==f`), [
      { path: 'a', equals: true, value: 'b,c=d\\' },
      { path: 'e', equals: true, value: 'f' },
    ]));
  for (const [text, why] of [
    ['metadata.name', "invalid selector: 'metadata.name'; can't understand 'metadata.name'"],
    ['a=b\\', 'invalid field selector: invalid escape sequence: \\'],
    ['a=b\\c', 'invalid field selector: invalid escape sequence: \\c'],
    ['a=b=c', 'invalid field selector: unescaped character in value: 61'],
  ] as const) {
    it(`refuses ${text}`, () => assert.throws(() => parseFieldSelector(text), { message: why }));
  }
});
