import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersistentVolume, Stored } from '../../../kube/index.ts';
import { newClaim, newNode, newVolume } from '../../fixtures.ts';
import { candidatesFor, findMatchingVolume } from './find-matching-volume.ts';

const node = newNode('n1', { labels: { zone: 'a' } });
const claim = newClaim('data', { size: '2Gi' });
const find = (volumes: readonly Stored<PersistentVolume>[], wanted = claim, taken: string[] = []) =>
  findMatchingVolume(candidatesFor(wanted, volumes), node, new Set(taken))?.metadata.name;

describe('findMatchingVolume', () => {
  const cases: readonly [string, Stored<PersistentVolume>[], string | undefined][] = [
    [
      'the smallest that is large enough',
      [newVolume('l', { size: '9Gi' }), newVolume('m', { size: '3Gi' }), newVolume('s', { size: '1Gi' })],
      'm',
    ],
    ['not one of another class', [newVolume('v', { size: '2Gi', className: 'other' })], undefined],
    ['not one of another mode', [newVolume('v', { size: '2Gi', volumeMode: 'Block' })], undefined],
    [
      'not one without the access mode',
      [newVolume('v', { size: '2Gi', accessModes: ['ReadOnlyMany'] })],
      undefined,
    ],
    ['not one that is not Available', [newVolume('v', { size: '2Gi', phase: 'Released' })], undefined],
    [
      'not one that another claim has',
      [newVolume('v', { size: '2Gi', claim: { name: 'other' } })],
      undefined,
    ],
    [
      'not one that the node cannot reach',
      [
        newVolume('far', { size: '2Gi', reach: ['zone', 'b'] }),
        newVolume('near', { size: '3Gi', reach: ['zone', 'a'] }),
      ],
      'near',
    ],
    [
      'the one that is held for the claim before a better one',
      [
        newVolume('v', { size: '2Gi' }),
        newVolume('held', { size: '9Gi', phase: 'Pending', claim: { name: 'data' } }),
      ],
      'held',
    ],
    [
      'none when the one that is held cannot be reached',
      [
        newVolume('v', { size: '2Gi' }),
        newVolume('held', { size: '9Gi', reach: ['zone', 'b'], claim: { name: 'data' } }),
      ],
      undefined,
    ],
    [
      'another when the one that is held is too small',
      [newVolume('v', { size: '2Gi' }), newVolume('held', { size: '1Gi', claim: { name: 'data' } })],
      'v',
    ],
    [
      'not one held for an earlier claim of that name',
      [newVolume('v', { size: '2Gi', claim: { name: 'data', uid: 'old' } })],
      undefined,
    ],
  ];
  for (const [fact, volumes, expected] of cases) it(fact, () => assert.equal(find(volumes), expected));

  it('leaves what another claim of the pod has taken', () => {
    const volumes = [newVolume('a', { size: '2Gi' }), newVolume('b', { size: '3Gi' })];
    assert.equal(find(volumes, claim, ['a']), 'b');
  });

  it('goes by the selector of the claim', () => {
    const volumes = [newVolume('a', { size: '2Gi' }), newVolume('b', { size: '3Gi', labels: { tier: 'x' } })];
    assert.equal(find(volumes, newClaim('data', { selector: { tier: 'x' } })), 'b');
  });
});
