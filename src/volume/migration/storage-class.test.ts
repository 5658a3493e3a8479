import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StorageClass } from '../../kube/index.ts';
import { translateStorageClass } from './index.ts';

describe('a class', () => {
  const topology = (key: string, ...values: string[]) => [{ matchLabelExpressions: [{ key, values }] }];
  const cases: [string, Partial<StorageClass>, Partial<StorageClass>][] = [
    [
      'kubernetes.io/gce-pd',
      { parameters: { type: 'pd-ssd', fstype: 'xfs', zones: 'a,b' } },
      {
        parameters: { type: 'pd-ssd', 'csi.storage.k8s.io/fstype': 'xfs' },
        allowedTopologies: topology('topology.gke.io/zone', 'a', 'b'),
      },
    ],
    [
      'kubernetes.io/aws-ebs',
      { parameters: { iopsPerGB: '10', Zone: 'a' } },
      {
        parameters: { iopsPerGB: '10', allowautoiopspergbincrease: 'true' },
        allowedTopologies: topology('topology.ebs.csi.aws.com/zone', 'a'),
      },
    ],
    [
      'kubernetes.io/cinder',
      {
        parameters: { availability: 'nova', fsType: 'ext3' },
        allowedTopologies: topology('failure-domain.beta.kubernetes.io/zone', 'a'),
      },
      {
        parameters: { availability: 'nova', 'csi.storage.k8s.io/fstype': 'ext3' },
        allowedTopologies: topology('topology.cinder.csi.openstack.org/zone', 'a'),
      },
    ],
    [
      'kubernetes.io/azure-disk',
      {
        parameters: { skuname: 'P' },
        allowedTopologies: topology('topology.kubernetes.io/zone', '0', 'eastus-1'),
      },
      {
        parameters: { skuname: 'P' },
        allowedTopologies: topology('topology.disk.csi.azure.com/zone', '', 'eastus-1'),
      },
    ],
    ['kubernetes.io/azure-file', { parameters: { skuName: 'S' } }, { parameters: { skuName: 'S' } }],
    [
      'kubernetes.io/vsphere-volume',
      { parameters: { datastore: 'ds', fstype: 'ext4', unknown: 'x', storagePolicyName: 'gold' } },
      {
        parameters: {
          'datastore-migrationparam': 'ds',
          'csi.storage.k8s.io/fstype': 'ext4',
          storagepolicyname: 'gold',
          csimigration: 'true',
        },
      },
    ],
  ];
  for (const [provisioner, given, expected] of cases) {
    it(`of ${provisioner}`, () => {
      const { provisioner: _, ...translated } = translateStorageClass({ provisioner, ...given });
      assert.deepEqual(translated, expected);
    });
  }

  it('of Portworx: its secret goes with every call, and it is the driver’s', () => {
    const parameters = { repl: '1', 'openstorage.io/auth-secret-name': 's' };
    const translated = translateStorageClass({ provisioner: 'kubernetes.io/portworx-volume', parameters });
    assert.equal(translated.provisioner, 'pxd.portworx.com');
    assert.deepEqual(Object.keys(translated.parameters!).sort(), [
      ...[
        'controller-expand',
        'controller-publish',
        'node-expand',
        'node-publish',
        'node-stage',
        'provisioner',
      ].map((call) => `csi.storage.k8s.io/${call}-secret-name`),
      'repl',
    ]);
  });

  it('cannot name zones twice', () => {
    const both = {
      parameters: { zone: 'a' },
      allowedTopologies: topology('topology.kubernetes.io/zone', 'a'),
    };
    for (const provisioner of ['kubernetes.io/gce-pd', 'kubernetes.io/aws-ebs', 'kubernetes.io/azure-disk']) {
      assert.throws(() => translateStorageClass({ provisioner, ...both }), {
        message: 'cannot simultaneously set allowed topologies and zone/zones parameters',
      });
    }
  });

  it('of another provisioner stays what it is', () => {
    const foreign = { provisioner: 'disk.example.com', parameters: { zone: 'a' } };
    assert.equal(translateStorageClass(foreign), foreign);
  });
});
