import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Code } from '../../csi/index.ts';
import { type Capability, lifeOf, MIB, Mode, nothingLeft } from './life.test-support.ts';
import {
  blockCapability,
  cannotMount,
  failsWith,
  host,
  mountCapability,
  startDriver,
  temporaryDirectory,
} from './test-support.ts';

describe('the controller of the disk driver', { skip: cannotMount(), timeout: 60_000 }, () => {
  it('says who and where it is', async (t) => {
    const driver = await startDriver(t);
    assert.equal((await driver.n1.identity.getPluginInfo()).name, 'disk.csi.stowage.dev');
    const info = await driver.n2.node.nodeGetInfo();
    assert.equal(info.nodeId, 'n2');
    const { volume } = await lifeOf(driver).create();
    assert.deepEqual(volume?.accessibleTopology[0]?.segments, info.accessibleTopology?.segments);
  });

  it('makes a volume once for a name, and another for no other request', async (t) => {
    const driver = await startDriver(t);
    const ask = (requiredBytes: bigint, capability: Capability = mountCapability(), more = {}) =>
      driver.n1.controller.createVolume({
        name: 'v',
        capacityRange: { requiredBytes },
        volumeCapabilities: [capability],
        ...more,
      });
    const first = await ask(16n * MIB);
    assert.equal(first.volume?.capacityBytes, 16n * MIB);
    assert.deepEqual(await ask(16n * MIB), first);
    await driver.restart();
    assert.deepEqual(await ask(16n * MIB), first);
    await assert.rejects(ask(32n * MIB), failsWith(Code.ALREADY_EXISTS));
    await assert.rejects(ask(16n * MIB, blockCapability()), failsWith(Code.ALREADY_EXISTS));
    await assert.rejects(
      ask(16n * MIB, mountCapability({ fsType: 'btrfs' })),
      failsWith(Code.ALREADY_EXISTS),
    );
    for (const more of [{ parameters: { a: 'b' } }, { mutableParameters: { a: 'b' } }])
      await assert.rejects(
        ask(16n * MIB, mountCapability(), more),
        failsWith(Code.INVALID_ARGUMENT, /unknown/),
      );
    assert.deepEqual(readdirSync(driver.pool).sort(), ['v.img', 'v.json']);
  });

  it('makes one volume of calls at once on two sockets', async (t) => {
    const driver = await startDriver(t);
    const calls = [driver.n1, driver.n2, driver.n1, driver.n2].map((client) =>
      client.controller.createVolume({ name: 'v', volumeCapabilities: [mountCapability()] }),
    );
    for (const outcome of await Promise.allSettled(calls))
      if (outcome.status === 'rejected') failsWith(Code.ABORTED, /pending/)(outcome.reason);
    assert.deepEqual(readdirSync(driver.pool).sort(), ['v.img', 'v.json']);
  });

  it('does not say that a volume is not there of which something is left', async (t) => {
    let broken = true;
    const failing = async () => {
      throw new Error('EIO');
    };
    const files = new Proxy(host.files, {
      get: (real, name) =>
        broken && (name === 'rename' || name === 'removeFile') && made() ? failing : Reflect.get(real, name),
    });
    const directory = temporaryDirectory(t);
    const pool = join(directory, 'pool');
    const made = () => readdirSync(pool).some((name) => name.endsWith('.img.new'));
    const life = lifeOf(await startDriver(t, { directory, machine: { ...host, files } }));
    // A provisioner takes INTERNAL for "it was not made", and may never ask again.
    await assert.rejects(life.create(), failsWith(Code.ABORTED, /EIO; what there is of pvc-1 could not be/));
    broken = false;
    await life.create();
    assert.deepEqual(readdirSync(pool).sort(), ['pvc-1.img', 'pvc-1.json']);
  });

  it('keeps names that are paths inside the pool', async (t) => {
    const driver = await startDriver(t);
    const name = '../../escape';
    const { volume } = await driver.n1.controller.createVolume({
      name,
      volumeCapabilities: [mountCapability()],
    });
    assert.match(volume!.volumeId, /^vol-[0-9a-f]{40}$/);
    await driver.n1.controller.deleteVolume({ volumeId: name });
    assert.equal(readdirSync(driver.pool).length, 2);
    await driver.n1.controller.deleteVolume({ volumeId: volume!.volumeId });
    nothingLeft(driver);
  });

  it('answers for a volume that is not there as CSI says', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver, 'gone');
    const missing = failsWith(Code.NOT_FOUND, /gone/);
    await assert.rejects(life.controllerPublish(), missing);
    await assert.rejects(life.stage(), missing);
    await assert.rejects(life.publish(), missing);
    await assert.rejects(
      driver.n1.controller.validateVolumeCapabilities({
        volumeId: 'gone',
        volumeCapabilities: [mountCapability()],
      }),
      missing,
    );
    await assert.rejects(driver.n1.node.nodeGetVolumeStats({ volumeId: 'gone', volumePath: '/x' }), missing);
    await life.unpublish();
    await life.unstage();
    await life.controllerUnpublish();
    await life.delete();
  });

  it('validates what the volume can serve, not only the driver', async (t) => {
    const driver = await startDriver(t);
    await lifeOf(driver).create();
    const validate = (capability: Capability) =>
      driver.n1.controller.validateVolumeCapabilities({
        volumeId: 'pvc-1',
        volumeCapabilities: [capability],
      });
    assert.ok((await validate(mountCapability())).confirmed);
    assert.match((await validate(blockCapability())).message, /made as mount/);
    assert.match(
      (await validate(mountCapability({ mode: Mode.MULTI_NODE_MULTI_WRITER }))).message,
      /one node/,
    );
  });

  it('lists page by page and refuses tokens of others', async (t) => {
    const driver = await startDriver(t);
    for (const name of ['b', 'a', 'c']) await lifeOf(driver, name).create();
    const { controller } = driver.n1;
    const first = await controller.listVolumes({ maxEntries: 2 });
    assert.deepEqual(
      first.entries.map((entry) => entry.volume?.volumeId),
      ['a', 'b'],
    );
    const second = await controller.listVolumes({ maxEntries: 2, startingToken: first.nextToken });
    assert.deepEqual(
      second.entries.map((entry) => entry.volume?.volumeId),
      ['c'],
    );
    assert.equal(second.nextToken, '');
    await assert.rejects(controller.listVolumes({ startingToken: 'invalid-token' }), failsWith(Code.ABORTED));
  });

  it('refuses what the pool has no room for', async (t) => {
    const driver = await startDriver(t);
    await assert.rejects(
      driver.n1.controller.createVolume({
        name: 'huge',
        capacityRange: { requiredBytes: 1n << 60n },
        volumeCapabilities: [mountCapability()],
      }),
      failsWith(Code.RESOURCE_EXHAUSTED, /bytes free/),
    );
    await assert.rejects(
      driver.n1.controller.createVolume({
        name: 'elsewhere',
        volumeCapabilities: [mountCapability()],
        accessibilityRequirements: { requisite: [{ segments: { 'x/host': 'other' } }] },
      }),
      failsWith(Code.RESOURCE_EXHAUSTED, /leave out/),
    );
    nothingLeft(driver);
  });
});

describe('the disk driver on a pool that is full', { skip: cannotMount(), timeout: 120_000 }, () => {
  function smallPool(t: TestContext): { directory: string; pool: string } {
    const directory = temporaryDirectory(t);
    const small = join(directory, 'small');
    mkdirSync(small);
    // Too small for a file system with reflinks in it.
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'pool', small]);
    return { directory, pool: join(small, 'pool') };
  }

  it('makes nothing, and leaves nothing', async (t) => {
    const { directory, pool } = smallPool(t);
    const driver = await startDriver(t, { directory, pool });
    const ask = (name: string, mib: bigint) =>
      driver.n1.controller.createVolume({
        name,
        capacityRange: { requiredBytes: mib * MIB },
        volumeCapabilities: [mountCapability()],
      });
    await assert.rejects(ask('big', 5n), failsWith(Code.RESOURCE_EXHAUSTED, /free space or lower/));
    await ask('v', 2n);
    const capacity = await driver.n1.controller.getCapacity();
    assert.ok(capacity.availableCapacity <= 4n * MIB);
    execFileSync('sh', ['-c', `head -c 16M /dev/zero > ${pool}/filler 2>/dev/null || true`]);
    await assert.rejects(ask('w', 1n), failsWith(Code.RESOURCE_EXHAUSTED));
    assert.deepEqual(readdirSync(pool).sort(), ['filler', 'v.img', 'v.json']);
  });

  it('still unpublishes and deletes', async (t) => {
    const { directory, pool } = smallPool(t);
    const driver = await startDriver(t, { directory, pool });
    const life = lifeOf(driver, 'v');
    await driver.n1.controller.createVolume({
      name: 'v',
      capacityRange: { requiredBytes: 2n * MIB },
      volumeCapabilities: [mountCapability()],
    });
    await life.controllerPublish();
    await life.stage();
    await life.unstage();
    execFileSync('sh', ['-c', `head -c 16M /dev/zero > ${pool}/filler 2>/dev/null || true`]);
    await life.controllerUnpublish();
    await life.delete();
    assert.deepEqual(readdirSync(pool), ['filler']);
  });
});
