import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Code, csi } from '../../csi/index.ts';
import { lifeOf, nothingLeft, toMounted, toNothing } from './life.test-support.ts';
import {
  blockCapability,
  cannotMount,
  failsWith,
  loopsBelow,
  mountCapability,
  mountsBelow,
  startDriver,
  temporaryDirectory,
} from './test-support.ts';

describe('the life of a volume of the disk driver', { skip: cannotMount(), timeout: 120_000 }, () => {
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
});
