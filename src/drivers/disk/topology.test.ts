import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { servesTopology } from './topology.ts';

describe('servesTopology', () => {
  const pool = { 'x/host': 'a' };
  const here = { segments: { 'x/host': 'a' } };
  const elsewhere = { segments: { 'x/host': 'b' } };
  const cases: [
    what: string,
    requisite: { segments?: Record<string, string> }[] | undefined,
    met: boolean,
  ][] = [
    ['no requirements', undefined, true],
    ['none requisite', [], true],
    ['here', [here], true],
    ['elsewhere', [elsewhere], false],
    ['here or elsewhere', [elsewhere, here], true],
    ['here, and a zone that the pool knows nothing of', [{ segments: { 'x/host': 'a', zone: 'z' } }], false],
    ['a topology without segments', [{}], true],
  ];
  for (const [what, requisite, met] of cases) {
    it(`${what}: ${met ? 'yes' : 'no'}`, () =>
      assert.equal(servesTopology(requisite && { requisite }, pool), met));
  }
});
