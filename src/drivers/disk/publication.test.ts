import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Code, type CsiClient } from '../../csi/index.ts';
import { lifeOf, MIB, Mode, nothingLeft, toMounted, toNothing } from './life.test-support.ts';
import {
  blockCapability,
  cannotMount,
  failsWith,
  host,
  loopsBelow,
  mountCapability,
  startDriver,
} from './test-support.ts';

describe('where a volume of the disk driver may be', { skip: cannotMount(), timeout: 120_000 }, () => {
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

  it('is written down before it is told, also when that could be neither done nor taken back at first', async (t) => {
    let isBroken = true;
    const failing =
      <A extends unknown[], R>(call: (path: string, ...rest: A) => Promise<R>) =>
      async (path: string, ...rest: A): Promise<R> => {
        if (isBroken && path.endsWith('.node')) throw new Error('EIO');
        return call(path, ...rest);
      };
    const { writeAtomic, removeFile } = host.files;
    const files = { ...host.files, writeAtomic: failing(writeAtomic), removeFile: failing(removeFile) };
    const driver = await startDriver(t, { machine: { ...host, files } });
    const life = lifeOf(driver);
    await life.create();
    await assert.rejects(life.controllerPublish('n1'), /EIO/);
    await assert.rejects(life.controllerPublish('n1'), /EIO/);
    isBroken = false;
    await life.controllerPublish('n1');
    await driver.restart('stop');
    await assert.rejects(life.controllerPublish('n2'), failsWith(Code.FAILED_PRECONDITION, /node n1/));
    await life.controllerUnpublish('n1');
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
});
