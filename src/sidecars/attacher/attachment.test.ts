import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { csi } from '../../csi/index.ts';
import {
  attacherFinalizer,
  type CSINode,
  type PersistentVolume,
  type PersistentVolumeSpec,
  type Stored,
  type VolumeAttachment,
} from '../../kube/index.ts';
import { volumeCapability } from '../shared/volume-capability.ts';
import {
  ANN_NODE_ID,
  attachedStatus,
  attachmentSource,
  needsWork,
  nodeIdOf,
  shortened,
} from './attachment.ts';

const { VolumeCapability_AccessMode_Mode: Mode } = csi;

describe('volumeCapability', () => {
  it('is the file system or the block device that is asked', () => {
    const spec: PersistentVolumeSpec = {
      accessModes: ['ReadWriteOnce'],
      mountOptions: ['noatime'],
      csi: { driver: 'd', volumeHandle: 'h', fsType: 'xfs' },
    };
    const accessMode = { mode: Mode.SINGLE_NODE_WRITER };
    const mount = (fsType: string) => ({
      accessType: { case: 'mount', value: { fsType, mountFlags: ['noatime'] } },
      accessMode,
    });
    assert.deepEqual(volumeCapability(spec, false), mount('xfs'));
    const plain = { ...spec, csi: { driver: 'd', volumeHandle: 'h' } };
    assert.deepEqual(volumeCapability(plain, false, 'ext4'), mount('ext4'));
    assert.deepEqual(volumeCapability({ ...spec, volumeMode: 'Block' }, false), {
      accessType: { case: 'block', value: {} },
      accessMode,
    });
  });
});

describe('what an attachment attaches', () => {
  const csiSource = { driver: 'd', volumeHandle: 'h' };
  const pv = { metadata: { name: 'pv' }, spec: { csi: csiSource } } as Stored<PersistentVolume>;
  const inTree = {
    metadata: { name: 'pv' },
    spec: { nfs: { path: '/', server: 's' } },
  } as Stored<PersistentVolume>;
  const ofPlugin = (volumeID: string) =>
    ({ metadata: { name: 'pv' }, spec: { awsElasticBlockStore: { volumeID } } }) as Stored<PersistentVolume>;
  const attachment = (source: NonNullable<VolumeAttachment['spec']>['source']): VolumeAttachment => ({
    spec: { attacher: 'd', nodeName: 'n', source },
  });
  const named = { persistentVolumeName: 'pv' };
  const inline = { inlineVolumeSpec: { csi: csiSource } };
  const cases: [string, VolumeAttachment, Stored<PersistentVolume> | undefined, string | RegExp][] = [
    ['a volume', attachment(named), pv, 'h'],
    ['an inline volume', attachment(inline), undefined, 'h'],
    ['a volume that is gone', attachment(named), undefined, /persistentvolume "pv" not found/],
    ['a volume of another kind', attachment(named), inTree, /non-csi source/],
    ['a volume whose plugin was migrated', attachment(named), ofPlugin('vol-1'), 'vol-1'],
    [
      'one that cannot be translated',
      attachment(named),
      ofPlugin('aws://zone/'),
      /failed to translate in tree pv to CSI: /,
    ],
    ['both', attachment({ ...named, ...inline }), pv, /both InlineCSIVolumeSource and PersistentVolumeName/],
    ['neither', attachment({}), pv, /neither InlineCSIVolumeSource nor PersistentVolumeName/],
    ['an inline volume of another kind', attachment({ inlineVolumeSpec: {} }), pv, /nil CSI source/],
  ];
  for (const [why, object, volume, expected] of cases) {
    it(why, () => {
      const look = () => attachmentSource(object, volume).csi.volumeHandle;
      if (expected instanceof RegExp) assert.throws(look, expected);
      else assert.equal(look(), expected);
    });
  }
});

describe('the id of a node at the driver', () => {
  const node: CSINode = { spec: { drivers: [{ name: 'd', nodeID: 'id' }] } };
  const other: CSINode = { spec: { drivers: [] } };
  const remembering: VolumeAttachment = {
    metadata: { annotations: { [ANN_NODE_ID]: 'old' } },
  } as unknown as VolumeAttachment;
  const cases: [string, CSINode | undefined, VolumeAttachment | undefined, string | RegExp][] = [
    ['is in its CSINode', node, remembering, 'id'],
    ['is remembered when the driver is down there', other, remembering, 'old'],
    ['is remembered when the node is gone', undefined, remembering, 'old'],
    ['is not known: no CSINode', undefined, undefined, /csinode.storage.k8s.io "n" not found/],
    ['is not known: no driver', other, undefined, /CSINode n does not contain driver d/],
  ];
  for (const [why, csiNode, attachment, expected] of cases) {
    it(why, () => {
      const look = () => nodeIdOf('d', 'n', csiNode, attachment);
      if (expected instanceof RegExp) assert.throws(look, expected);
      else assert.equal(look(), expected);
    });
  }
});

describe('a changed attachment', () => {
  const before = {
    metadata: { name: 'a', resourceVersion: '1' },
    spec: { attacher: 'd', nodeName: 'n', source: {} },
    status: { attached: false },
  } as unknown as Stored<VolumeAttachment>;
  const error = { message: 'm', time: 't' };
  const cases: [string, Partial<Stored<VolumeAttachment>>, boolean][] = [
    ['an attach error', { status: { attached: false, attachError: error } }, false],
    ['a detach error', { status: { attached: false, detachError: error } }, false],
    ['attached', { status: { attached: true } }, true],
    ['deleted', { metadata: { ...before.metadata, deletionTimestamp: 't' } }, true],
    [
      'deleted with an error',
      {
        metadata: { ...before.metadata, deletionTimestamp: 't' },
        status: { attached: false, attachError: error },
      },
      true,
    ],
  ];
  for (const [why, change, needs] of cases) {
    it(`${why}: ${needs ? 'work' : 'no work'}`, () => {
      const after = { ...before, ...change };
      const metadata = { ...after.metadata, resourceVersion: '2' };
      assert.equal(needsWork({ ...after, metadata } as Stored<VolumeAttachment>, before), needs);
    });
  }

  it('drops the publish context of an earlier attach', () => {
    const earlier = { ...before, status: { attached: false, attachmentMetadata: { a: '1', b: '2' } } };
    assert.deepEqual(attachedStatus(earlier, { b: '3' }), {
      status: { attached: true, attachmentMetadata: { a: null, b: '3' }, attachError: null },
    });
  });
});

describe('names and messages', () => {
  it('the finalizer is the driver without special characters, not ending in a dash', () => {
    assert.equal(attacherFinalizer('disk.csi.stowage.dev'), 'external-attacher/disk-csi-stowage-dev');
    assert.equal(attacherFinalizer('a_b/c.'), 'external-attacher/a-b-c-X');
  });

  it('a message too long for the API is cut between characters', () => {
    assert.equal(shortened('short'), 'short');
    const cut = shortened('ä'.repeat(600));
    assert.ok(Buffer.byteLength(cut) <= 1024);
    assert.match(cut, /^ä+\.\.\.$/);
  });
});
