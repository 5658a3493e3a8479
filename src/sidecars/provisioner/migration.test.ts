import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPersistentVolumeController } from '../../controllers/persistent-volume/index.ts';
import { createProtectionControllers } from '../../controllers/protection/index.ts';
import { type ControllerService, type csi, serveInMemory } from '../../csi/index.ts';
import {
  events,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type StorageClass,
  storageClasses,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createProvisioner } from './index.ts';
import { isClassOf } from './migrated-class.ts';
import { isAskedOf } from './should-provision.ts';

const DRIVER = 'ebs.csi.aws.com';
const PLUGIN = 'kubernetes.io/aws-ebs';
const ZONE_KEY = 'topology.ebs.csi.aws.com/zone';

/** Volumes in a zone, by the name of the plugin's driver. */
class Driver implements ControllerService {
  readonly created: csi.CreateVolumeRequest[] = [];
  readonly deleted: string[] = [];
  zone = 'eu-west-1a';

  createVolume(request: csi.CreateVolumeRequest) {
    this.created.push(request);
    const accessibleTopology = [{ segments: { [ZONE_KEY]: this.zone } }];
    const capacityBytes = request.capacityRange?.requiredBytes ?? 0n;
    return { volume: { volumeId: 'vol-1', capacityBytes, accessibleTopology } };
  }

  deleteVolume({ volumeId }: csi.DeleteVolumeRequest) {
    this.deleted.push(volumeId);
    return {};
  }
}

const storageClass: StorageClass = {
  metadata: { name: 'old' },
  provisioner: PLUGIN,
  parameters: { fsType: 'xfs', iopsPerGB: '10', zone: 'eu-west-1a' },
  reclaimPolicy: 'Delete',
  volumeBindingMode: 'Immediate',
};
const claim: PersistentVolumeClaim = {
  metadata: { name: 'data', namespace: 'default' },
  spec: {
    storageClassName: 'old',
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '1Gi' } },
  },
};

async function start(test: Parameters<typeof startStack>[0]) {
  const stack = await startStack(test, { watch: [persistentVolumeClaims, persistentVolumes, events] });
  const { context, client } = stack;
  const driver = new Driver();
  const identity = { name: DRIVER, vendorVersion: '1', topology: true };
  const served = serveInMemory({ identity, controller: driver }, { clock: context.clock, log: context.log });
  const csiClient = served.connect();
  stack.run(
    createPersistentVolumeController(context),
    createProtectionControllers(context),
    createProvisioner(context, { csi: csiClient, immediateTopology: false }),
  );
  test.after(() => {
    csiClient.close();
    served.stop();
  });
  await client.create(storageClasses, storageClass);
  await client.create(persistentVolumeClaims, claim);
  return { ...stack, driver };
}

describe('a class that names an in-tree plugin, of which a driver took over', () => {
  it('gets volumes as the plugin made them, and the driver deletes them', async (test) => {
    const { client, context, driver, until } = await start(test);
    const claims = context.informers.of(persistentVolumeClaims);
    const name = await until('the claim is Bound', () => {
      const bound = claims.get('data', 'default');
      return bound?.status?.phase === 'Bound' && bound.spec?.volumeName;
    });
    const [request] = driver.created;
    assert.deepEqual(request!.parameters, { iopsPerGB: '10', allowautoiopspergbincrease: 'true' });
    assert.equal(request!.volumeCapabilities[0]!.accessType.case, 'mount');
    const [asked] = request!.accessibilityRequirements!.requisite;
    assert.deepEqual(asked!.segments, { [ZONE_KEY]: 'eu-west-1a' });

    const volume = await client.get(persistentVolumes, { name });
    assert.deepEqual(volume.spec?.awsElasticBlockStore, { volumeID: 'vol-1', fsType: 'xfs' });
    assert.equal(volume.spec?.csi, undefined);
    assert.equal(volume.metadata.annotations?.['pv.kubernetes.io/provisioned-by'], PLUGIN);
    assert.equal(volume.metadata.labels?.['topology.kubernetes.io/zone'], 'eu-west-1a');
    assert.equal(volume.metadata.labels?.['topology.kubernetes.io/region'], 'eu-west-1');
    assert.deepEqual(
      volume.spec?.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.map(({ key }) => key),
      ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'],
    );

    await client.delete(persistentVolumeClaims, { namespace: 'default', name: 'data' });
    await until('the volume is gone', () => context.informers.of(persistentVolumes).size === 0);
    assert.deepEqual(driver.deleted, ['vol-1']);
  });
});

// The cases of TestProvisionWithMigration of external-provisioner under their names.
describe('TestProvisionWithMigration', () => {
  const BETA = 'volume.beta.kubernetes.io/storage-provisioner';
  const GA = 'volume.kubernetes.io/storage-provisioner';
  const TO = 'pv.kubernetes.io/migrated-to';
  const table: readonly (readonly [string, provisioner: string, Record<string, string>, boolean])[] = [
    ['provision with migration on', PLUGIN, { [BETA]: DRIVER }, true],
    ['provision with migration on with GA annStorageProvisioner annotation', PLUGIN, { [GA]: DRIVER }, true],
    ['provision without migration for native CSI', DRIVER, { [BETA]: DRIVER }, true],
    [
      'provision without migration for native CSI with GA annStorageProvisioner annotation',
      DRIVER,
      { [GA]: DRIVER },
      true,
    ],
    ['provision with migration for migrated-to CSI', PLUGIN, { [BETA]: PLUGIN, [TO]: DRIVER }, true],
    ['provision with migration-to some random driver', PLUGIN, { [BETA]: PLUGIN, [TO]: 'foo' }, false],
    [
      'provision with migration-to some random driver with random storageProvisioner',
      PLUGIN,
      { [BETA]: 'foo', [TO]: 'foo' },
      false,
    ],
    [
      'provision with migration for migrated-to CSI with CSI Provisioner',
      PLUGIN,
      { [BETA]: DRIVER, [TO]: DRIVER },
      true,
    ],
    ['ignore in-tree PVC when provisioned by in-tree', PLUGIN, { [BETA]: PLUGIN }, false],
    ['a class of somebody else', 'foo', { [GA]: DRIVER }, false],
  ];
  for (const [name, provisioner, annotations, expected] of table) {
    it(name, () => {
      const given = { ...claim, metadata: { ...claim.metadata, annotations } };
      const isOurs = isAskedOf(given, DRIVER) && isClassOf({ ...storageClass, provisioner }, DRIVER);
      assert.equal(isOurs, expected);
    });
  }
});
