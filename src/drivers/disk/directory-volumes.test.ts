import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Code, type CsiClient, csi } from '../../csi/index.ts';
import {
  blockCapability,
  cannotMount,
  host,
  mountCapability,
  mountsBelow,
  startDriver,
  temporaryDirectory,
} from './test-support.ts';

const MIB = 1n << 20n;
const RPC_Type = csi.ControllerServiceCapability_RPC_Type;
/** As in a user namespace, but with mounts of ours. */
const machine = { ...host, info: () => ({ ...host.info(), rootless: true }) };
const failsWith = (code: number, message: RegExp) => (error: { code?: number; message: string }) =>
  error.code === code && message.test(error.message);

const volumeId = 'v';
const volumeCapability = mountCapability({ fsType: 'ext4' });
const create = (
  { controller }: CsiClient,
  capability: ReturnType<typeof blockCapability> | typeof volumeCapability,
) =>
  controller.createVolume({
    name: volumeId,
    capacityRange: { requiredBytes: MIB },
    volumeCapabilities: [capability],
  });

describe('disk.csi.stowage.dev without block devices', { timeout: 60_000 }, () => {
  it('promises nothing that only an image file can keep', async (t) => {
    const driver = await startDriver(t, { machine });
    const { capabilities } = await driver.n1.controller.controllerGetCapabilities({});
    const types = capabilities.map(({ type }) => type.case === 'rpc' && type.value.type);
    for (const type of [RPC_Type.CREATE_DELETE_VOLUME, RPC_Type.PUBLISH_UNPUBLISH_VOLUME])
      assert.ok(types.includes(type));
    for (const type of [RPC_Type.CREATE_DELETE_SNAPSHOT, RPC_Type.CLONE_VOLUME])
      assert.ok(!types.includes(type));
    await assert.rejects(
      create(driver.n1, blockCapability()),
      failsWith(Code.INVALID_ARGUMENT, /raw block volume needs a loop device/),
    );
  });

  it('makes a directory, and removes it with what is in it', async (t) => {
    const driver = await startDriver(t, { machine });
    await create(driver.n1, volumeCapability);
    assert.deepEqual(readdirSync(driver.pool).sort(), ['v.img', 'v.json']);
    mkdirSync(join(driver.pool, 'v.img/a'));
    writeFileSync(join(driver.pool, 'v.img/a/b'), 'data');
    await driver.restart();
    assert.equal((await create(driver.n1, volumeCapability)).volume?.capacityBytes, MIB);
    await driver.n1.controller.deleteVolume({ volumeId });
    assert.deepEqual(readdirSync(driver.pool), []);
  });

  it('finishes a deletion that a crash has cut short', async (t) => {
    const directory = temporaryDirectory(t);
    const driver = await startDriver(t, { directory, machine });
    mkdirSync(join(driver.pool, '.v.img.gone/a'), { recursive: true });
    await driver.restart();
    assert.deepEqual(readdirSync(driver.pool), []);
  });

  it('takes the image of another for no directory', async (t) => {
    const driver = await startDriver(t, { machine });
    await create(driver.n1, volumeCapability);
    await driver.n1.controller.deleteVolume({ volumeId });
    await create(driver.n1, volumeCapability);
    const record = readFileSync(join(driver.pool, 'v.json'), 'utf8');
    await driver.n1.controller.deleteVolume({ volumeId });
    writeFileSync(join(driver.pool, 'v.img'), 'x');
    writeFileSync(join(driver.pool, 'v.json'), record);
    await driver.restart();
    await assert.rejects(
      driver.n1.controller.controllerPublishVolume({
        volumeId,
        nodeId: 'n1',
        readonly: false,
        volumeCapability,
      }),
      failsWith(Code.INTERNAL, /is a file, not a directory/),
    );
  });

  it('binds it where it is wanted, again and again; it goes to the next node with its data', {
    skip: cannotMount(),
  }, async (t) => {
    const driver = await startDriver(t, { machine });
    await create(driver.n1, volumeCapability);
    const stagingTargetPath = join(driver.directory, 'staging');
    const targetPath = join(driver.directory, 'target');
    for (const nodeId of ['n1', 'n2'] as const) {
      const { controller, node } = driver[nodeId];
      await controller.controllerPublishVolume({ volumeId, nodeId, readonly: false, volumeCapability });
      const staged = { volumeId, stagingTargetPath, volumeCapability };
      for (let again = 0; again < 2; again++) {
        await node.nodeStageVolume(staged);
        await node.nodePublishVolume({ ...staged, targetPath, readonly: false });
      }
      assert.deepEqual(mountsBelow(driver.directory).sort(), [stagingTargetPath, targetPath]);
      if (nodeId === 'n1') writeFileSync(join(targetPath, 'x'), 'data');
      assert.equal(readFileSync(join(targetPath, 'x'), 'utf8'), 'data');
      await assert.rejects(
        controller.controllerUnpublishVolume({ volumeId, nodeId }),
        failsWith(Code.FAILED_PRECONDITION, /still mounted at/),
      );
      await node.nodeUnpublishVolume({ volumeId, targetPath });
      await node.nodeUnstageVolume({ volumeId, stagingTargetPath });
      await controller.controllerUnpublishVolume({ volumeId, nodeId });
    }
    await driver.n1.controller.deleteVolume({ volumeId });
    assert.deepEqual(mountsBelow(driver.directory), []);
    assert.deepEqual(readdirSync(driver.pool), []);
  });
});
