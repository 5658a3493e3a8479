import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type CSINode,
  type PersistentVolumeClaim,
  type Pod,
  type Stored,
  type Volume,
  type VolumeAttachment,
  volumeAttachments,
} from '../../../kube/index.ts';
import { ADD, DELETE, UPDATE } from '../../cluster-events.ts';
import { newClaim, newPod, stored } from '../../fixtures.ts';
import { podInfo } from '../../pod-info.ts';
import { helps, listerOf } from '../fixtures.ts';
import { nodeVolumeLimits } from '../node-volume-limits.ts';
import { FakeCluster } from './fake-cluster.test-support.ts';

// The queueing hints of nodevolumelimits/csi_test.go under their names.

const EBS = 'ebs.csi.aws.com';
const rule = nodeVolumeLimits({
  claims: listerOf(),
  volumes: listerOf(),
  classes: listerOf(),
  csiNodes: listerOf(),
  attachments: new FakeCluster().informers.of(volumeAttachments),
});
const pod = (...claims: string[]) => newPod('p', { claims });
const withVolumes = (...volumes: Volume[]) => newPod('p', { volumes });
const inline = (volumeID: string): Volume => ({ name: 'i', awsElasticBlockStore: { volumeID } });

describe('TestCSILimitsQHint', () => {
  const table: readonly [string, Stored<Pod>, boolean][] = [
    [
      'return a Queue when a deleted pod has a PVC',
      newPod('d', { nodeName: 'n', claims: ['placeholder'] }),
      true,
    ],
    [
      'return a Queue when a deleted pod has a inline migratable volume',
      newPod('d', { nodeName: 'n', volumes: [inline('')] }),
      true,
    ],
    ["return a QueueSkip when a deleted pod doesn't have any volume", newPod('d', { nodeName: 'n' }), false],
    [
      'return a QueueSkip when a deleted pod is not scheduled.',
      newPod('d', { claims: [`csi-${EBS}-0`] }),
      false,
    ],
  ];
  for (const [name, deleted, expected] of table) {
    it(name, () => assert.equal(helps(rule, podInfo(pod(`csi-${EBS}-2`)), 'Pod', DELETE, deleted), expected));
  }
});

describe('TestCSILimitsAddedPVCQHint', () => {
  const elsewhere = newClaim('pvc1');
  const table: readonly [string, Stored<Pod>, Stored<PersistentVolumeClaim>, boolean][] = [
    [
      "a pod isn't in the same namespace as an added PVC",
      pod('pvc1'),
      { ...elsewhere, metadata: { ...elsewhere.metadata, namespace: 'ns2' } },
      false,
    ],
    ['a pod is in the same namespace as an added PVC', pod('pvc1'), newClaim('pvc1'), true],
    [
      'a pod has an ephemeral volume related to an added PVC',
      newPod('pod1', { volumes: [{ name: 'ephemeral', ephemeral: {} }] }),
      newClaim('pod1-ephemeral'),
      true,
    ],
    ["a pod doesn't have the same PVC as an added PVC", pod('pvc1'), newClaim('pvc2'), false],
    ["a pod doesn't have any PVC attached", pod(), newClaim('pvc2'), false],
  ];
  for (const [name, waiting, added, expected] of table) {
    it(name, () =>
      assert.equal(helps(rule, podInfo(waiting), 'PersistentVolumeClaim', ADD, undefined, added), expected),
    );
  }
});

describe('TestCSILimitsDeletedVolumeAttachmentQHint', () => {
  const attachment = (attacher: string, persistentVolumeName?: string) =>
    stored<VolumeAttachment>('VolumeAttachment', 'va', {
      spec: { nodeName: 'fake-node', attacher, source: { persistentVolumeName } },
    });
  const gce: Volume = { name: 'g', gcePersistentDisk: { pdName: 'test' } };
  const both = newPod('p', { volumes: [inline('test')], claims: ['pvc1'] });
  const table: readonly [string, Stored<Pod>, Stored<VolumeAttachment>, boolean][] = [
    [
      'a pod has PVC when VolumeAttachment is deleting',
      pod('pvc1'),
      attachment('test.storage.gke.io', 'pv1'),
      true,
    ],
    [
      'a pod has an Inline Migratable volume (AWSEBSDriver) when VolumeAttachment (AWSEBSDriver) is deleting (match)',
      withVolumes(inline('test')),
      attachment(EBS),
      true,
    ],
    [
      'a pod has an Inline Migratable volume (GCEPDDriver) when VolumeAttachment (AWSEBSDriver) is deleting (no match)',
      withVolumes(gce),
      attachment(EBS),
      false,
    ],
    [
      'a pod has an Inline Migratable volume (AWSEBSDriver) and PVC when VolumeAttachment (AWSEBSDriver) is deleting',
      both,
      attachment(EBS),
      true,
    ],
    [
      'a pod has an Inline Migratable volume (AWSEBSDriver) and PVC when VolumeAttachment (AWSEBSDriver)  is deleting',
      both,
      attachment('test.storage.gke.io', 'pv1'),
      true,
    ],
    [
      'a pod has no PVC when VolumeAttachment is deleting',
      pod(),
      attachment('test.storage.gke.io', 'pv1'),
      false,
    ],
  ];
  for (const [name, waiting, deleted, expected] of table) {
    it(name, () =>
      assert.equal(helps(rule, podInfo(waiting), 'VolumeAttachment', DELETE, deleted), expected),
    );
  }
});

describe('TestCSILimitsAfterCSINodeUpdatedQHint', () => {
  const csiNode = (count: number) =>
    stored<CSINode>('CSINode', 'test-node', {
      spec: { drivers: [{ name: EBS, nodeID: 'test-node', allocatable: { count } }] },
    });
  const table: readonly [string, number, number, boolean][] = [
    ['limit raised, queue', 1, 2, true],
    ['limit decreased, skip queueing', 2, 1, false],
    ['limit unchanged, skip queueing', 1, 1, false],
  ];
  for (const [name, before, after, expected] of table) {
    it(name, () =>
      assert.equal(
        helps(rule, podInfo(pod(`csi-${EBS}-0`)), 'CSINode', UPDATE, csiNode(before), csiNode(after)),
        expected,
      ),
    );
  }
});
