import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Metrics } from '../../../base/index.ts';
import { createPersistentVolumeController } from '../../../controllers/persistent-volume/index.ts';
import { createProtectionControllers } from '../../../controllers/protection/index.ts';
import { type csi, serveInMemory } from '../../../csi/index.ts';
import {
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  storageClasses,
} from '../../../kube/index.ts';
import { startStack } from '../../../testing/component-stack.ts';
import { type CapacityOptions, createProvisioner } from '../index.ts';
import { spreadingOffset } from '../spreading.ts';

const DRIVER = 'disk.csi.example.com';
const ZONE = 'zone';
const GI = 1n << 30n;

async function start(test: TestContext, capacity: Partial<CapacityOptions>) {
  const stack = await startStack(test, {
    watch: [csiStorageCapacities, persistentVolumeClaims, persistentVolumes],
  });
  const { client, context, until } = stack;
  await client.create(namespaces, { metadata: { name: 'team' } });
  for (const zone of ['a', 'b']) {
    const metadata = { name: `node-${zone}`, labels: { [ZONE]: zone } };
    await client.create(nodes, { metadata });
    const drivers = [{ name: DRIVER, nodeID: metadata.name, topologyKeys: [ZONE] }];
    await client.create(csiNodes, { metadata: { name: metadata.name }, spec: { drivers } });
  }
  for (const [name, volumeBindingMode] of [
    ['late', 'WaitForFirstConsumer'],
    ['soon', 'Immediate'],
  ] as const)
    await client.create(storageClasses, {
      metadata: { name },
      provisioner: DRIVER,
      reclaimPolicy: 'Delete',
      volumeBindingMode,
    });
  const room = new Map([
    ['a', 10n * GI],
    ['b', 20n * GI],
  ]);
  const served = serveInMemory(
    {
      identity: { name: DRIVER, vendorVersion: '1', topology: true },
      controller: {
        createVolume: async ({ name, capacityRange, accessibilityRequirements }: csi.CreateVolumeRequest) => {
          const place = accessibilityRequirements?.preferred[0] ?? assert.fail();
          const capacityBytes = capacityRange?.requiredBytes ?? 0n;
          const zone = place.segments[ZONE] ?? '';
          room.set(zone, (room.get(zone) ?? 0n) - capacityBytes);
          return { volume: { volumeId: `${zone} ${name}`, capacityBytes, accessibleTopology: [place] } };
        },
        deleteVolume: async ({ volumeId }: csi.DeleteVolumeRequest) => {
          const [zone = ''] = volumeId.split(' ');
          room.set(zone, (room.get(zone) ?? 0n) + 4n * GI);
          return {};
        },
        getCapacity: async ({ accessibleTopology }: csi.GetCapacityRequest) => ({
          availableCapacity: room.get(accessibleTopology?.segments[ZONE] ?? '') ?? 0n,
        }),
      },
    },
    { clock: context.clock, log: context.log },
  );
  const csiClient = served.connect();
  test.after(() => csiClient.close());
  const metrics = new Metrics();
  const component = createProvisioner(context, {
    csi: csiClient,
    backoff: { initialMs: 10, maxMs: 100 },
    metrics,
    capacity: { namespace: 'team', ...capacity },
  });
  const known = context.informers.of(csiStorageCapacities);
  const now = () =>
    [...known.values()]
      .map(({ storageClassName, nodeTopology, capacity: size }) =>
        [storageClassName, nodeTopology?.matchLabels?.[ZONE], size].join(' '),
      )
      .sort()
      .join(', ');
  return {
    ...stack,
    component,
    metrics,
    now,
    objects: () => [...known.values()],
    tells: (text: string) => until(text, () => now() === text),
  };
}

const claim = (name: string) => ({
  metadata: { name, namespace: 'team' },
  spec: {
    accessModes: ['ReadWriteOnce'],
    resources: { requests: { storage: '4Gi' } },
    storageClassName: 'soon',
  },
});

describe('a provisioner that tells the capacity', () => {
  it('does so for every zone, again when volumes were made and deleted, and counts', async (test) => {
    const { run, component, context, client, tells, metrics } = await start(test, { immediateBinding: true });
    run(component, createPersistentVolumeController(context), createProtectionControllers(context));
    await tells('late a 10Gi, late b 20Gi, soon a 10Gi, soon b 20Gi');
    // One whose volume goes to the first zone.
    const name = ['data-0', 'data-1'].find((one) => spreadingOffset(one) % 2 === 0) ?? assert.fail();
    await client.create(persistentVolumeClaims, claim(name));
    await tells('late a 6Gi, late b 20Gi, soon a 6Gi, soon b 20Gi');
    await client.delete(persistentVolumeClaims, { namespace: 'team', name });
    await tells('late a 10Gi, late b 20Gi, soon a 10Gi, soon b 20Gi');
    await client.delete(nodes, { name: 'node-a' });
    await tells('late b 20Gi, soon b 20Gi');
    const lines = metrics.text().split('\n');
    for (const line of [
      'csistoragecapacities_desired_goal 2',
      'csistoragecapacities_desired_current 2',
      'csistoragecapacities_obsolete 0',
      'controller_persistentvolumeclaim_provision_total{class="soon",source=""} 1',
      'controller_persistentvolumeclaim_provision_duration_seconds_count{class="soon",source=""} 1',
      'controller_persistentvolume_delete_total{class="soon"} 1',
    ])
      assert.ok(lines.includes(line), `${line}\nis not in\n${metrics.text()}`);
  });

  it('does so only while the CSIDriver object wants it, where it is told to', async (test) => {
    const { run, component, client, tells, now, until, objects } = await start(test, { onlyIfTracked: true });
    run(component);
    const storageCapacity = (wanted: boolean) =>
      client.patch(
        csiDrivers,
        { name: DRIVER },
        { type: 'merge', body: { spec: { storageCapacity: wanted } } },
      );
    await client.create(csiDrivers, { metadata: { name: DRIVER }, spec: { storageCapacity: false } });
    assert.equal(now(), '');
    await storageCapacity(true);
    await tells('late a 10Gi, late b 20Gi');
    const [first = assert.fail()] = objects();
    const remove = () =>
      client.delete(csiStorageCapacities, { namespace: 'team', name: first.metadata.name });
    const isGone = () => !objects().some(({ metadata }) => metadata.uid === first.metadata.uid);
    await storageCapacity(false);
    await storageCapacity(true);
    await remove();
    await until('it is gone', isGone);
    await tells('late a 10Gi, late b 20Gi');
  });

  it('gives the objects the owner that its pod has, and cannot start without one', async (test) => {
    const owned = await start(test, { owner: { podName: 'provisioner-0', level: 1 } });
    const reference = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'provisioner', uid: 'u' };
    const abort = AbortSignal.timeout(60_000);
    await assert.rejects(owned.component.start(abort), /get object: pods "provisioner-0" not found/);
    await owned.client.create(pods, {
      metadata: {
        name: 'provisioner-0',
        namespace: 'team',
        ownerReferences: [{ ...reference, controller: true }],
      },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    owned.run(owned.component);
    await owned.tells('late a 10Gi, late b 20Gi');
    for (const { metadata } of owned.objects())
      assert.deepEqual(metadata.ownerReferences, [{ ...reference, controller: true }]);
  });
});
