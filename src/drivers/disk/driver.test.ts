import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Code, type CsiClient, CsiError, csi } from '../../csi/index.ts';
import {
  blockCapability,
  cannotMount,
  host,
  loopsBelow,
  mountCapability,
  mountsBelow,
  startDriver,
  type TestDriver,
  temporaryDirectory,
} from './test-support.ts';

const MIB = 1n << 20n;
const Mode = csi.VolumeCapability_AccessMode_Mode;

const failsWith = (code: Code, details = /./) => {
  return (error: unknown) => {
    assert.ok(error instanceof CsiError, `${error}`);
    assert.equal(error.code, code, error.message);
    assert.match(error.details, details);
    return true;
  };
};

type Capability = ReturnType<typeof mountCapability> | ReturnType<typeof blockCapability>;

/** The calls of one volume's life, in their order, each with the arguments that a caller repeats. */
function lifeOf(driver: TestDriver, name = 'pvc-1', volumeCapability: Capability = mountCapability()) {
  const volumeId = name;
  const stagingTargetPath = join(driver.directory, `staging-${name}`);
  const target = (pod: string) => join(driver.directory, `${pod}-${name}`);
  const controller = () => driver.n1.controller;
  const node = () => driver.n1.node;
  return {
    volumeId,
    stagingTargetPath,
    target,
    create: () =>
      controller().createVolume({
        name,
        capacityRange: { requiredBytes: 16n * MIB },
        volumeCapabilities: [volumeCapability],
      }),
    controllerPublish: (nodeId = 'n1', readonly = false) =>
      controller().controllerPublishVolume({ volumeId, nodeId, readonly, volumeCapability }),
    stage: (client: CsiClient = driver.n1, capability = volumeCapability) =>
      client.node.nodeStageVolume({ volumeId, stagingTargetPath, volumeCapability: capability }),
    publish: (pod = 'pod', readonly = false, capability = volumeCapability) =>
      node().nodePublishVolume({
        volumeId,
        stagingTargetPath,
        targetPath: target(pod),
        volumeCapability: capability,
        readonly,
      }),
    unpublish: (pod = 'pod') => node().nodeUnpublishVolume({ volumeId, targetPath: target(pod) }),
    unstage: (client: CsiClient = driver.n1) =>
      client.node.nodeUnstageVolume({ volumeId, stagingTargetPath }),
    controllerUnpublish: (nodeId = 'n1') => controller().controllerUnpublishVolume({ volumeId, nodeId }),
    delete: () => controller().deleteVolume({ volumeId }),
  };
}

type Life = ReturnType<typeof lifeOf>;

async function toMounted(life: Life): Promise<void> {
  await life.create();
  await life.controllerPublish();
  await life.stage();
  await life.publish();
}

async function toNothing(life: Life): Promise<void> {
  await life.unpublish();
  await life.unstage();
  await life.controllerUnpublish();
  await life.delete();
}

function nothingLeft(driver: TestDriver): void {
  assert.deepEqual(readdirSync(driver.pool), []);
  assert.deepEqual(loopsBelow(driver.directory), []);
  assert.deepEqual(mountsBelow(driver.directory), []);
}

describe('disk.csi.stowage.dev, without mounting', { skip: cannotMount(), timeout: 60_000 }, () => {
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

describe('disk.csi.stowage.dev, with loop devices and mounts', {
  skip: cannotMount(),
  timeout: 120_000,
}, () => {
  const steps = [
    'create',
    'controllerPublish',
    'stage',
    'publish',
    'unpublish',
    'unstage',
    'controllerUnpublish',
    'delete',
  ] as const;

  for (const [type, capability] of [
    ['a file system', mountCapability()],
    ['raw block', blockCapability()],
  ] as const) {
    it(`${type}: every call twice, with a crash after each, and nothing is left`, async (t) => {
      const driver = await startDriver(t);
      const life = lifeOf(driver, 'pvc-1', capability);
      for (const step of steps) {
        const first = await life[step]();
        const table = [loopsBelow(driver.directory), mountsBelow(driver.directory)];
        await driver.restart();
        assert.deepEqual(await life[step](), first, step);
        assert.deepEqual([loopsBelow(driver.directory), mountsBelow(driver.directory)], table, step);
        assert.ok(table[0]!.length <= 1, 'one loop device at most');
      }
      nothingLeft(driver);
      assert.throws(() => statSync(life.target('pod')), /ENOENT/);
    });
  }

  it('gives loop devices back when it stops, and finds the volume again', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver);
    await life.create();
    await life.controllerPublish();
    await driver.restart('stop');
    assert.deepEqual(loopsBelow(driver.directory), []);
    await life.stage();
    await driver.restart('stop');
    assert.equal(loopsBelow(driver.directory).length, 1, 'not what is mounted');
    await life.unstage();
    await life.controllerUnpublish();
    await life.delete();
    nothingLeft(driver);
  });

  it('keeps what was written: a volume is formatted once', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver);
    await toMounted(life);
    writeFileSync(join(life.target('pod'), 'log'), 'first\n');
    await life.unpublish();
    await life.unstage();
    await life.controllerUnpublish();
    await driver.restart();
    await life.controllerPublish();
    await life.stage();
    await life.publish('next');
    assert.equal(readFileSync(join(life.target('next'), 'log'), 'utf8'), 'first\n');
    await life.unpublish('next');
    await toNothing(life);
    nothingLeft(driver);
  });

  it('finds the volume after a reboot has taken device and mounts', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver);
    await toMounted(life);
    writeFileSync(join(life.target('pod'), 'log'), 'kept\n');
    execFileSync('umount', [life.target('pod')]);
    execFileSync('umount', [life.stagingTargetPath]);
    execFileSync('losetup', ['--detach', loopsBelow(driver.directory)[0]!.device]);
    await driver.restart();
    assert.deepEqual(loopsBelow(driver.directory), []);
    await life.stage();
    await life.publish();
    assert.equal(readFileSync(join(life.target('pod'), 'log'), 'utf8'), 'kept\n');
    await toNothing(life);
    nothingLeft(driver);
  });

  it('lets one node at a time have it', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver);
    await life.create();
    await assert.rejects(life.stage(), failsWith(Code.FAILED_PRECONDITION, /no node, not to n1/));
    await assert.rejects(life.controllerPublish('nobody'), failsWith(Code.NOT_FOUND, /node nobody/));
    await life.controllerPublish('n1');
    await assert.rejects(life.controllerPublish('n2'), failsWith(Code.FAILED_PRECONDITION, /node n1/));
    await assert.rejects(
      life.controllerPublish('n1', true),
      failsWith(Code.ALREADY_EXISTS, /readonly=false/),
    );
    await assert.rejects(life.stage(driver.n2), failsWith(Code.FAILED_PRECONDITION, /not to n2/));
    await assert.rejects(life.delete(), failsWith(Code.FAILED_PRECONDITION, /node n1/));
    await life.controllerUnpublish('n2');
    const [entry] = (await driver.n1.controller.listVolumes()).entries;
    assert.deepEqual(entry?.status?.publishedNodeIds, ['n1'], 'unpublishing elsewhere changes nothing');
    await life.controllerUnpublish('');
    await life.controllerPublish('n2');
    await life.controllerUnpublish('n2');
    await life.delete();
    nothingLeft(driver);
  });

  it('gives one of two nodes that ask at once the volume', async (t) => {
    const driver = await startDriver(t);
    await lifeOf(driver).create();
    const ask = (client: CsiClient, nodeId: string) =>
      client.controller.controllerPublishVolume({
        volumeId: 'pvc-1',
        nodeId,
        volumeCapability: mountCapability(),
      });
    const outcomes = await Promise.allSettled([ask(driver.n1, 'n1'), ask(driver.n2, 'n2')]);
    assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
    assert.equal(loopsBelow(driver.directory).length, 1);
  });

  for (const [type, capability] of [
    ['mounted', mountCapability()],
    ['bound as a raw device', blockCapability()],
  ] as const) {
    it(`is not taken from a node where it is ${type}`, async (t) => {
      const driver = await startDriver(t);
      const life = lifeOf(driver, 'pvc-1', capability);
      await toMounted(life);
      const inUse = failsWith(Code.FAILED_PRECONDITION, /still mounted at .*pod-pvc-1/);
      await assert.rejects(life.controllerUnpublish(), inUse);
      await driver.restart('stop');
      await assert.rejects(life.controllerUnpublish(), inUse);
      await assert.rejects(life.delete(), failsWith(Code.FAILED_PRECONDITION));
      await toNothing(life);
      nothingLeft(driver);
    });
  }

  it('publishes for reading only', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver);
    await toMounted(life);
    await life.publish('reader', true);
    await life.publish('reader', true);
    assert.throws(() => writeFileSync(join(life.target('reader'), 'x'), ''), /EROFS/);
    await assert.rejects(life.publish('reader', false), failsWith(Code.ALREADY_EXISTS, /read-only/));
    writeFileSync(join(life.target('pod'), 'x'), '');
    // A crash between the two halves of a read-only bind leaves one for writing.
    execFileSync('mount', ['--bind', '-o', 'remount,bind,rw', life.target('reader')]);
    await life.publish('reader', true);
    assert.throws(() => writeFileSync(join(life.target('reader'), 'y'), ''), /EROFS/);
    await life.unpublish('reader');
    await life.unpublish();
    await life.unstage();
    await life.controllerUnpublish();

    await life.controllerPublish('n1', true);
    await life.stage();
    await life.stage();
    await life.publish();
    assert.throws(() => writeFileSync(join(life.target('pod'), 'y'), ''), /EROFS/);
    await toNothing(life);
    nothingLeft(driver);
  });

  it('a raw block volume is the device, and is never formatted', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver, 'raw', blockCapability());
    await toMounted(life);
    assert.ok(statSync(life.target('pod')).isBlockDevice());
    appendFileSync(life.target('pod'), '');
    execFileSync('dd', [`of=${life.target('pod')}`, 'conv=notrunc,fsync', 'status=none'], {
      input: 'raw data',
    });
    await assert.rejects(life.publish('ro', true), failsWith(Code.FAILED_PRECONDITION, /read-only/));
    await assert.rejects(
      life.stage(driver.n1, mountCapability()),
      failsWith(Code.INVALID_ARGUMENT, /made as block/),
    );
    const stats = await driver.n1.node.nodeGetVolumeStats({
      volumeId: 'raw',
      volumePath: life.target('pod'),
    });
    assert.equal(stats.usage[0]?.total, 16n * MIB);
    await life.unpublish();
    await life.unstage();
    await life.controllerUnpublish();
    assert.equal(readFileSync(join(driver.pool, 'raw.img')).subarray(0, 8).toString(), 'raw data');
    await life.delete();
    nothingLeft(driver);
  });

  it('ReadWriteOncePod: one place at a time', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver, 'once', mountCapability({ mode: Mode.SINGLE_NODE_SINGLE_WRITER }));
    await toMounted(life);
    await life.publish();
    await assert.rejects(life.publish('second'), failsWith(Code.FAILED_PRECONDITION, /pod-once/));
    await life.unpublish();
    await life.publish('second');
    await life.unpublish('second');
    await toNothing(life);
    nothingLeft(driver);
  });

  it('takes nothing for its own that is not', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver, 'a');
    const other = lifeOf(driver, 'b');
    await toMounted(life);
    await other.create();
    await other.controllerPublish();
    const { node } = driver.n1;
    const volumeCapability = mountCapability();
    const taken = failsWith(Code.ALREADY_EXISTS, /mounted, which is not/);
    await assert.rejects(
      node.nodeStageVolume({ volumeId: 'b', stagingTargetPath: life.stagingTargetPath, volumeCapability }),
      taken,
    );
    await assert.rejects(
      life.stage(driver.n1, mountCapability({ fsType: 'xfs' })),
      failsWith(Code.ALREADY_EXISTS, /ext4 mounted/),
    );
    await other.stage();
    const { stagingTargetPath } = other;
    await assert.rejects(
      node.nodePublishVolume({
        volumeId: 'b',
        stagingTargetPath,
        targetPath: life.target('pod'),
        volumeCapability,
      }),
      taken,
    );
    await assert.rejects(
      node.nodePublishVolume({
        volumeId: 'b',
        stagingTargetPath: life.stagingTargetPath,
        targetPath: other.target('pod'),
        volumeCapability,
      }),
      failsWith(Code.FAILED_PRECONDITION, /not staged/),
    );
    symlinkSync('/etc', join(driver.directory, 'link'));
    const link = join(driver.directory, 'link');
    await assert.rejects(
      node.nodePublishVolume({ volumeId: 'b', stagingTargetPath, targetPath: link, volumeCapability }),
      failsWith(Code.FAILED_PRECONDITION, /symbolic link/),
    );
    writeFileSync(join(driver.directory, 'precious'), 'data');
    await assert.rejects(
      node.nodeUnpublishVolume({ volumeId: 'b', targetPath: join(driver.directory, 'precious') }),
      failsWith(Code.INTERNAL, /not put there/),
    );
    await assert.rejects(
      driver.n1.node.nodeGetVolumeStats({ volumeId: 'b', volumePath: life.target('pod') }),
      failsWith(Code.NOT_FOUND, /not mounted at/),
    );
  });

  it('works with paths that lead through links', async (t) => {
    const directory = temporaryDirectory(t);
    mkdirSync(join(directory, 'real'));
    symlinkSync('real', join(directory, 'link'));
    const driver = await startDriver(t, { directory, pool: join(directory, 'link/pool') });
    const through = { ...driver, directory: join(directory, 'link'), n1: driver.n1, n2: driver.n2 };
    const life = lifeOf(through);
    await toMounted(life);
    await toMounted(life);
    assert.equal(loopsBelow(directory).length, 1);
    assert.equal(mountsBelow(directory).length, 2);
    await toNothing(life);
    assert.deepEqual([...loopsBelow(directory), ...mountsBelow(directory)], []);
  });

  it('says what is the matter with an image that somebody has taken away', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver);
    await life.create();
    execFileSync('mv', [join(driver.pool, 'pvc-1.img'), join(driver.directory, 'elsewhere')]);
    await assert.rejects(life.create(), failsWith(Code.INTERNAL, /pvc-1\.img of volume pvc-1 is missing/));
    await assert.rejects(life.controllerPublish(), failsWith(Code.INTERNAL, /is missing/));
    await life.delete();
    nothingLeft(driver);
  });

  it('counts what is used', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver);
    await toMounted(life);
    const { usage } = await driver.n1.node.nodeGetVolumeStats({
      volumeId: 'pvc-1',
      volumePath: life.target('pod'),
    });
    assert.deepEqual(
      usage.map(({ unit }) => csi.VolumeUsage_Unit[unit]),
      ['BYTES', 'INODES'],
    );
    for (const { total, used } of usage) assert.ok(total > 0n && used >= 0n && used < total);
  });

  describe('on a pool that is full', () => {
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
});
