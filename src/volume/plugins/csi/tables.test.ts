import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { Code, CsiError, csi, type NodeCapability } from '../../../csi/index.ts';
import type { CSIDriver, Pod, Stored, VolumeAttachment } from '../../../kube/index.ts';
import { isOperationFinished, UncertainProgressError } from '../../operation-error.ts';
import { isAttached, isDetached } from './attachment-status.ts';
import {
  attachRequired,
  changesOwnership,
  type OwnershipQuestion,
  podInfo,
  unsupportedMode,
} from './csi-driver-policy.ts';
import { attachmentName, csiVolumeName, deviceMountPath, splitCsiVolumeName } from './names.ts';
import { mountFailure, rpcErrorText } from './rpc-error.ts';
import { mountCapability } from './volume-capability.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const driver = (spec: CSIDriver['spec']): CSIDriver => ({ metadata: { name: 'd' }, spec });

describe('names of CSI volumes', () => {
  it('are upstream’s', () => {
    assert.equal(attachmentName('vol', 'drv', 'node'), `csi-${sha256('voldrvnode')}`);
    assert.equal(
      deviceMountPath('/var/lib/kubelet', 'drv', 'vol'),
      `/var/lib/kubelet/plugins/kubernetes.io/csi/drv/${sha256('vol')}/globalmount`,
    );
    assert.deepEqual(splitCsiVolumeName(csiVolumeName('drv', 'vol')), { driver: 'drv', handle: 'vol' });
    assert.throws(() => splitCsiVolumeName('vol'), /volumeName missing expected data/);
  });
});

describe('access modes', () => {
  const Mode = csi.VolumeCapability_AccessMode_Mode;
  const cases: [string, csi.VolumeCapability_AccessMode_Mode, csi.VolumeCapability_AccessMode_Mode][] = [
    ['ReadWriteOnce', Mode.SINGLE_NODE_WRITER, Mode.SINGLE_NODE_MULTI_WRITER],
    ['ReadOnlyMany', Mode.MULTI_NODE_READER_ONLY, Mode.MULTI_NODE_READER_ONLY],
    ['ReadWriteMany', Mode.MULTI_NODE_MULTI_WRITER, Mode.MULTI_NODE_MULTI_WRITER],
    ['ReadWriteOncePod', Mode.SINGLE_NODE_WRITER, Mode.SINGLE_NODE_SINGLE_WRITER],
  ];
  const capability = (accessMode: string, ...node: NodeCapability[]) =>
    mountCapability({ accessMode, fsType: 'ext4', mountOptions: ['noatime'], fsGroup: 7 }, new Set(node));
  for (const [mode, plain, aware] of cases) {
    it(`${mode} depends on SINGLE_NODE_MULTI_WRITER`, () => {
      assert.equal(capability(mode).accessMode.mode, plain);
      assert.equal(capability(mode, 'SINGLE_NODE_MULTI_WRITER').accessMode.mode, aware);
    });
  }
  it('are refused when CSI has no such mode', () => {
    assert.throws(() => capability('Nonsense'), /unsupported AccessMode combination: \[Nonsense\]/);
  });
  it('carry the group only to a driver that applies it', () => {
    assert.equal(capability('ReadWriteOnce').accessType.value.volumeMountGroup, '');
    assert.equal(capability('ReadWriteOnce', 'VOLUME_MOUNT_GROUP').accessType.value.volumeMountGroup, '7');
  });
});

describe('CSIDriver', () => {
  it('without an object: attach, persistent volumes only', () => {
    assert.equal(attachRequired(undefined), true);
    assert.equal(unsupportedMode(undefined, 'd', 'Persistent'), undefined);
    assert.equal(
      unsupportedMode(undefined, 'd', 'Ephemeral'),
      'volume mode "Ephemeral" not supported by driver d (no CSIDriver object)',
    );
  });

  it('attachRequired: false means that there is nothing to attach', () => {
    assert.equal(attachRequired(driver({ attachRequired: false })), false);
    assert.equal(attachRequired(driver({})), true);
  });

  it('volumeLifecycleModes must list the mode', () => {
    assert.equal(
      unsupportedMode(driver({ volumeLifecycleModes: ['Ephemeral'] }), 'd', 'Ephemeral'),
      undefined,
    );
    assert.equal(
      unsupportedMode(driver({ volumeLifecycleModes: ['Persistent'] }), 'd', 'Ephemeral'),
      'volume mode "Ephemeral" not supported by driver d (only supports ["Persistent"])',
    );
  });

  it('podInfoOnMount adds five attributes', () => {
    const pod: Pod = {
      metadata: { name: 'p', namespace: 'ns', uid: 'u' },
      spec: { containers: [], serviceAccountName: 'sa' },
    };
    assert.deepEqual(podInfo(driver({}), pod, 'Persistent'), {});
    assert.deepEqual(podInfo(driver({ podInfoOnMount: true }), pod, 'Persistent'), {
      'csi.storage.k8s.io/pod.name': 'p',
      'csi.storage.k8s.io/pod.namespace': 'ns',
      'csi.storage.k8s.io/pod.uid': 'u',
      'csi.storage.k8s.io/serviceAccount.name': 'sa',
      'csi.storage.k8s.io/ephemeral': 'false',
    });
  });

  const question: OwnershipQuestion = {
    fsGroup: 7,
    readOnly: false,
    fsType: 'ext4',
    mode: 'Persistent',
    accessModes: ['ReadWriteOnce'],
  };
  const policy = (fsGroupPolicy: string) => driver({ fsGroupPolicy });
  const cases: [string, CSIDriver | undefined, Partial<OwnershipQuestion>, boolean][] = [
    ['by default, an RWO volume with a file system type', undefined, {}, true],
    ['… also RWOP', undefined, { accessModes: ['ReadWriteOncePod'] }, true],
    ['… not RWX', undefined, { accessModes: ['ReadWriteMany'] }, false],
    ['… not without access modes', undefined, { accessModes: undefined }, false],
    ['… not without a file system type', undefined, { fsType: '' }, false],
    ['… inline volumes always', undefined, { mode: 'Ephemeral', accessModes: undefined }, true],
    ['File: always', policy('File'), { fsType: '', accessModes: ['ReadWriteMany'] }, true],
    ['None: never', policy('None'), {}, false],
    ['without a group: never', policy('File'), { fsGroup: undefined }, false],
    ['read-only: never', policy('File'), { readOnly: true }, false],
  ];
  for (const [what, object, change, expected] of cases)
    it(`fsGroup, ${what}`, () =>
      assert.equal(changesOwnership(object, { ...question, ...change }), expected));
});

describe('failed calls', () => {
  const failed = (code: Code) =>
    new CsiError({
      method: '/csi.v1.Node/NodeStageVolume',
      endpoint: 'memory:',
      code,
      details: 'no such disk',
    });

  it('read as gRPC for Go has them', () => {
    assert.equal(rpcErrorText(failed(Code.NOT_FOUND)), 'rpc error: code = NotFound desc = no such disk');
    assert.equal(
      rpcErrorText(failed(Code.DEADLINE_EXCEEDED)),
      'rpc error: code = DeadlineExceeded desc = no such disk',
    );
    assert.equal(rpcErrorText(failed(Code.CANCELLED)), 'rpc error: code = Canceled desc = no such disk');
    assert.equal(rpcErrorText(new Error('plain')), 'plain');
  });

  const nonFinal: Code[] = [
    Code.CANCELLED,
    Code.DEADLINE_EXCEEDED,
    Code.UNAVAILABLE,
    Code.RESOURCE_EXHAUSTED,
    Code.ABORTED,
  ];
  it('leave a mount uncertain unless the driver has given up for sure', () => {
    for (const code of Object.values(Code)) {
      if (code === Code.OK) continue;
      const failure = mountFailure(failed(code));
      assert.equal(failure instanceof UncertainProgressError, nonFinal.includes(code), String(code));
      assert.equal(isOperationFinished(failure), !nonFinal.includes(code));
    }
  });
});

describe('VolumeAttachment', () => {
  type Status = NonNullable<VolumeAttachment['status']>;
  const attachment = (status: Status | undefined, deletionTimestamp?: string) =>
    ({ metadata: { name: 'va', deletionTimestamp }, status }) as Stored<VolumeAttachment>;

  it('is attached when its status says so', () => {
    assert.equal(isAttached(attachment(undefined)), false);
    assert.equal(isAttached(attachment({ attached: false })), false);
    assert.equal(isAttached(attachment({ attached: true })), true);
  });

  it('cannot be waited for once it failed, goes, or has gone', () => {
    assert.throws(
      () => isAttached(attachment({ attached: false, attachError: { message: 'full' } })),
      /^Error: full$/,
    );
    assert.throws(
      () => isAttached(attachment({ attached: true }, 'now')),
      /volume attachment is being deleted/,
    );
    assert.throws(() => isAttached(undefined), /volume attachment has been deleted/);
  });

  it('is detached when it has gone, and only then', () => {
    assert.equal(isDetached(undefined), true);
    assert.equal(isDetached(attachment({ attached: false }, 'now')), false);
    assert.throws(
      () => isDetached(attachment({ attached: true, detachError: { message: 'busy' } })),
      /^Error: busy$/,
    );
  });
});
