import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersistentVolumeClaim, Pod, Stored, Volume } from '../../../kube/index.ts';
import { Cache } from '../../cache.ts';
import { ADD, DELETE } from '../../cluster-events.ts';
import { newClaim, newNodeInfo, newPod } from '../../fixtures.ts';
import { podInfo } from '../../pod-info.ts';
import { helps, listerOf, verdict } from '../fixtures.ts';
import { volumeRestrictions } from '../volume-restrictions.ts';

// The cases of volumerestrictions/volume_restrictions_test.go under their names.

const CONFLICT = 'node(s) had no available disk';
const IN_USE =
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';

/** Of each kind of disk: one, and another. */
const DISKS: Readonly<Record<string, readonly [one: Volume, other: Volume]>> = {
  GCE: [
    { name: 'v', gcePersistentDisk: { pdName: 'foo' } },
    { name: 'v', gcePersistentDisk: { pdName: 'bar' } },
  ],
  AWS: [
    { name: 'v', awsElasticBlockStore: { volumeID: 'foo' } },
    { name: 'v', awsElasticBlockStore: { volumeID: 'bar' } },
  ],
  RBD: [
    { name: 'v', rbd: { monitors: ['a', 'b'], pool: 'foo', image: 'bar', fsType: 'ext4' } },
    { name: 'v', rbd: { monitors: ['c', 'd'], pool: 'foo', image: 'bar', fsType: 'ext4' } },
  ],
  ISCSI: [
    {
      name: 'v',
      iscsi: { targetPortal: '127.0.0.1:3260', iqn: 'iqn.2016-12.server:storage.target01', lun: 0 },
    },
    {
      name: 'v',
      iscsi: { targetPortal: '127.0.0.1:3260', iqn: 'iqn.2017-12.server:storage.target01', lun: 0 },
    },
  ],
};

function rule(claims: readonly Stored<PersistentVolumeClaim>[] = [], existing: readonly Stored<Pod>[] = []) {
  const cluster = new Cache();
  for (const pod of existing) cluster.setPod(pod);
  return volumeRestrictions({ claims: listerOf<PersistentVolumeClaim>(...claims), cluster });
}

const withDisk = (name: string, ...volumes: Volume[]) => podInfo(newPod(name, { volumes }));

for (const [kind, [one, other]] of Object.entries(DISKS)) {
  describe(`Test${kind}DiskConflicts`, () => {
    const cases: readonly (readonly [string, Volume[], Volume[], string])[] = [
      ['nothing', [], [], 'fits'],
      ['one state', [], [one], 'fits'],
      ['same state', [one], [one], CONFLICT],
      ['different state', [other], [one], 'fits'],
      ["pod with a volume that doesn't have restrictions", [{ name: 'v', emptyDir: {} }], [], 'fits'],
    ];
    for (const [name, mine, theirs, expected] of cases) {
      it(name, () => {
        const node = newNodeInfo('node-1', {}, theirs.length > 0 ? [withDisk('there', ...theirs)] : []);
        assert.equal(verdict(rule(), withDisk('new', ...mine), node), expected);
      });
    }
  });
}

describe('TestAccessModeConflicts', () => {
  const pod = (name: string, ...claims: string[]) => newPod(name, { claims, nodeName: 'node-1' });
  const onePVC = pod('pod-with-one-pvc', 'claim-with-rwop-1');
  const twoPVCs = pod('pod-with-two-pvcs', 'claim-with-rwop-1', 'claim-with-rwop-2');
  const oneConflict = pod('pod-with-one-conflict', 'claim-with-rwop-1');
  const twoConflicts = pod('pod-with-two-conflicts', 'claim-with-rwop-1', 'claim-with-rwop-2');
  const many = pod('pod-with-rwx', 'claim-with-rwx');
  const [rwop1, rwop2] = [1, 2].map((n) =>
    newClaim(`claim-with-rwop-${n}`, { accessModes: ['ReadWriteOncePod'] }),
  );
  const rwx = newClaim('claim-with-rwx', { accessModes: ['ReadWriteMany'] });
  const cases: readonly (readonly [
    string,
    Stored<Pod>,
    readonly Stored<Pod>[],
    readonly Stored<PersistentVolumeClaim>[],
    string,
  ])[] = [
    ['nothing', pod('none'), [], [], 'fits'],
    ['failed to get PVC', onePVC, [], [], 'persistentvolumeclaim "claim-with-rwop-1" not found'],
    ['no access mode conflict', onePVC, [many], [rwop1!, rwx], 'fits'],
    ['access mode conflict, unschedulable', oneConflict, [onePVC, many], [rwop1!, rwx], IN_USE],
    ['two conflicts, unschedulable', twoConflicts, [twoPVCs, many], [rwop1!, rwop2!, rwx], IN_USE],
  ];
  for (const [name, wanted, existing, claims, expected] of cases) {
    it(name, () => {
      const node = newNodeInfo('node-1', {}, existing.map(podInfo));
      assert.equal(verdict(rule(claims, existing), podInfo(wanted), node), expected);
    });
  }
});

describe('Test_isSchedulableAfterPodDeleted', () => {
  for (const [kind, [one, other]] of Object.entries(DISKS)) {
    const deleted = (volume: Volume) => newPod('deleted', { volumes: [volume] });
    const disk = kind.toLowerCase();
    it(`queue-new-object-${disk}disk-conflict`, () =>
      assert.equal(helps(rule(), withDisk('p', one), 'Pod', DELETE, deleted(one)), true));
    it(`skip-new-object-${disk}disk-no-conflict`, () =>
      assert.equal(helps(rule(), withDisk('p', one), 'Pod', DELETE, deleted(other)), false));
  }
  const pod = (name: string, claim: string) => newPod(name, { claims: [claim] });
  it('queue-has-same-claim', () => {
    const waiting = podInfo(pod('pod1', 'claim-rwop'));
    assert.equal(helps(rule(), waiting, 'Pod', DELETE, pod('pod2', 'claim-rwop')), true);
  });
  it('skip-no-same-claim', () => {
    const waiting = podInfo(pod('pod1', 'claim-1-rwop'));
    assert.equal(helps(rule(), waiting, 'Pod', DELETE, pod('pod2', 'claim-2-rwop')), false);
  });
});

describe('Test_isSchedulableAfterPersistentVolumeClaimChange', () => {
  const one = newPod('pod-with-one-pvc', { claims: ['claim-with-rwx-1'] });
  const two = newPod('pod-with-two-pvcs', { claims: ['claim-with-rwx-1', 'claim-with-rwx-2'] });
  const elsewhere = { ...one, metadata: { ...one.metadata, namespace: 'kube-system' } };
  const [first, second] = [1, 2].map((n) =>
    newClaim(`claim-with-rwx-${n}`, { accessModes: ['ReadWriteMany'] }),
  );
  const cases: readonly (readonly [string, Stored<Pod>, Stored<PersistentVolumeClaim>, boolean])[] = [
    ['queue-new-object-pvc-belong-pod', two, first!, true],
    ['skip-new-object-unused', one, second!, false],
    ['skip-new-object-namespace-not-equal-pod', elsewhere, first!, false],
  ];
  for (const [name, waiting, added, expected] of cases) {
    it(name, () =>
      assert.equal(helps(rule(), podInfo(waiting), 'PersistentVolumeClaim', ADD, undefined, added), expected),
    );
  }
});
