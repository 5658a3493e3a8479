import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CSINode, Node, PersistentVolume, Stored } from '../../kube/index.ts';
import { volumeReaches } from '../../kube/index.ts';
import { csiVolumeOf, driverOfProvisioner, inlineCsiVolumeOf, volumeOnNode } from './migrated-volume.ts';

const csiNode = (plugins?: string): CSINode => ({
  metadata: {
    name: 'n',
    annotations: plugins === undefined ? {} : { 'storage.alpha.kubernetes.io/migrated-plugins': plugins },
  },
  spec: { drivers: [] },
});
const volume = (spec: object) =>
  ({
    metadata: { name: 'pv', labels: { 'topology.kubernetes.io/zone': 'us-east1-a' } },
    spec,
  }) as unknown as Stored<PersistentVolume>;
const disk = volume({ gcePersistentDisk: { pdName: 'd' } });
const node = (key: string): Node => ({ metadata: { name: 'n', labels: { [key]: 'us-east1-a' } } });

describe('volumes of migrated plugins, as the scheduler sees them', () => {
  it('are where the driver’s topology says, on a node that serves them by the driver', () => {
    const seen = volumeOnNode(disk, csiNode('kubernetes.io/aws-ebs,kubernetes.io/gce-pd'));
    assert.ok(volumeReaches(seen, node('topology.gke.io/zone')));
    assert.ok(!volumeReaches(seen, node('topology.kubernetes.io/zone')));
  });

  it('are what they are on any other node, and of any other plugin', () => {
    for (const other of [undefined, csiNode(), csiNode(''), csiNode('kubernetes.io/aws-ebs')]) {
      assert.equal(volumeOnNode(disk, other), disk);
    }
    const share = volume({ azureFile: { secretName: 's', shareName: 's' } });
    assert.equal(volumeOnNode(share, csiNode('kubernetes.io/azure-file')), share);
  });

  it('whose topology cannot be told are an error', () => {
    const broken = volume({ awsElasticBlockStore: { volumeID: 'aws://zone/' } });
    assert.throws(() => volumeOnNode(broken, csiNode('kubernetes.io/aws-ebs')), {
      message: /^failed to translate pv to csi: could not translate pv: /,
    });
  });

  it('count as the driver’s', () => {
    const handle = 'projects/UNSPECIFIED/zones/us-east1-a/disks/d';
    assert.deepEqual(csiVolumeOf(disk), { driver: 'pd.csi.storage.gke.io', handle });
    assert.deepEqual(csiVolumeOf(volume({ csi: { driver: 'd', volumeHandle: 'h' } })), {
      driver: 'd',
      handle: 'h',
    });
    assert.deepEqual(inlineCsiVolumeOf({ name: 'v', cinder: { volumeID: 'c' } }, 'ns'), {
      driver: 'cinder.csi.openstack.org',
      handle: 'c',
    });
    for (const uncounted of [{ hostPath: { path: '/' } }, { vsphereVolume: { volumePath: 'p' } }]) {
      assert.equal(csiVolumeOf(volume(uncounted)), undefined);
      assert.equal(inlineCsiVolumeOf({ name: 'v', ...uncounted }, 'ns'), undefined);
    }
    assert.equal(csiVolumeOf(volume({ awsElasticBlockStore: { volumeID: 'aws://zone/' } })), undefined);
  });

  it('of a class that is yet to make them count as its driver’s', () => {
    assert.equal(driverOfProvisioner('kubernetes.io/gce-pd'), 'pd.csi.storage.gke.io');
    assert.equal(driverOfProvisioner('disk.example.com'), 'disk.example.com');
    assert.equal(driverOfProvisioner('kubernetes.io/vsphere-volume'), undefined);
  });
});
