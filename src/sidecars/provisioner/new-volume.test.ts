import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { csi } from '../../csi/index.ts';
import type { PersistentVolumeClaim, StorageClass, Stored } from '../../kube/index.ts';
import type { Driver } from '../shared/driver.ts';
import { newPersistentVolume } from './new-volume.ts';
import { flagsOf, type ProvisionerOptions } from './options.ts';
import { volumeRequest } from './volume-request.ts';

const { VolumeCapability_AccessMode_Mode: Mode } = csi;

const claim = (spec: PersistentVolumeClaim['spec'] = {}): Stored<PersistentVolumeClaim> => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: {
    name: 'data',
    namespace: 'team',
    uid: 'u-1',
    resourceVersion: '7',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
    storageClassName: 'fast',
    ...spec,
  },
});
const storageClass: StorageClass = {
  metadata: { name: 'fast' },
  provisioner: 'disk.example.com',
  reclaimPolicy: 'Delete',
  mountOptions: ['noatime'],
  parameters: { tier: 'gold', 'csi.storage.k8s.io/fstype': 'ext4' },
};
const driver: Driver = {
  name: 'disk.example.com',
  services: new Set(['CONTROLLER_SERVICE']),
  controller: new Set(['CREATE_DELETE_VOLUME']),
};
const flags = (options: Partial<ProvisionerOptions> = {}) => flagsOf(options as ProvisionerOptions);

describe('volumeRequest', () => {
  it('asks for what the claim asks', () => {
    assert.deepEqual(volumeRequest(claim(), storageClass, driver, flags()), {
      name: 'pvc-u-1',
      requiredBytes: 1n << 30n,
      fsType: 'ext4',
      volumeCapabilities: [
        {
          accessType: { case: 'mount', value: { fsType: 'ext4', mountFlags: ['noatime'] } },
          accessMode: { mode: Mode.SINGLE_NODE_WRITER },
        },
      ],
      parameters: { tier: 'gold' },
      dataSource: undefined,
      secretReferences: {},
    });
  });

  it('asks for a block device, and for each access mode', () => {
    const block = claim({ volumeMode: 'Block', accessModes: ['ReadWriteOnce', 'ReadWriteMany'] });
    const capabilities = volumeRequest(block, storageClass, driver, flags()).volumeCapabilities;
    assert.deepEqual(
      capabilities.map(({ accessType, accessMode }) => [accessType.case, Mode[accessMode.mode]]),
      [
        ['block', 'SINGLE_NODE_WRITER'],
        ['block', 'MULTI_NODE_MULTI_WRITER'],
      ],
    );
  });

  it('passes names on when asked to', () => {
    assert.deepEqual(
      volumeRequest(claim(), storageClass, driver, flags({ extraCreateMetadata: true })).parameters,
      {
        tier: 'gold',
        'csi.storage.k8s.io/pvc/name': 'data',
        'csi.storage.k8s.io/pvc/namespace': 'team',
        'csi.storage.k8s.io/pv/name': 'pvc-u-1',
      },
    );
  });

  it('refuses what it cannot do', () => {
    const table: [PersistentVolumeClaim['spec'], Driver, string][] = [
      [{ selector: { matchLabels: { a: 'b' } } }, driver, 'claim Selector is not supported'],
      [
        {},
        { ...driver, controller: new Set() },
        'CSI driver does not support dynamic provisioning: controller CREATE_DELETE_VOLUME capability is not reported',
      ],
      [
        { volumeAttributesClassName: 'fast' },
        driver,
        'CSI driver does not support VolumeAttributesClass: controller MODIFY_VOLUME capability is not reported',
      ],
    ];
    for (const [spec, able, message] of table) {
      assert.throws(() => volumeRequest(claim(spec), storageClass, able, flags()), {
        name: 'ProvisionError',
        state: 'finished',
        message,
      });
    }
    const populated = claim({ dataSource: { kind: 'Book', name: 'b', apiGroup: 'example.com' } });
    assert.throws(() => volumeRequest(populated, storageClass, driver, flags()), { name: 'IgnoredClaim' });
  });

  it('leaves open what is under way when only the class must be mended', () => {
    const half = { ...storageClass, parameters: { 'csi.storage.k8s.io/node-stage-secret-name': 's' } };
    assert.throws(() => volumeRequest(claim(), half, driver, flags()), { state: 'no-change' });
  });
});

describe('newPersistentVolume', () => {
  const made = {
    volumeId: 'vol-9',
    capacityBytes: 2n << 30n,
    volumeContext: { pool: 'a' },
    accessibleTopology: [{ segments: { zone: 'z1', rack: 'r' } }],
  };
  const build = (change: Partial<Parameters<typeof newPersistentVolume>[0]> = {}, spec = claim()) =>
    JSON.parse(
      JSON.stringify(
        newPersistentVolume({
          claim: spec,
          storageClass,
          request: volumeRequest(spec, change.storageClass ?? storageClass, driver, flags()),
          made,
          driver: driver.name,
          identity: 'me',
          supportsTopology: true,
          readOnly: false,
          ...change,
        }),
      ),
    );

  it('is what external-provisioner would write', () => {
    assert.deepEqual(build(), {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: {
        name: 'pvc-u-1',
        annotations: {
          'pv.kubernetes.io/provisioned-by': 'disk.example.com',
          'volume.kubernetes.io/provisioner-deletion-secret-name': '',
          'volume.kubernetes.io/provisioner-deletion-secret-namespace': '',
        },
        finalizers: ['external-provisioner.volume.kubernetes.io/finalizer'],
      },
      spec: {
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '2Gi' },
        claimRef: {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          namespace: 'team',
          name: 'data',
          uid: 'u-1',
          resourceVersion: '7',
        },
        csi: {
          driver: 'disk.example.com',
          volumeHandle: 'vol-9',
          fsType: 'ext4',
          volumeAttributes: { 'storage.kubernetes.io/csiProvisionerIdentity': 'me', pool: 'a' },
        },
        mountOptions: ['noatime'],
        nodeAffinity: {
          required: {
            nodeSelectorTerms: [
              {
                matchExpressions: [
                  { key: 'rack', operator: 'In', values: ['r'] },
                  { key: 'zone', operator: 'In', values: ['z1'] },
                ],
              },
            ],
          },
        },
        persistentVolumeReclaimPolicy: 'Delete',
        storageClassName: 'fast',
      },
    });
  });

  it('takes the size asked for when the driver does not know its own', () => {
    const unknown = build({ made: { ...made, capacityBytes: 0n, accessibleTopology: [] } });
    assert.equal(unknown.spec.capacity.storage, '1Gi');
    assert.equal(unknown.spec.nodeAffinity, undefined);
  });

  it('writes down the secrets for later stages', () => {
    const secret = (purpose: string) => ({
      [`csi.storage.k8s.io/${purpose}-secret-name`]: 's',
      [`csi.storage.k8s.io/${purpose}-secret-namespace`]: 'n',
    });
    const parameters = { ...secret('provisioner'), ...secret('node-stage'), ...secret('controller-modify') };
    const volume = build({ storageClass: { ...storageClass, parameters } });
    assert.deepEqual(volume.spec.csi.nodeStageSecretRef, { name: 's', namespace: 'n' });
    assert.equal(volume.spec.csi.nodePublishSecretRef, undefined);
    assert.equal(volume.spec.csi.fsType, undefined);
    const annotations = volume.metadata.annotations;
    assert.equal(annotations['volume.kubernetes.io/provisioner-deletion-secret-name'], 's');
    assert.equal(annotations['volume.kubernetes.io/controller-modify-secret-namespace'], 'n');
  });

  it('has no file system as a block device, and no finalizer when it is to be retained', () => {
    const block = build({}, claim({ volumeMode: 'Block' }));
    assert.equal(block.spec.volumeMode, 'Block');
    assert.equal(block.spec.csi.fsType, undefined);
    const retained = build({ storageClass: { ...storageClass, reclaimPolicy: 'Retain' } });
    assert.equal(retained.metadata.finalizers, undefined);
  });
});
