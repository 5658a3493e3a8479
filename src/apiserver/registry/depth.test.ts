import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTooDeep, MAX_DEPTH } from './depth.ts';

const nested = (levels: number, value: unknown = 1): unknown => {
  let result = value;
  for (let level = 0; level < levels; level++) result = level % 2 ? [result] : { a: result, b: 1 };
  return result;
};

describe('depth', () => {
  for (const [what, value, below, tooDeep] of [
    ['no level at all', 1, MAX_DEPTH, false],
    ['null', null, MAX_DEPTH, false],
    ['as many as there may be', nested(MAX_DEPTH), 0, false],
    ['one more', nested(MAX_DEPTH + 1), 0, true],
    ['an empty list below all of them', [], MAX_DEPTH, true],
    ['as many as are left', nested(MAX_DEPTH - 7), 7, false],
    ['one more than are left', nested(MAX_DEPTH - 6), 7, true],
    ['far more than the stack holds', nested(200_000), 0, true],
  ] as const)
    it(`${what}: ${tooDeep ? 'too deep' : 'fine'}`, () => assert.equal(isTooDeep(value, below), tooDeep));
});
