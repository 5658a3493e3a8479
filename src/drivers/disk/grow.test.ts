import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Code } from '../../csi/index.ts';
import {
  blockCapability,
  cannotGrowMounted,
  cannotMount,
  failsWith,
  mountCapability,
  startDriver,
  type TestDriver,
} from './test-support.ts';

const MIB = 1n << 20n;

/** A volume of 16 MiB, published to n1. */
async function published(t: TestContext, capability = mountCapability() as Capability) {
  const driver = await startDriver(t);
  const volumeId = 'v';
  const stagingTargetPath = join(driver.directory, 'staging');
  const targetPath = join(driver.directory, 'pod');
  const { controller } = driver.n1;
  await controller.createVolume({
    name: volumeId,
    capacityRange: { requiredBytes: 16n * MIB },
    volumeCapabilities: [capability],
  });
  const { publishContext } = await controller.controllerPublishVolume({
    volumeId,
    nodeId: 'n1',
    volumeCapability: capability,
  });
  const node = () => driver.n1.node;
  return {
    driver,
    volumeId,
    targetPath,
    device: publishContext.device!,
    async mount() {
      await node().nodeStageVolume({ volumeId, stagingTargetPath, volumeCapability: capability });
      await node().nodePublishVolume({
        volumeId,
        stagingTargetPath,
        targetPath,
        volumeCapability: capability,
      });
    },
    async unmount() {
      await node().nodeUnpublishVolume({ volumeId, targetPath });
      await node().nodeUnstageVolume({ volumeId, stagingTargetPath });
    },
    expand: (requiredBytes: bigint, limitBytes = 0n) =>
      driver.n1.controller.controllerExpandVolume({
        volumeId,
        capacityRange: { requiredBytes, limitBytes },
        volumeCapability: capability,
      }),
    expandOnNode: (requiredBytes: bigint, volumePath = targetPath) =>
      node().nodeExpandVolume({
        volumeId,
        volumePath,
        capacityRange: { requiredBytes },
        volumeCapability: capability,
      }),
    fileSystemBytes: () => statfsSync(targetPath).blocks * statfsSync(targetPath).bsize,
  };
}

type Capability = ReturnType<typeof mountCapability> | ReturnType<typeof blockCapability>;

const deviceBytes = (device: string) =>
  BigInt(readFileSync(`/sys/block/${basename(device)}/size`, 'utf8').trim()) * 512n;
const imageBytes = (driver: TestDriver) => BigInt(statSync(join(driver.pool, 'v.img')).size);

describe('growing a volume', { skip: cannotMount() }, () => {
  it('grows image and device at once, used or not; the file system before its next mount, its data kept', async (t) => {
    const v = await published(t);
    await v.mount();
    writeFileSync(join(v.targetPath, 'file'), 'data');
    const before = v.fileSystemBytes();
    const grown = await v.expand(32n * MIB);
    assert.equal(grown.capacityBytes, 32n * MIB);
    assert.equal(grown.nodeExpansionRequired, true);
    assert.equal(deviceBytes(v.device), 32n * MIB);
    assert.equal(imageBytes(v.driver), 32n * MIB);
    assert.equal(v.fileSystemBytes(), before);

    await v.unmount();
    await v.driver.restart('crash');
    await v.mount();
    assert.ok(v.fileSystemBytes() > before * 1.7, 'grown, although the driver had died meanwhile');
    assert.equal(readFileSync(join(v.targetPath, 'file'), 'utf8'), 'data');
    assert.equal((await v.expandOnNode(32n * MIB)).capacityBytes, 32n * MIB);
    assert.equal((await v.expand(32n * MIB)).nodeExpansionRequired, false, 'the same again is done already');
    await v.unmount();
  });

  it('grows a file system in use', { skip: cannotMount() || cannotGrowMounted() }, async (t) => {
    const v = await published(t);
    await v.mount();
    const before = v.fileSystemBytes();
    await v.expand(32n * MIB);
    await v.expandOnNode(32n * MIB);
    assert.ok(v.fileSystemBytes() > before * 1.7);
    await v.unmount();
  });

  it('says so where the machine lets nobody grow a file system in use', {
    skip: cannotMount() || (!cannotGrowMounted() && 'this machine does'),
  }, async (t) => {
    const v = await published(t);
    await v.mount();
    await v.expand(32n * MIB);
    await assert.rejects(
      v.expandOnNode(32n * MIB),
      failsWith(Code.FAILED_PRECONDITION, /volume v is in use, .* restart its pods$/),
    );
    await v.unmount();
  });

  it('grows a raw block volume for the pod that has it; there is nothing to do for the node', async (t) => {
    const v = await published(t, blockCapability());
    await v.mount();
    assert.equal((await v.expand(40n * MIB)).nodeExpansionRequired, false);
    const size = execFileSync('blockdev', ['--getsize64', v.targetPath], { encoding: 'utf8' });
    assert.equal(BigInt(size.trim()), 40n * MIB);
    assert.equal((await v.expandOnNode(40n * MIB)).capacityBytes, 40n * MIB);
    await v.unmount();
  });

  it('needs nothing to grow a volume that was never mounted', async (t) => {
    const v = await published(t);
    await v.expand(32n * MIB);
    await v.mount();
    assert.ok(v.fileSystemBytes() > 24 * Number(MIB));
    await v.expandOnNode(32n * MIB);
    await v.unmount();
  });

  it('refuses to shrink, what the pool has no room for, and what does not exist', async (t) => {
    const v = await published(t);
    await assert.rejects(v.expand(0n, 8n * MIB), failsWith(Code.OUT_OF_RANGE, /a volume never shrinks/));
    await assert.rejects(v.expand(1n << 60n), failsWith(Code.OUT_OF_RANGE, /bytes free, \d+ more asked/));
    assert.equal(imageBytes(v.driver), 16n * MIB);
    assert.equal((await v.expand(8n * MIB)).capacityBytes, 16n * MIB);
    const absent = { volumeId: 'absent', capacityRange: { requiredBytes: MIB } };
    await assert.rejects(
      v.driver.n1.controller.controllerExpandVolume(absent),
      failsWith(Code.NOT_FOUND, /absent/),
    );
    await assert.rejects(v.expandOnNode(16n * MIB), failsWith(Code.NOT_FOUND, /not mounted/));
    await v.mount();
    await assert.rejects(
      v.expandOnNode(64n * MIB),
      failsWith(Code.OUT_OF_RANGE, /its controller must grow it first/),
    );
    await v.unmount();
  });
});
