import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newClaim, newVolume } from '../../fixtures.ts';
import { capacityScore } from './capacity-score.ts';
import type { ProvisionTerms } from './provisioning.ts';

const GIB = 1024n ** 3n;
const free = { free: [] };

/** Terms of a class with so many GiB in the zone, or with an unknown amount. */
const terms = (zone: string, gib: bigint | undefined): ProvisionTerms => ({
  kind: 'somewhere',
  allowedTopologies: [],
  withCapacity: [
    {
      nodes: [{ key: 'zone', operator: 'In', values: [zone] }],
      capacityBytes: gib === undefined ? undefined : gib * GIB,
    },
  ],
});

function dynamic(...wanted: [size: string, className: string, terms: ProvisionTerms][]): number {
  const delayed = wanted.map(([size, className, its], i) => ({
    claim: newClaim(`c${i}`, { size, className }),
    candidates: free,
    terms: its,
  }));
  const provisions = delayed.map(({ claim }) => claim);
  return capacityScore({ bound: [], delayed }, { bindings: [], provisions }, { zone: 'a' });
}

describe('capacityScore', () => {
  const table: [string, number, number][] = [
    ['a quarter is taken', dynamic(['1Gi', 'x', terms('a', 4n)]), 75],
    [
      'two claims share what there is',
      dynamic(['1Gi', 'x', terms('a', 4n)], ['1Gi', 'x', terms('a', 4n)]),
      50,
    ],
    ['two classes: the mean', dynamic(['1Gi', 'x', terms('a', 4n)], ['1Gi', 'y', terms('a', 2n)]), 63],
    ['all is taken', dynamic(['4Gi', 'x', terms('a', 4n)]), 0],
    ['together too much', dynamic(['3Gi', 'x', terms('a', 4n)], ['3Gi', 'x', terms('a', 4n)]), 0],
    ['another zone', dynamic(['1Gi', 'x', terms('b', 4n)]), 0],
    ['the amount is not known', dynamic(['1Gi', 'x', terms('a', undefined)]), 0],
    ['nothing to be made', dynamic(), 0],
  ];
  for (const [what, found, wanted] of table) it(what, () => assert.equal(found, wanted));

  it('goes by the sizes of existing volumes first', () => {
    const bindings = [{ claim: newClaim('c', { size: '1Gi' }), volume: newVolume('v', { size: '2Gi' }) }];
    assert.equal(capacityScore({ bound: [], delayed: [] }, { bindings, provisions: [] }, {}), 50);
  });
});
