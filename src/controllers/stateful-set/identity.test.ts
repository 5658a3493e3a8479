import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod, Stored } from '../../kube/index.ts';
import { makePod, makeSet } from './fixtures.ts';
import { identityMatches, isMemberOf, ordinalOf, storageMatches, withIdentity } from './identity.ts';

const set = makeSet();
const named = (name: string): Stored<Pod> => {
  const pod = makePod(set, 1, 'ready');
  return { ...pod, metadata: { ...pod.metadata, name } };
};

describe('the identity of a pod', () => {
  const names: [name: string, ordinal: number, member: boolean][] = [
    ['web-1', 1, true],
    ['web-10', 10, true],
    ['1-web', -1, false],
    ['web', -1, false],
    ['web-', -1, false],
    ['web-x', -1, false],
    ['web-2-1', 1, false],
    ['other-1', 1, false],
    // Beyond 32 bits it is no ordinal.
    ['web-2147483648', -1, false],
  ];
  for (const [name, ordinal, member] of names) {
    it(`${name}: ${ordinal}, ${member ? 'ours' : 'not ours'}`, () => {
      assert.equal(ordinalOf(named(name)), ordinal);
      assert.equal(isMemberOf(set, named(name)), member);
    });
  }

  const pod = makePod(set, 1, 'ready');
  const { metadata, spec } = pod;
  const volumes = spec?.volumes ?? [];
  const wrong: [why: string, pod: Stored<Pod>, what: 'identity' | 'storage'][] = [
    ['another name', { ...pod, metadata: { ...metadata, name: 'foo-1' } }, 'identity'],
    ['another namespace', { ...pod, metadata: { ...metadata, namespace: 'other' } }, 'identity'],
    ['no label', { ...pod, metadata: { ...metadata, labels: {} } }, 'identity'],
    ['no volumes', { ...pod, spec: { ...spec!, volumes: undefined } }, 'storage'],
    [
      'another volume',
      { ...pod, spec: { ...spec!, volumes: volumes.map((one) => ({ ...one, name: 'other' })) } },
      'storage',
    ],
    [
      'the claim of another pod',
      {
        ...pod,
        spec: {
          ...spec!,
          volumes: volumes.map((one) => ({ ...one, persistentVolumeClaim: { claimName: 'data-web-2' } })),
        },
      },
      'storage',
    ],
  ];
  it('is right when it was made', () => {
    assert.ok(identityMatches(set, pod) && storageMatches(set, pod));
  });
  for (const [why, changed, what] of wrong) {
    it(`${why}: is seen, and put right`, () => {
      assert.equal(identityMatches(set, changed), what !== 'identity');
      assert.equal(storageMatches(set, changed), what !== 'storage');
      const mended = withIdentity(set, changed, 1);
      assert.ok(identityMatches(set, mended) && storageMatches(set, mended));
    });
  }
});
