import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ObjectMeta, PersistentVolumeClaim, Pod, Stored, Volume } from '../../kube/index.ts';
import { podUsesClaim } from './claim-in-use.ts';

const claim = (name: string, owner?: string): Stored<PersistentVolumeClaim> => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: {
    name,
    namespace: 'default',
    uid: 'c',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    ownerReferences: owner
      ? [{ apiVersion: 'v1', kind: 'Pod', name: 'pod', uid: owner, controller: true }]
      : undefined,
  },
});
const pod = (volume: Omit<Volume, 'name'>, more: { nodeName?: string; metadata?: ObjectMeta } = {}): Pod => ({
  metadata: { name: 'pod', namespace: 'default', uid: 'p', ...more.metadata },
  spec: { containers: [], nodeName: more.nodeName, volumes: [{ name: 'v', ...volume }] },
});
const byName = { persistentVolumeClaim: { claimName: 'data' } };
const gone = { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 };

describe('podUsesClaim', () => {
  const table: [string, Pod, Stored<PersistentVolumeClaim>, boolean][] = [
    ['a pod on a node uses the claim that it names', pod(byName, { nodeName: 'n' }), claim('data'), true],
    ['a pod without a node uses nothing', pod(byName), claim('data'), false],
    ['a pod uses no other claim', pod(byName, { nodeName: 'n' }), claim('other'), false],
    [
      'a pod that is done still uses the claim that it names',
      { ...pod(byName, { nodeName: 'n' }), status: { phase: 'Succeeded' } },
      claim('data'),
      true,
    ],
    [
      'a pod of another namespace does not',
      pod(byName, { nodeName: 'n', metadata: { namespace: 'other' } }),
      claim('data'),
      false,
    ],
    [
      'a pod uses the claim made for it',
      pod({ ephemeral: {} }, { nodeName: 'n' }),
      claim('pod-v', 'p'),
      true,
    ],
    [
      'but not a claim of that name made for another',
      pod({ ephemeral: {} }, { nodeName: 'n' }),
      claim('pod-v', 'q'),
      false,
    ],
    [
      'nor once the kubelet is done with the pod',
      pod({ ephemeral: {} }, { nodeName: 'n', metadata: gone }),
      claim('pod-v', 'p'),
      false,
    ],
  ];
  for (const [name, given, wanted, expected] of table) {
    it(name, () => assert.equal(podUsesClaim(given, wanted), expected));
  }
});
