import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeSelectorTerm, PersistentVolume } from '../../kube/index.ts';
import { diskNameOf } from './azure-disk.ts';
import { partsOf } from './azure-file.ts';
import { toInTreeTopology } from './in-tree-topology.ts';
import { awsRegionOf, gceRegionOf } from './regions.ts';
import { driverOfPlugin, MIGRATED_PLUGINS, pluginOfDriver } from './registry.ts';
import { translateVolume } from './translate.ts';
import { repairVolumeHandle, translateVolumeToInTree } from './translate-back.ts';

// The cases of k8s.io/csi-translation-lib under their names.

const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';
const BETA_ZONE = 'failure-domain.beta.kubernetes.io/zone';
const BETA_REGION = 'failure-domain.beta.kubernetes.io/region';
const GCE_KEY = 'topology.gke.io/zone';

type Labels = Readonly<Record<string, string>>;
type Spec = NonNullable<PersistentVolume['spec']>;

const term = (...expressions: [key: string, ...values: string[]][]): NodeSelectorTerm => ({
  matchExpressions: expressions.map(([key, ...values]) => ({ key, operator: 'In', values })),
});
const placed = (
  terms: readonly NodeSelectorTerm[],
  labels?: Labels,
  spec: Partial<Spec> = {},
): PersistentVolume => ({
  metadata: { name: 'pv', labels },
  spec: { ...spec, nodeAffinity: { required: { nodeSelectorTerms: terms } } },
});
const made = (
  csi: Partial<NonNullable<Spec['csi']>>,
  more: Partial<PersistentVolume> = {},
): PersistentVolume => ({
  ...more,
  spec: { csi: { driver: '', volumeHandle: '', ...csi }, ...more.spec },
});

describe('TestTranslateTopologyFromCSIToInTree', () => {
  const old = { [ZONE]: 'existingZone', [REGION]: 'existingRegion' };
  const eastLabels = { [ZONE]: 'us-east1-a', [REGION]: 'us-east1' };
  const westLabels = { [BETA_ZONE]: 'us-west2-b', [BETA_REGION]: 'us-west2' };
  const eastZoneFirst = [term([ZONE, 'us-east1-a'], [REGION, 'us-east1'])];
  const table: readonly (readonly [
    name: string,
    terms: readonly NodeSelectorTerm[],
    labels: Labels | undefined,
    expected: readonly NodeSelectorTerm[],
    expectedLabels: Labels,
    options?: { key?: string; regionOf?: null },
  ])[] = [
    [
      'Remove CSI Topology Key and do not change existing GA Kubernetes topology',
      [term([REGION, 'us-east1'], [GCE_KEY, 'us-east1-a'])],
      eastLabels,
      [term([REGION, 'us-east1'], [ZONE, 'us-east1-a'])],
      eastLabels,
    ],
    [
      'Remove CSI Topology Key and do not change existing Beta Kubernetes topology',
      [term([BETA_REGION, 'us-west2'], [GCE_KEY, 'us-west2-b'])],
      westLabels,
      [term([BETA_REGION, 'us-west2'], [BETA_ZONE, 'us-west2-b'])],
      westLabels,
    ],
    [
      'Remove CSI Topology Key and add Kubernetes topology from NodeAffinity, ignore labels',
      [term([GCE_KEY, 'us-east1-a'])],
      old,
      eastZoneFirst,
      old,
    ],
    ['No CSI topology label exists and no change to the NodeAffinity', [], old, [], old],
    [
      'Generate GA labels and kubernetes topology only from CSI topology',
      [term([GCE_KEY, 'us-east1-a'])],
      undefined,
      eastZoneFirst,
      eastLabels,
    ],
    [
      'Generate Beta labels and kubernetes topology from Beta NodeAffinity',
      [term([BETA_ZONE, 'us-west2-b'])],
      undefined,
      [term([BETA_ZONE, 'us-west2-b'], [BETA_REGION, 'us-west2'])],
      westLabels,
    ],
    [
      'regionParser is missing and only zone labels get generated',
      [term([GCE_KEY, 'us-east1-a'])],
      undefined,
      [term([ZONE, 'us-east1-a'])],
      { [ZONE]: 'us-east1-a' },
      { regionOf: null },
    ],
    [
      'Replace multi-term CSI Topology Key and add Region Kubernetes topology for both',
      [term([GCE_KEY, 'us-east1-a']), term([GCE_KEY, 'us-east1-c'])],
      undefined,
      [term([ZONE, 'us-east1-a'], [REGION, 'us-east1']), term([ZONE, 'us-east1-c'], [REGION, 'us-east1'])],
      { [ZONE]: 'us-east1-a__us-east1-c', [REGION]: 'us-east1' },
    ],
    [
      'cinder translation',
      [term(['topology.cinder.csi.openstack.org/zone', 'nova'])],
      undefined,
      [term([ZONE, 'nova'])],
      { [ZONE]: 'nova' },
      { key: 'topology.cinder.csi.openstack.org/zone', regionOf: null },
    ],
  ];
  for (const [name, terms, labels, expected, expectedLabels, { key = GCE_KEY, regionOf } = {}] of table) {
    it(name, () => {
      const found = toInTreeTopology(placed(terms, labels), key, regionOf === null ? undefined : gceRegionOf);
      assert.deepEqual(found.spec?.nodeAffinity?.required?.nodeSelectorTerms, expected);
      assert.deepEqual(found.metadata?.labels, expectedLabels);
    });
  }
});

describe('TestGetAwsRegionFromZones', () => {
  const table: readonly (readonly [string, readonly string[], string | undefined])[] = [
    ['Commercial zone', ['us-west-2a', 'us-west-2b'], 'us-west-2'],
    ['Govcloud zone', ['us-gov-east-1a'], 'us-gov-east-1'],
    ['Wavelength zone', ['us-east-1-wl1-bos-wlz-1'], 'us-east-1'],
    ['Local zone', ['us-west-2-lax-1a'], 'us-west-2'],
    ['Invalid: empty zones', [], undefined],
    ['Invalid: multiple regions', ['us-west-2a', 'us-east-1a'], undefined],
    ['Invalid: region name only', ['us-west-2'], undefined],
    ['Invalid: invalid suffix', ['us-west-2ab'], undefined],
    ['Invalid: not enough fields', ['us-west'], undefined],
  ];
  for (const [name, zones, expected] of table) {
    it(name, () => {
      if (expected === undefined) assert.throws(() => awsRegionOf(zones));
      else assert.equal(awsRegionOf(zones), expected);
    });
  }
});

describe('TestRepairVolumeHandle', () => {
  const zonal = (project: string, zone: string) => `projects/${project}/zones/${zone}/disks/baz`;
  const regional = (project: string, region: string) => `projects/${project}/regions/${region}/disks/baz`;
  const node = (zone: string) => `projects/bing/zones/${zone}/instances/boom`;
  const U = 'UNSPECIFIED';
  const table: readonly (readonly [string, handle: string, nodeId: string, expected: string | RegExp])[] = [
    ['fully specified', zonal('foo', 'bar'), node('bada'), zonal('foo', 'bar')],
    [
      'fully specified (regional)',
      regional('foo', 'us-central1-c'),
      node('bada'),
      regional('foo', 'us-central1-c'),
    ],
    ['no project', zonal(U, 'bar'), node('bada'), zonal('bing', 'bar')],
    ['no project or zone', zonal(U, U), node('bada'), zonal('bing', 'bada')],
    ['no project or region', regional(U, U), node('us-central1-c'), regional('bing', 'us-central1')],
    ['no project (regional)', regional(U, 'us-west1'), node('us-central1-c'), regional('bing', 'us-west1')],
    ['invalid handle', 'foo', node('us-central1-c'), /volume handle has wrong number of elements; got 1/],
    ['invalid node ID', regional(U, 'us-west1'), 'foo', /node handle has wrong number of elements; got 1/],
  ];
  for (const [name, handle, nodeId, expected] of table) {
    it(name, () => {
      const repair = () => repairVolumeHandle('pd.csi.storage.gke.io', handle, nodeId);
      if (typeof expected === 'string') assert.equal(repair(), expected);
      else assert.throws(repair, expected);
    });
  }

  it('the ids of other drivers are whole', () => {
    assert.equal(repairVolumeHandle('ebs.csi.aws.com', 'foo', 'bar'), 'foo');
    assert.equal(repairVolumeHandle('disk.example.com', 'foo', 'bar'), 'foo');
  });
});

describe('TestTranslateTranslateCSIPVToInTree (azure disk)', () => {
  const diskURI = '/subscriptions/12/resourceGroups/23/providers/Microsoft.Compute/disks/name';
  const table: readonly (readonly [string, attributes: Labels, cachingMode: string])[] = [
    ['ReadOnly cachingMode', { cachingmode: 'ReadOnly', fsType: 'fstype', kind: 'managed' }, 'ReadOnly'],
    [
      'ReadOnly cachingMode, fstype',
      { cachingmode: 'ReadOnly', fstype: 'fstype', kind: 'managed' },
      'ReadOnly',
    ],
    ['None cachingMode', { cachingMode: 'None', fsType: 'fstype', kind: 'managed' }, 'None'],
    ['ReadWrite cachingMode', { cachingMode: 'ReadWrite', fsType: 'fstype', kind: 'managed' }, 'ReadWrite'],
  ];
  for (const [name, volumeAttributes, cachingMode] of table) {
    it(`azure disk volume with ${name}`, () => {
      const driver = 'disk.csi.azure.com';
      const volume = made({
        driver,
        fsType: 'fstype',
        readOnly: true,
        volumeAttributes,
        volumeHandle: diskURI,
      });
      const azureDisk = {
        cachingMode,
        diskURI,
        fsType: 'fstype',
        readOnly: true,
        kind: 'Managed',
        diskName: 'name',
      };
      assert.deepEqual(translateVolumeToInTree(volume), { spec: { azureDisk } });
    });
  }

  it('TestGetDiskName', () => {
    const managed = 'testurl/subscriptions/12/resourceGroups/23/providers/Microsoft.Compute/disks/name';
    assert.equal(diskNameOf(managed), 'name');
    assert.equal(diskNameOf('http://test.com/vhds/name'), 'name');
    assert.throws(() => diskNameOf('testurl/subscriptions/23/providers/Microsoft.Compute/disks/name'), {
      message:
        'could not get disk name from testurl/subscriptions/23/providers/Microsoft.Compute/disks/name, correct format: .*/subscriptions/(?:.*)/resourceGroups/(?:.*)/providers/Microsoft.Compute/disks/(.+)',
    });
    assert.throws(() => diskNameOf('http://test.io/name'), {
      message:
        'could not get disk name from http://test.io/name, correct format: http(?:.*)://(?:.*)/vhds/(.+)',
    });
  });
});

describe('TestTranslateCSIPVToInTree (azure file)', () => {
  const driver = 'file.csi.azure.com';
  const volumeHandle = 'rg#st#pvc-file-dynamic#diskname.vhd';
  const group = { 'kubernetes.io/azure-file-resource-group': 'rg' };
  const share = { shareName: 'sharename' };
  const secret = { name: 'secretname', namespace: 'secretnamespace' };
  type Csi = Partial<NonNullable<Spec['csi']>>;
  const table: readonly (readonly [string, csi: Csi, azureFile: Spec['azureFile'], annotations?: Labels])[] =
    [
      [
        'resource group empty',
        { nodeStageSecretRef: { name: 'ut', namespace: 'secretnamespace' }, volumeAttributes: share },
        { secretName: 'ut', secretNamespace: 'secretnamespace', shareName: 'sharename' },
      ],
      [
        'translate from VolumeAttributes',
        { volumeHandle, volumeAttributes: share },
        { secretName: 'azure-storage-account-st-secret', shareName: 'sharename', secretNamespace: 'default' },
        group,
      ],
      [
        'translate from SecretMap VolumeAttributes',
        {
          volumeHandle,
          volumeAttributes: { ...share, secretName: secret.name, secretNamespace: secret.namespace },
        },
        { secretName: secret.name, secretNamespace: secret.namespace, shareName: 'sharename' },
      ],
      [
        'translate from NodeStageSecretRef',
        { volumeHandle, volumeAttributes: share, nodeStageSecretRef: secret },
        { secretName: secret.name, secretNamespace: secret.namespace, shareName: 'sharename' },
      ],
      [
        'translate from VolumeHandle',
        { volumeHandle },
        {
          secretName: 'azure-storage-account-st-secret',
          shareName: 'pvc-file-dynamic',
          secretNamespace: 'default',
        },
        group,
      ],
    ];
  for (const [name, csi, azureFile, annotations] of table) {
    it(name, () => {
      const found = translateVolumeToInTree(made({ driver, readOnly: true, ...csi }));
      assert.deepEqual(found.spec, { azureFile: { ...azureFile, readOnly: true } });
      assert.deepEqual(found.metadata?.annotations, annotations);
    });
  }

  it('translate from volume handle error', () => {
    const volume = made({ driver, volumeHandle: 'sharename', volumeAttributes: share });
    assert.throws(() => translateVolumeToInTree(volume), {
      message: 'error parsing volume id: "sharename", should at least contain two #',
    });
  });

  it('TestGetFileShareInfo', () => {
    const whole = { group: 'rg', account: 'f57', share: 'pvc-file-dynamic-17e', disk: 'diskname.vhd' };
    assert.deepEqual(partsOf('rg#f57#pvc-file-dynamic-17e#diskname.vhd'), whole);
    assert.deepEqual(partsOf('rg#f57#pvc-file-dynamic-17e'), { ...whole, disk: '' });
    for (const id of ['rg#f57', 'rg', '']) {
      const message = `error parsing volume id: ${JSON.stringify(id)}, should at least contain two #`;
      assert.throws(() => partsOf(id), { message });
    }
  });
});

describe('TestTranslateVSphereCSIPVToInTree', () => {
  const volumePath = '[vsanDatastore] 6785a85e/kubernetes-dynamic-pvc-68734c9f.vmdk';
  const csi = {
    driver: 'csi.vsphere.vmware.com',
    volumeHandle: 'e4073a6d',
    fsType: 'ext4',
    volumeAttributes: { storagepolicyname: 'vSAN Default Storage Policy', initialvolumefilepath: volumePath },
  };
  const vsphereVolume = { volumePath, fsType: 'ext4' };
  const accessModes = ['ReadWriteOnce'];

  it('translate valid vSphere CSI PV to vSphere in-tree PV', () => {
    assert.deepEqual(translateVolumeToInTree({ spec: { accessModes, csi } }), {
      spec: { accessModes, vsphereVolume },
    });
  });

  it('translate valid vSphere CSI PV with topology Node Affinity rules to vSphere CSI PV with topology labels', () => {
    const keys = ['topology.csi.vmware.com/zone', 'topology.csi.vmware.com/region'] as const;
    const volume = placed([term([keys[0], 'z1'], [keys[1], 'r1'])], undefined, { csi });
    const found = translateVolumeToInTree(volume);
    assert.deepEqual(
      found.spec,
      placed([term([ZONE, 'z1'], [REGION, 'r1'])], undefined, { vsphereVolume }).spec,
    );
    assert.deepEqual(found.metadata?.labels, { [ZONE]: 'z1', [REGION]: 'r1' });
  });

  it('expect error when pv.Spec.CSI is nil', () => {
    assert.throws(() => translateVolumeToInTree({ spec: { accessModes } }), {
      message: 'CSI persistent volume source was nil',
    });
  });
});

it('TestTranslatePortworxCSIPvToInTree: normal', () => {
  const csi = { driver: 'pxd.portworx.com', volumeHandle: 'ID1111', fsType: 'type', volumeAttributes: {} };
  const found = translateVolumeToInTree({ spec: { accessModes: ['ReadWriteOnce'], csi } });
  const portworxVolume = { volumeID: 'ID1111', fsType: 'type' };
  assert.deepEqual(found, { spec: { accessModes: ['ReadWriteOnce'], portworxVolume } });
});

describe('TestTranslationStability', () => {
  const table: readonly (readonly [string, Spec])[] = [
    ['GCE PD PV Source', { gcePersistentDisk: { pdName: 'test-disk', fsType: 'ext4' } }],
    [
      'AWS EBS PV Source',
      { awsElasticBlockStore: { volumeID: 'vol01', fsType: 'ext3', partition: 1, readOnly: true } },
    ],
    ['OpenStack Cinder', { cinder: { volumeID: 'vol1', fsType: 'ext4' } }],
  ];
  for (const [name, spec] of table) {
    it(name, () => assert.deepEqual(translateVolumeToInTree(translateVolume({ spec })), { spec }));
  }
});

describe('TestTopologyTranslation, back', () => {
  const gcePersistentDisk = { pdName: 'test-disk', fsType: 'ext4' };
  const table: readonly (readonly [string, PersistentVolume])[] = [
    [
      'GCE PD with beta zone labels',
      { metadata: { labels: { [BETA_ZONE]: 'us-east-1a' } }, spec: { gcePersistentDisk } },
    ],
    [
      'GCE PD with GA kubernetes zone labels',
      { metadata: { labels: { [ZONE]: 'us-east-1a' } }, spec: { gcePersistentDisk } },
    ],
    [
      'GCE PD with existing topology (CSI keys)',
      placed([term([GCE_KEY, 'us-east-2a'])], undefined, { gcePersistentDisk }),
    ],
    [
      'GCE PD with regional topology',
      placed([term([ZONE, 'europe-west1-b', 'europe-west1-c'])], undefined, { gcePersistentDisk }),
    ],
    [
      'GCE PD with Beta regional zone and topology',
      placed(
        [term([BETA_ZONE, 'europe-west1-f', 'europe-west1-g'])],
        { [BETA_ZONE]: 'europe-west1-b__europe-west1-c' },
        { gcePersistentDisk },
      ),
    ],
    [
      'GCE PD with multiple node selector terms',
      placed([term([ZONE, 'europe-west1-f']), term([ZONE, 'europe-west1-g'])], undefined, {
        gcePersistentDisk,
      }),
    ],
  ];
  for (const [name, volume] of table) {
    it(name, () => {
      const back = translateVolumeToInTree(translateVolume(volume));
      const terms = back.spec?.nodeAffinity?.required?.nodeSelectorTerms ?? [];
      const keys = terms.map(({ matchExpressions = [] }) => matchExpressions.map(({ key }) => key));
      assert.ok(keys.length > 0);
      for (const each of keys) {
        assert.ok(!each.includes(GCE_KEY));
        assert.ok(each.includes(ZONE) || each.includes(BETA_ZONE));
      }
    });
  }
});

it('TestPluginNameMappings', () => {
  for (const plugin of MIGRATED_PLUGINS) assert.equal(pluginOfDriver(driverOfPlugin(plugin)!), plugin);
  assert.equal(pluginOfDriver('disk.example.com'), undefined);
  assert.throws(() => translateVolumeToInTree(made({ driver: 'disk.example.com' })), {
    message: 'could not find in-tree plugin translation logic for disk.example.com',
  });
});

it('a region that cannot be told is an error that names the volume', () => {
  const csi = { driver: 'ebs.csi.aws.com', volumeHandle: 'vol' };
  const volume = placed([term(['topology.ebs.csi.aws.com/zone', 'nowhere'])], undefined, { csi });
  assert.throws(() => translateVolumeToInTree(volume), {
    message:
      'failed to translate topology. PV:pv. Error:Failed to handle region topology. error: Unexpected zone format: nowhere is not a valid AWS zone',
  });
});
