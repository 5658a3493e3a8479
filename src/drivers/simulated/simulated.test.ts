import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, silentLogger } from '../../base/index.ts';
import { csi, serveInMemory } from '../../csi/index.ts';
import { createSimulatedHost, Machine } from '../../host/simulated/index.ts';
import { simulatedController, simulatedNode, TOPOLOGY_CLUSTER } from './index.ts';

const ZONE = 'topology.kubernetes.io/zone';
const clock = new FakeClock();
const options = { clock, log: silentLogger };
const accessMode = { mode: csi.VolumeCapability_AccessMode_Mode.SINGLE_NODE_WRITER };
const mount = { accessMode, accessType: { case: 'mount' as const, value: {} } };
const block = { accessMode, accessType: { case: 'block' as const, value: {} } };

describe('the simulated driver', () => {
  const { controller } = serveInMemory(simulatedController(), options).connect();
  const create = (request: object) =>
    controller.createVolume({ name: 'v', volumeCapabilities: [mount], ...request });
  const segments = (zone: string) => ({ segments: { [ZONE]: zone } });

  it('makes a volume where it is preferred, of the size that is asked for, again and again', async () => {
    const asked = {
      capacityRange: { requiredBytes: 5n },
      accessibilityRequirements: { requisite: [segments('a'), segments('b')], preferred: [segments('b')] },
    };
    for (const { volume } of [await create(asked), await create(asked)]) {
      assert.equal(volume?.volumeId, 'v');
      assert.equal(volume.capacityBytes, 5n);
      assert.deepEqual(
        volume.accessibleTopology.map((one) => one.segments),
        [{ [ZONE]: 'b' }],
      );
    }
    assert.deepEqual((await create({})).volume?.accessibleTopology, []);
  });

  it('refuses what it cannot hold', async () => {
    await assert.rejects(create({ volumeCapabilities: [block] }), /cannot be a block device/);
    const snapshot = { type: { case: 'snapshot', value: { snapshotId: 's' } } };
    await assert.rejects(
      create({ volumeContentSource: snapshot }),
      /volume_content_source\.snapshot is given, but/,
    );
  });

  it('publishes a volume that another life of it has made', async () => {
    const request = { volumeId: 'old', nodeId: 'n', volumeCapability: mount };
    assert.deepEqual({ ...(await controller.controllerPublishVolume(request)).publishContext }, {});
    await controller.controllerUnpublishVolume({ volumeId: 'old', nodeId: 'n' });
    await controller.deleteVolume({ volumeId: 'old' });
  });

  it('stages, publishes and takes both back on the machine of the node, twice each', async () => {
    const now = () => clock.now();
    const machine = new Machine('n', now, () => 0);
    const host = createSimulatedHost(machine, now);
    const labels = { [ZONE]: 'a', other: 'x' };
    const { node } = serveInMemory(simulatedNode({ host, nodeId: 'n', labels }), options).connect();
    const { nodeId, accessibleTopology } = await node.nodeGetInfo({});
    assert.equal(nodeId, 'n');
    assert.deepEqual({ ...accessibleTopology?.segments }, { [TOPOLOGY_CLUSTER]: 'simulated', [ZONE]: 'a' });

    const before = (await host.mounts.list()).length;
    const stage = { volumeId: 'v', stagingTargetPath: '/staging', volumeCapability: mount };
    const publish = { ...stage, targetPath: '/target' };
    await assert.rejects(node.nodePublishVolume(publish), /volume v is not staged at \/staging/);
    for (let i = 0; i < 2; i++) await node.nodeStageVolume(stage);
    for (let i = 0; i < 2; i++) await node.nodePublishVolume(publish);
    const targets = (await host.mounts.list()).slice(before).map(({ target }) => target);
    assert.deepEqual(targets, ['/staging', '/target']);
    for (let i = 0; i < 2; i++) await node.nodeUnpublishVolume({ volumeId: 'v', targetPath: '/target' });
    for (let i = 0; i < 2; i++)
      await node.nodeUnstageVolume({ volumeId: 'v', stagingTargetPath: '/staging' });
    assert.equal((await host.mounts.list()).length, before);
    assert.equal(await host.files.stat('/target'), undefined);
  });
});
