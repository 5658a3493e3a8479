import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersistentVolume, Stored, Volume } from '../../kube/index.ts';
import { specFromPersistentVolume, specFromVolume } from '../index.ts';
import {
  driverOfPlugin,
  MIGRATED_PLUGINS,
  migratedPluginOf,
  translateInlineVolume,
  translateSpec,
  translateVolume,
} from './index.ts';

// The cases are those of upstream's tests: k8s.io/csi-translation-lib, translate_test.go and plugins/*_test.go.

type Spec = NonNullable<PersistentVolume['spec']>;
const clean = (object: unknown) => JSON.parse(JSON.stringify(object));
const volume = (spec: object, metadata: object = {}) =>
  ({ metadata: { name: 'pv', ...metadata }, spec }) as Stored<PersistentVolume>;
const csiOf = (spec: object, metadata: object = {}) =>
  clean(translateVolume(volume(spec, metadata)).spec?.csi);

describe('migrated plugins', () => {
  it('each have a driver, and only they', () => {
    assert.deepEqual(
      [...MIGRATED_PLUGINS]
        .sort()
        .map((plugin) => [plugin.slice('kubernetes.io/'.length), driverOfPlugin(plugin)]),
      [
        ['aws-ebs', 'ebs.csi.aws.com'],
        ['azure-disk', 'disk.csi.azure.com'],
        ['azure-file', 'file.csi.azure.com'],
        ['cinder', 'cinder.csi.openstack.org'],
        ['gce-pd', 'pd.csi.storage.gke.io'],
        ['portworx-volume', 'pxd.portworx.com'],
        ['vsphere-volume', 'csi.vsphere.vmware.com'],
      ],
    );
    for (const plugin of ['kubernetes.io/host-path', 'disk.example.com', '']) {
      assert.equal(driverOfPlugin(plugin), undefined);
    }
  });

  it('are known by what a volume says', () => {
    assert.equal(migratedPluginOf(volume({ gcePersistentDisk: { pdName: 'd' } })), 'kubernetes.io/gce-pd');
    assert.equal(migratedPluginOf({ name: 'v', cinder: { volumeID: 'c' } }), 'kubernetes.io/cinder');
    assert.equal(migratedPluginOf(volume({ hostPath: { path: '/' } })), undefined);
    assert.equal(migratedPluginOf({ name: 'v', emptyDir: {} }), undefined);
  });
});

describe('the source of a volume', () => {
  const gce = (handle: string, partition = '') => ({
    driver: 'pd.csi.storage.gke.io',
    volumeHandle: handle,
    volumeAttributes: { partition },
  });
  const ebs = (volumeHandle: string, partition = '0') => ({
    driver: 'ebs.csi.aws.com',
    volumeHandle,
    volumeAttributes: { partition },
  });
  const zone = (value: string) => ({ labels: { 'topology.kubernetes.io/zone': value } });
  const cases: [string, object, object, object][] = [
    ['an EBS id', { awsElasticBlockStore: { volumeID: 'vol-1' } }, {}, ebs('vol-1')],
    [
      'an EBS URL with zone',
      { awsElasticBlockStore: { volumeID: 'aws://us-east-1/vol-02399794d890f9375' } },
      {},
      ebs('vol-02399794d890f9375'),
    ],
    [
      'an EBS URL without zone',
      { awsElasticBlockStore: { volumeID: 'aws:///vol-02399794d890f9375', partition: 1 } },
      {},
      ebs('vol-02399794d890f9375', '1'),
    ],
    [
      'a GCE disk somewhere',
      { gcePersistentDisk: { pdName: 'd' } },
      {},
      gce('projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d'),
    ],
    [
      'a GCE disk in a zone',
      { gcePersistentDisk: { pdName: 'd', partition: 2 } },
      zone('us-east1-a'),
      gce('projects/UNSPECIFIED/zones/us-east1-a/disks/d', '2'),
    ],
    [
      'a GCE disk in a region',
      { gcePersistentDisk: { pdName: 'd' } },
      zone('us-east1-a__us-east1-c'),
      gce('projects/UNSPECIFIED/regions/us-east1/disks/d'),
    ],
    [
      'a Cinder volume',
      { cinder: { volumeID: 'c', fsType: 'xfs', readOnly: true } },
      {},
      {
        driver: 'cinder.csi.openstack.org',
        volumeHandle: 'c',
        fsType: 'xfs',
        readOnly: true,
        volumeAttributes: {},
      },
    ],
    [
      'an Azure disk',
      {
        azureDisk: {
          diskName: 'd',
          diskURI: '/subscriptions/s/d',
          cachingMode: 'ReadOnly',
          fsType: 'ext4',
          kind: 'managed',
        },
      },
      {},
      {
        driver: 'disk.csi.azure.com',
        volumeHandle: '/subscriptions/s/d',
        fsType: 'ext4',
        volumeAttributes: { kind: 'Managed', cachingmode: 'ReadOnly', fstype: 'ext4' },
      },
    ],
    [
      'an Azure share',
      {
        azureFile: { secretName: 'azure-storage-account-acc-secret', shareName: 's', secretNamespace: 'ns' },
      },
      { annotations: { 'kubernetes.io/azure-file-resource-group': 'rg' } },
      {
        driver: 'file.csi.azure.com',
        volumeHandle: 'rg#acc#s#pv#ns',
        volumeAttributes: { sharename: 's' },
        nodeStageSecretRef: { name: 'azure-storage-account-acc-secret', namespace: 'ns' },
      },
    ],
    [
      'an Azure share with its secret beside the claim',
      { azureFile: { secretName: 'secret', shareName: 's' }, claimRef: { namespace: 'team' } },
      {},
      {
        driver: 'file.csi.azure.com',
        volumeHandle: '#secret#s#pv#team',
        volumeAttributes: { sharename: 's' },
        nodeStageSecretRef: { name: 'secret', namespace: 'team' },
      },
    ],
    [
      'a vSphere disk',
      { vsphereVolume: { volumePath: '[ds] kubevols/d.vmdk', fsType: 'ext4', storagePolicyName: 'gold' } },
      {},
      {
        driver: 'csi.vsphere.vmware.com',
        volumeHandle: '[ds] kubevols/d.vmdk',
        fsType: 'ext4',
        volumeAttributes: { storagepolicyname: 'gold' },
      },
    ],
    [
      'a Portworx volume',
      { portworxVolume: { volumeID: 'p' } },
      {
        annotations: { 'openstorage.io/auth-secret-name': 's', 'openstorage.io/auth-secret-namespace': 'ns' },
      },
      {
        driver: 'pxd.portworx.com',
        volumeHandle: 'p',
        volumeAttributes: {},
        ...Object.fromEntries(
          ['controllerPublish', 'nodeStage', 'nodePublish', 'controllerExpand', 'nodeExpand'].map((call) => [
            `${call}SecretRef`,
            { name: 's', namespace: 'ns' },
          ]),
        ),
      },
    ],
  ];
  for (const [what, spec, metadata, expected] of cases) {
    it(what, () => assert.deepEqual(csiOf(spec, metadata), expected));
  }

  const refusals: [string, object, object, RegExp][] = [
    [
      'an EBS URL without id',
      { awsElasticBlockStore: { volumeID: 'aws://us-east-1/' } },
      {},
      /Invalid format for AWS volume \(aws:\/\/us-east-1\/\)$/,
    ],
    [
      'an unmanaged Azure disk',
      { azureDisk: { diskURI: 'd', kind: 'Dedicated' } },
      {},
      /^kind\(Dedicated\) is not supported in csi migration$/,
    ],
    [
      'an Azure share without namespace',
      { azureFile: { secretName: 's', shareName: 's' } },
      {},
      /^could not find a secret namespace in PersistentVolumeSource or ClaimRef$/,
    ],
    [
      'a GCE disk in two regions',
      { gcePersistentDisk: { pdName: 'd' } },
      zone('us-east1-a__us-west1-a'),
      /multiple or no regions gotten from zones/,
    ],
  ];
  for (const [what, spec, metadata, message] of refusals) {
    it(`refuses ${what}`, () => {
      assert.throws(() => csiOf(spec, metadata), { message });
      const said = { message: /^failed to translate in-tree pv to CSI: / };
      assert.throws(() => translateSpec(specFromPersistentVolume(volume(spec, metadata), false), 'ns'), said);
    });
  }

  it('takes the place of the old one; the rest stays, and the volume that was given is as it was', () => {
    const given = volume({
      cinder: { volumeID: 'c' },
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
    });
    const before = clean(given);
    const { cinder, csi, ...rest } = translateVolume(given).spec!;
    assert.equal(cinder, undefined);
    assert.equal(csi?.driver, 'cinder.csi.openstack.org');
    assert.deepEqual(rest, { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] });
    assert.deepEqual(clean(given), before);
    const foreign = volume({ hostPath: { path: '/' } });
    assert.equal(translateVolume(foreign), foreign);
  });

  const modes: [readonly string[], readonly string[]][] = [
    [['ReadWriteMany'], ['ReadWriteOnce']],
    [['ReadOnlyMany', 'ReadWriteOnce'], ['ReadWriteOnce']],
    [['ReadOnlyMany', 'ReadWriteMany'], ['ReadWriteOnce']],
    [['ReadOnlyMany'], ['ReadOnlyMany']],
    [['ReadWriteOnce'], ['ReadWriteOnce']],
    [[], ['ReadWriteOnce']],
  ];
  for (const [given, expected] of modes) {
    it(`access modes of a GCE disk: ${given.join(', ') || 'none'}`, () => {
      const spec = { gcePersistentDisk: { pdName: 'd' }, accessModes: given };
      assert.deepEqual(translateVolume(volume(spec)).spec?.accessModes, expected);
    });
  }
});

describe('the topology of a volume', () => {
  const BETA = 'failure-domain.beta.kubernetes.io';
  const STABLE = 'topology.kubernetes.io';
  const requirement = (key: string, ...values: string[]) => ({ key, operator: 'In', values });
  const affinity = (...terms: object[][]) =>
    ({
      required: { nodeSelectorTerms: terms.map((matchExpressions) => ({ matchExpressions })) },
    }) as Spec['nodeAffinity'];
  const gce = { gcePersistentDisk: { pdName: 'd' } };
  const key = 'topology.gke.io/zone';
  const cases: [string, object, Record<string, string>, object | undefined, object | undefined][] = [
    ['none', gce, {}, undefined, undefined],
    [
      'of a label',
      gce,
      { [`${STABLE}/zone`]: 'us-east1-a' },
      undefined,
      affinity([requirement(key, 'us-east1-a')]),
    ],
    [
      'of a beta label with two zones',
      gce,
      { [`${BETA}/zone`]: 'us-east1-c__us-east1-a' },
      undefined,
      affinity([requirement(key, 'us-east1-a', 'us-east1-c')]),
    ],
    [
      'of an affinity, which goes before labels',
      gce,
      { [`${STABLE}/zone`]: 'us-east1-b' },
      affinity([requirement(`${STABLE}/zone`, 'us-east1-a')]),
      affinity([requirement(key, 'us-east1-a')]),
    ],
    [
      'of a beta affinity: its region becomes the stable one',
      gce,
      {},
      affinity([requirement(`${BETA}/zone`, 'us-east1-a'), requirement(`${BETA}/region`, 'us-east1')]),
      affinity([requirement(key, 'us-east1-a'), requirement(`${STABLE}/region`, 'us-east1')]),
    ],
    [
      'of labels, in each term of an affinity about something else',
      gce,
      { [`${STABLE}/zone`]: 'us-east1-a' },
      affinity([requirement('rack', '1')], [requirement('rack', '2')]),
      affinity(
        [requirement('rack', '1'), requirement(key, 'us-east1-a')],
        [requirement('rack', '2'), requirement(key, 'us-east1-a')],
      ),
    ],
    [
      'of a vSphere disk: zone and region',
      { vsphereVolume: { volumePath: 'p' } },
      { [`${STABLE}/zone`]: 'z', [`${STABLE}/region`]: 'r' },
      undefined,
      affinity([
        requirement('topology.csi.vmware.com/zone', 'z'),
        requirement('topology.csi.vmware.com/region', 'r'),
      ]),
    ],
    [
      'of an Azure disk: as it is',
      { azureDisk: { diskURI: 'd' } },
      { [`${STABLE}/zone`]: 'z' },
      affinity([requirement(`${STABLE}/zone`, 'z')]),
      affinity([requirement(`${STABLE}/zone`, 'z')]),
    ],
  ];
  for (const [what, source, labels, nodeAffinity, expected] of cases) {
    // A zone label that makes no region is of no matter here.
    it(what, () => {
      const translated = translateVolume(volume({ ...source, nodeAffinity }, { labels }));
      assert.deepEqual(clean(translated.spec?.nodeAffinity ?? null), expected ? clean(expected) : null);
    });
  }
});

describe('a volume in a pod', () => {
  const cases: [Omit<Volume, 'name'>, string, string, string][] = [
    [{ awsElasticBlockStore: { volumeID: 'vol-1' } }, 'ebs.csi.aws.com-vol-1', 'vol-1', 'ReadWriteOnce'],
    [
      { gcePersistentDisk: { pdName: 'd', readOnly: true } },
      'pd.csi.storage.gke.io-d',
      'projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d',
      'ReadOnlyMany',
    ],
    [{ cinder: { volumeID: 'c' } }, 'cinder.csi.openstack.org-c', 'c', 'ReadWriteOnce'],
    [{ azureDisk: { diskName: 'd', diskURI: 'uri' } }, 'uri', 'uri', 'ReadWriteOnce'],
    [{ azureFile: { secretName: 'sec', shareName: 's' } }, '#sec#s#v#ns', '#sec#s#v#ns', 'ReadWriteMany'],
    [{ vsphereVolume: { volumePath: 'p' } }, 'csi.vsphere.vmware.com-p', 'p', 'ReadWriteOnce'],
    [{ portworxVolume: { volumeID: 'x' } }, 'pxd.portworx.com-x', 'x', 'ReadWriteOnce'],
  ];
  for (const [source, name, handle, accessMode] of cases) {
    it(`becomes ${name}`, () => {
      const made = translateInlineVolume({ name: 'v', ...source }, 'ns');
      assert.equal(made?.metadata.name, name);
      assert.equal(made?.spec?.csi?.volumeHandle, handle);
      assert.deepEqual(made?.spec?.accessModes, [accessMode]);
      assert.equal(made?.spec?.volumeMode, 'Filesystem');
      const spec = translateSpec(specFromVolume({ name: 'v', ...source }), 'ns');
      assert.deepEqual([spec.name, spec.isInlineMigrated, spec.volume], [name, true, undefined]);
    });
  }

  it('stays what it is when no driver took over', () => {
    assert.equal(translateInlineVolume({ name: 'v', emptyDir: {} }, 'ns'), undefined);
    const spec = specFromVolume({ name: 'v', emptyDir: {} });
    assert.equal(translateSpec(spec, 'ns'), spec);
  });
});
