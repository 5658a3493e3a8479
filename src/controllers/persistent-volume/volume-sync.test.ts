import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim, Stored } from '../../kube/index.ts';
import { isReleased } from './volume-sync.ts';

const claim = (uid: string): Stored<PersistentVolumeClaim> => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'data', namespace: 'ns', uid, resourceVersion: '1', creationTimestamp: '' },
  spec: { volumeName: 'pv' },
});

const volume = (phase: string): Stored<PersistentVolume> => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: 'pv', uid: 'v', resourceVersion: '1', creationTimestamp: '' },
  spec: { claimRef: { namespace: 'ns', name: 'data', uid: 'own' } },
  status: { phase },
});

describe('whether nobody claims a volume any more', () => {
  const own = claim('own');
  const other = claim('other');
  const cases = [
    ['the cache has its claim', 'Bound', own, own, { released: false, asked: false }],
    ['the cache does not have its claim yet', 'Bound', undefined, own, { released: false, asked: true }],
    ['its claim is gone', 'Bound', undefined, undefined, { released: true, asked: true }],
    ['the cache has its claim’s predecessor', 'Bound', other, own, { released: false, asked: true }],
    ['its claim has a successor', 'Bound', other, other, { released: true, asked: true }],
    ['it was released', 'Released', undefined, undefined, { released: true, asked: false }],
    [
      'it was released, and the cache has its claim still',
      'Released',
      own,
      undefined,
      { released: true, asked: true },
    ],
    [
      'it could not be reclaimed, and the cache has its claim still',
      'Failed',
      own,
      undefined,
      { released: true, asked: true },
    ],
    ['it was released by mistake', 'Released', own, own, { released: false, asked: true }],
  ] as const;
  for (const [what, phase, cached, live, expected] of cases)
    it(what, async () => {
      let asked = false;
      const released = await isReleased(volume(phase), {
        claim: () => cached,
        async liveClaim() {
          asked = true;
          return live;
        },
      });
      assert.deepEqual({ released, asked }, expected);
    });
});
