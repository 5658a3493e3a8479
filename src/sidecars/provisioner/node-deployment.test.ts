import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { createPersistentVolumeController } from '../../controllers/persistent-volume/index.ts';
import { createProtectionControllers } from '../../controllers/protection/index.ts';
import { Code, CsiStatus, type csi, serveInMemory } from '../../csi/index.ts';
import {
  ANN_SELECTED_NODE,
  csiStorageCapacities,
  events,
  namespaces,
  type PersistentVolume,
  persistentVolumeClaims,
  persistentVolumes,
  type StorageClass,
  storageClasses,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createProvisioner } from './index.ts';

const DRIVER = 'local.csi.example.com';
const NODE_KEY = 'topology.example.com/node';
const GI = 1n << 30n;

/** The driver on one node: it sees its own disks only. */
class LocalDriver {
  readonly node: string;
  readonly volumes = new Map<string, csi.CreateVolumeRequest>();
  readonly asked: (csi.Topology | undefined)[] = [];
  /** Volumes of others that it was to delete. */
  readonly strangers: string[] = [];
  room = 10n * GI;
  isFull = false;

  constructor(node: string) {
    this.node = node;
  }

  readonly controller = {
    createVolume: async (request: csi.CreateVolumeRequest) => {
      if (this.isFull) throw new CsiStatus(Code.RESOURCE_EXHAUSTED, `${this.node} is full`);
      const volumeId = `${this.node}-${request.name}`;
      this.volumes.set(volumeId, request);
      const capacityBytes = request.capacityRange?.requiredBytes ?? 0n;
      this.room -= capacityBytes;
      return { volume: { volumeId, capacityBytes, accessibleTopology: [this.#place] } };
    },
    deleteVolume: async ({ volumeId }: csi.DeleteVolumeRequest) => {
      if (!volumeId.startsWith(`${this.node}-`)) this.strangers.push(volumeId);
      this.volumes.delete(volumeId);
      return {};
    },
    getCapacity: async ({ accessibleTopology }: csi.GetCapacityRequest) => {
      this.asked.push(accessibleTopology);
      return { availableCapacity: this.room };
    },
  };

  readonly nodeService = {
    nodePublishVolume: async () => ({}),
    nodeUnpublishVolume: async () => ({}),
    nodeGetInfo: async () => ({ nodeId: this.node, accessibleTopology: this.#place }),
  };

  get #place() {
    return { segments: { [NODE_KEY]: this.node } };
  }
}

interface Options {
  readonly capacity?: boolean;
  readonly strictTopology?: boolean;
  readonly immediateBinding?: boolean;
}

/** A cluster with a provisioner on each of these nodes. */
async function start(test: TestContext, names: readonly string[], options: Options = {}) {
  const stack = await startStack(test, {
    watch: [persistentVolumeClaims, persistentVolumes, csiStorageCapacities, events],
  });
  const { client, context, until } = stack;
  await client.create(namespaces, { metadata: { name: 'team' } });
  const drivers = names.map((name) => new LocalDriver(name));
  stack.run(createPersistentVolumeController(context), createProtectionControllers(context));
  for (const driver of drivers) {
    const served = serveInMemory(
      {
        identity: { name: DRIVER, vendorVersion: '1', topology: true },
        controller: driver.controller,
        node: driver.nodeService,
      },
      { clock: context.clock, log: context.log },
    );
    const csiClient = served.connect();
    test.after(() => csiClient.close());
    stack.run(
      createProvisioner(context, {
        csi: csiClient,
        backoff: { initialMs: 10, maxMs: 100 },
        strictTopology: options.strictTopology ?? true,
        immediateTopology: false,
        nodeDeployment: {
          nodeName: driver.node,
          immediateBinding: options.immediateBinding ?? true,
          baseDelayMs: 20,
          maxDelayMs: 100,
        },
        ...(options.capacity && { capacity: { namespace: 'team' } }),
      }),
    );
  }
  const claims = context.informers.of(persistentVolumeClaims);
  const volumes = context.informers.of(persistentVolumes);
  return {
    ...stack,
    drivers,
    claims,
    volumes,
    capacities: context.informers.of(csiStorageCapacities),
    addClass: (volumeBindingMode: string, more: Partial<StorageClass> = {}) =>
      client.create(storageClasses, {
        metadata: { name: 'local' },
        provisioner: DRIVER,
        reclaimPolicy: 'Delete',
        volumeBindingMode,
        ...more,
      }),
    addClaim: (name: string, storage = '1Gi') =>
      client.create(persistentVolumeClaims, {
        metadata: { name, namespace: 'team' },
        spec: {
          accessModes: ['ReadWriteOnce'],
          resources: { requests: { storage } },
          storageClassName: 'local',
        },
      }),
    bound: (name: string) =>
      until(`${name} is Bound`, () => {
        const claim = claims.get(name, 'team');
        return claim?.status?.phase === 'Bound' && claim;
      }),
  };
}

const nodeOf = ({ spec }: PersistentVolume): string | undefined =>
  spec?.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values?.[0];

describe('a provisioner on each node', () => {
  it('one of them makes the volume of a claim that binds at once, and the same deletes it', async (test) => {
    const { addClass, addClaim, bound, drivers, volumes, client, until } = await start(test, ['a', 'b', 'c']);
    await addClass('Immediate');
    const names = ['one', 'two', 'three', 'four', 'five', 'six'];
    for (const name of names) await addClaim(name);
    for (const name of names) {
      const claim = await bound(name);
      const volume = volumes.get(claim.spec?.volumeName ?? '') ?? assert.fail();
      const node = claim.metadata.annotations?.[ANN_SELECTED_NODE];
      assert.equal(nodeOf(volume), node);
      assert.match(
        volume.spec?.csi?.volumeAttributes?.['storage.kubernetes.io/csiProvisionerIdentity'] ?? '',
        new RegExp(`-${node}$`),
      );
    }
    const made = drivers.flatMap((driver) => [...driver.volumes.values()]);
    assert.equal(made.length, names.length);
    // Strict: the place of its own node and no other.
    for (const driver of drivers)
      for (const { accessibilityRequirements } of driver.volumes.values())
        assert.deepEqual(
          accessibilityRequirements?.requisite.map(({ segments }) => segments),
          [{ [NODE_KEY]: driver.node }],
        );
    for (const name of names) await client.delete(persistentVolumeClaims, { namespace: 'team', name });
    await until('no volumes', () => volumes.size === 0);
    assert.deepEqual(
      drivers.flatMap(({ strangers }) => strangers),
      [],
    );
    assert.deepEqual(
      drivers.map((driver) => driver.volumes.size),
      [0, 0, 0],
    );
  });

  it('that of the selected node makes the volume of a claim that binds late', async (test) => {
    const { addClass, addClaim, bound, drivers, client } = await start(test, ['a', 'b'], {
      strictTopology: false,
    });
    await addClass('WaitForFirstConsumer');
    const claim = await addClaim('data');
    const body = { metadata: { annotations: { [ANN_SELECTED_NODE]: 'b' } } };
    await client.patch(
      persistentVolumeClaims,
      { namespace: 'team', name: claim.metadata.name },
      { type: 'merge', body },
    );
    await bound('data');
    assert.deepEqual(
      drivers.map((driver) => driver.volumes.size),
      [0, 1],
    );
  });

  it('those without room leave a claim alone, and so do those that its class does not allow', async (test) => {
    const { addClass, addClaim, bound, drivers } = await start(test, ['a', 'b', 'c']);
    const [a = assert.fail(), b = assert.fail()] = drivers;
    a.room = GI - 1n;
    await addClass('Immediate', {
      allowedTopologies: [{ matchLabelExpressions: [{ key: NODE_KEY, values: ['a', 'b'] }] }],
    });
    await addClaim('data');
    const claim = await bound('data');
    assert.equal(claim.metadata.annotations?.[ANN_SELECTED_NODE], 'b');
    assert.equal(b.volumes.size, 1);
  });

  it('who took a claim and has no room after all gives it up for another', async (test) => {
    const { addClass, addClaim, bound, drivers, events: told } = await start(test, ['a', 'b']);
    const [a = assert.fail(), b = assert.fail()] = drivers;
    a.isFull = true;
    b.room = 0n;
    await addClass('Immediate');
    await addClaim('data');
    // The one that says it has room takes it again and again; in the end the other has room, too.
    b.room = 10n * GI;
    const claim = await bound('data');
    assert.equal(claim.metadata.annotations?.[ANN_SELECTED_NODE], 'b');
    for (const text of await told()) assert.ok(!text.includes('node check failed'), text);
  });

  it('does not take what binds at once where that is somebody else’s to decide', async (test) => {
    const { addClass, addClaim, bound, drivers, client, claims } = await start(test, ['a', 'b'], {
      immediateBinding: false,
    });
    await addClass('Immediate');
    await addClaim('data');
    const body = { metadata: { annotations: { [ANN_SELECTED_NODE]: 'a' } } };
    assert.equal(claims.get('data', 'team')?.metadata.annotations?.[ANN_SELECTED_NODE], undefined);
    await client.patch(persistentVolumeClaims, { namespace: 'team', name: 'data' }, { type: 'merge', body });
    await bound('data');
    assert.deepEqual(
      drivers.map((driver) => driver.volumes.size),
      [1, 0],
    );
  });

  it('each tells the capacity of its own node', async (test) => {
    const { addClass, capacities, until, addClaim, bound, drivers, client } = await start(test, ['a', 'b'], {
      capacity: true,
    });
    const told = () =>
      [...capacities.values()]
        .map(
          ({ metadata, nodeTopology, capacity }) =>
            `${metadata.labels?.['csi.storage.k8s.io/managed-by']} ${nodeTopology?.matchLabels?.[NODE_KEY]} ${capacity}`,
        )
        .sort()
        .join(', ');
    const tells = (text: string) => until(text, () => told() === text);
    await addClass('WaitForFirstConsumer');
    await tells('external-provisioner-a a 10Gi, external-provisioner-b b 10Gi');
    await addClaim('data', '4Gi');
    const body = { metadata: { annotations: { [ANN_SELECTED_NODE]: 'b' } } };
    await client.patch(persistentVolumeClaims, { namespace: 'team', name: 'data' }, { type: 'merge', body });
    await bound('data');
    await tells('external-provisioner-a a 10Gi, external-provisioner-b b 6Gi');
    const [a = assert.fail()] = drivers;
    assert.ok(a.asked.every((place) => place?.segments[NODE_KEY] === 'a'));
  });
});
