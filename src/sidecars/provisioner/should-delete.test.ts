import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '../../kube/index.ts';
import { finalizerChange, isVolumeOf, shouldDelete } from './should-delete.ts';
import { shouldProvision } from './should-provision.ts';

const FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer';
const volume = (
  policy: string,
  phase: string,
  more: PersistentVolume['metadata'] = {},
): PersistentVolume => ({
  metadata: more,
  spec: { persistentVolumeReclaimPolicy: policy },
  status: { phase },
});
const kept = { finalizers: [FINALIZER] };
const going = { deletionTimestamp: '2026-01-01T00:00:00Z' };

describe('shouldDelete', () => {
  const table: [string, PersistentVolume, boolean][] = [
    ['a Released volume with policy Delete goes', volume('Delete', 'Released'), true],
    ['a Released volume with policy Retain stays', volume('Retain', 'Released'), false],
    ['a Bound volume stays', volume('Delete', 'Bound'), false],
    ['a Failed volume stays', volume('Delete', 'Failed'), false],
    [
      'a volume deleted by a user goes as long as it is kept',
      volume('Delete', 'Released', { ...kept, ...going }),
      true,
    ],
    ['and is not deleted twice', volume('Delete', 'Released', going), false],
    ['a Bound volume deleted by a user stays', volume('Delete', 'Bound', { ...kept, ...going }), false],
  ];
  for (const [name, given, expected] of table) it(name, () => assert.equal(shouldDelete(given), expected));
});

describe('finalizerChange', () => {
  const table: [string, PersistentVolume, boolean | undefined][] = [
    ['added to a Bound volume', volume('Delete', 'Bound'), true],
    ['there already', volume('Delete', 'Bound', kept), undefined],
    ['not added before the volume is Bound', volume('Delete', 'Available'), undefined],
    ['not added to a volume that is going', volume('Delete', 'Bound', going), undefined],
    ['removed when the policy becomes Retain', volume('Retain', 'Bound', kept), false],
    ['not wanted with Retain', volume('Retain', 'Bound'), undefined],
  ];
  for (const [name, given, expected] of table) it(name, () => assert.equal(finalizerChange(given), expected));
});

describe('isVolumeOf', () => {
  const by = (annotations: Record<string, string>, driver?: string): PersistentVolume => ({
    metadata: { annotations },
    spec: driver ? { csi: { driver, volumeHandle: 'v' } } : {},
  });
  const table: [string, PersistentVolume, boolean][] = [
    ['made by the driver', by({ 'pv.kubernetes.io/provisioned-by': 'd' }), true],
    ['made by another', by({ 'pv.kubernetes.io/provisioned-by': 'e' }, 'd'), false],
    ['made by hand', by({}, 'd'), true],
    [
      'migrated',
      by({ 'pv.kubernetes.io/provisioned-by': 'kubernetes.io/x', 'pv.kubernetes.io/migrated-to': 'd' }),
      true,
    ],
    ['of no driver', by({}), false],
  ];
  for (const [name, given, expected] of table) it(name, () => assert.equal(isVolumeOf(given, 'd'), expected));
});

describe('shouldProvision', () => {
  const storageClass = (volumeBindingMode: string): StorageClass => ({ provisioner: 'd', volumeBindingMode });
  const claim = (annotations: Record<string, string>, volumeName?: string): PersistentVolumeClaim => ({
    metadata: { annotations },
    spec: { storageClassName: 'c', volumeName },
  });
  const asked = { 'volume.kubernetes.io/storage-provisioner': 'd' };
  const selected = { ...asked, 'volume.kubernetes.io/selected-node': 'n' };
  const table: [string, PersistentVolumeClaim, string, boolean][] = [
    ['nobody asked', claim({}), 'Immediate', false],
    ['another was asked', claim({ 'volume.kubernetes.io/storage-provisioner': 'e' }), 'Immediate', false],
    ['asked', claim(asked), 'Immediate', true],
    [
      'asked in the old way',
      claim({ 'volume.beta.kubernetes.io/storage-provisioner': 'd' }),
      'Immediate',
      true,
    ],
    ['has a volume', claim(asked, 'pv'), 'Immediate', false],
    ['no node yet', claim(asked), 'WaitForFirstConsumer', false],
    ['a node was selected', claim(selected), 'WaitForFirstConsumer', true],
  ];
  for (const [name, given, mode, expected] of table) {
    it(name, () =>
      assert.equal(
        shouldProvision(given, 'd', () => storageClass(mode)),
        expected,
      ),
    );
  }
  it('cannot say without the class', () => {
    assert.throws(() => shouldProvision(claim(asked), 'd', () => undefined), /storageClass "c" not found/);
  });
});
