import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Code, csi } from '../../csi/index.ts';
import { failsWith, mountCapability } from '../shared/test-support.ts';
import { cannotMount, everybody, lifeOf, mountsBelow, startDriver, volumesIn } from './test-support.ts';

const Mode = csi.VolumeCapability_AccessMode_Mode;

describe('where a volume of the nas driver may be', { skip: cannotMount(), timeout: 300_000 }, () => {
  it('is on all nodes at once, in any number of places, and what one writes all read', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver);
    await life.create();
    await life.publish('a');
    await life.publish('b', { client: driver.n2 });
    await life.publish('c', { client: driver.n2, readonly: true });
    writeFileSync(join(life.target('a'), 'log'), 'from a\n');
    assert.equal(readFileSync(join(life.target('b'), 'log'), 'utf8'), 'from a\n');
    assert.equal(readFileSync(join(life.target('c'), 'log'), 'utf8'), 'from a\n');
    assert.throws(() => writeFileSync(join(life.target('c'), 'x'), ''), /EROFS/);
    await driver.restart();
    const inUse = failsWith(Code.FAILED_PRECONDITION, /still mounted at .*a-pvc-1, .*b-pvc-1, .*c-pvc-1/);
    await assert.rejects(life.delete(), inUse);
    for (const pod of ['a', 'b', 'c', 'c']) await life.unpublish(pod);
    assert.deepEqual(mountsBelow(driver.directory), []);
    assert.ok(!existsSync(life.target('a')), 'the place is gone with the mount');
    await life.delete();
    assert.deepEqual(volumesIn(driver.share), []);
  });

  it('mends a read-only publication that was cut short, and turns none around', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver);
    await life.create();
    await life.publish('pod', { readonly: true });
    await assert.rejects(life.publish('pod'), failsWith(Code.ALREADY_EXISTS, /it read-only/));
    execFileSync('mount', ['-o', 'remount,bind,rw', life.target('pod')]);
    await life.publish('pod', { readonly: true });
    assert.throws(() => writeFileSync(join(life.target('pod'), 'x'), ''), /EROFS/);
    for (const mode of [Mode.SINGLE_NODE_READER_ONLY, Mode.MULTI_NODE_READER_ONLY]) {
      await life.publish(`mode-${mode}`, { volumeCapability: mountCapability({ mode }) });
      assert.throws(() => writeFileSync(join(life.target(`mode-${mode}`), 'x'), ''), /EROFS/);
    }
  });

  it('takes the options of a mount, and no others', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver);
    await life.create();
    const volumeCapability = everybody(['noexec,nosuid', 'nodev']);
    await life.publish('pod', { volumeCapability });
    await life.publish('pod', { volumeCapability });
    const [line] = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((text) => text.includes(life.target('pod')));
    assert.match(line ?? '', / rw,nosuid,nodev,noexec/);
    for (const flag of ['bind', 'nfsvers=4.1', 'size=1g', 'remount'])
      await assert.rejects(
        life.publish('other', { volumeCapability: everybody([flag]) }),
        failsWith(Code.INVALID_ARGUMENT, /mount option/),
      );
    assert.equal(mountsBelow(driver.directory).length, 1);
  });

  it('ReadWriteOncePod: one place at a time', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver);
    const volumeCapability = mountCapability({ mode: Mode.SINGLE_NODE_SINGLE_WRITER });
    await life.create({ volumeCapabilities: [volumeCapability] });
    await life.publish('a', { volumeCapability });
    await life.publish('a', { volumeCapability });
    await assert.rejects(
      life.publish('b', { volumeCapability }),
      failsWith(Code.FAILED_PRECONDITION, /published at .*a-pvc-1/),
    );
    await life.unpublish('a');
    await life.publish('b', { volumeCapability });
  });

  it('follows no link that somebody has put in the place of a directory', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver, 'pvc-1', { pathPattern: 'team/one' });
    await life.create();
    const outside = join(driver.directory, 'outside');
    mkdirSync(join(outside, 'one'), { recursive: true });
    writeFileSync(join(outside, 'one/precious'), 'data');
    for (const [kept, link, target] of [
      ['team', 'team', outside],
      ['team/one', 'team/one', join(outside, 'one')],
    ] as const) {
      renameSync(join(driver.share, kept), join(driver.directory, 'away'));
      symlinkSync(target, join(driver.share, link));
      await assert.rejects(life.publish(), failsWith(Code.INVALID_ARGUMENT, /without following links/));
      rmSync(join(driver.share, link));
      renameSync(join(driver.directory, 'away'), join(driver.share, kept));
    }
    symlinkSync(outside, life.target('pod'));
    await assert.rejects(life.publish(), failsWith(Code.FAILED_PRECONDITION, /symbolic link/));
    rmSync(life.target('pod'));
    symlinkSync(outside, join(driver.share, 'team/one/link'));
    await life.delete();
    assert.equal(readFileSync(join(outside, 'one/precious'), 'utf8'), 'data');
  });

  it('takes nothing for its own that is not', async (t) => {
    const driver = await startDriver(t);
    const [a, b] = [lifeOf(driver, 'a'), lifeOf(driver, 'b')];
    await a.create();
    await b.create();
    await a.publish();
    const { node } = driver.n1;
    const of = (volumeId: string, volumeContext: Record<string, string>, targetPath = b.target('pod')) =>
      node.nodePublishVolume({ volumeId, targetPath, volumeCapability: everybody(), volumeContext });
    await assert.rejects(
      of('b', { subDir: 'b', volumeId: 'b' }, a.target('pod')),
      failsWith(Code.ALREADY_EXISTS, /mounted, which is not what is asked for volume b/),
    );
    await assert.rejects(of('b', { subDir: 'a', volumeId: 'a' }), failsWith(Code.NOT_FOUND, /is not known/));
    await assert.rejects(
      of('c', { subDir: 'c', volumeId: 'c' }),
      failsWith(Code.NOT_FOUND, /c does not exist/),
    );
    await assert.rejects(of('c', {}), failsWith(Code.NOT_FOUND, /name no directory/));
    await assert.rejects(of('c', { subDir: 'gone' }), failsWith(Code.NOT_FOUND, /gone does not exist/));
    await assert.rejects(of('c', { subDir: '../x' }), failsWith(Code.INVALID_ARGUMENT, /leads out/));
    await assert.rejects(of('c', { subDir: '.stowage' }), failsWith(Code.INVALID_ARGUMENT, /driver's own/));
    await assert.rejects(of('c', { subDir: 'a', color: 'red' }), failsWith(Code.INVALID_ARGUMENT, /color/));
    await assert.rejects(
      node.nodeGetVolumeStats({ volumeId: 'b', volumePath: a.target('pod') }),
      failsWith(Code.NOT_FOUND, /b is not mounted/),
    );
    mkdirSync(join(driver.directory, 'precious/data'), { recursive: true });
    await assert.rejects(
      node.nodeUnpublishVolume({ volumeId: 'b', targetPath: join(driver.directory, 'precious') }),
      /not empty|ENOTEMPTY/,
    );
    assert.equal(mountsBelow(driver.directory).length, 1);
  });

  it('publishes a directory that somebody has written into a PersistentVolume', async (t) => {
    const driver = await startDriver(t);
    mkdirSync(join(driver.share, 'old/data'), { recursive: true });
    const targetPath = join(driver.directory, 'pod');
    const volumeContext = { subDir: 'old/data', 'storage.kubernetes.io/csiProvisionerIdentity': 'x' };
    const request = { volumeId: 'by-hand', targetPath, volumeCapability: everybody(), volumeContext };
    await driver.n1.node.nodePublishVolume(request);
    writeFileSync(join(targetPath, 'file'), 'data');
    assert.equal(readFileSync(join(driver.share, 'old/data/file'), 'utf8'), 'data');
    const { usage } = await driver.n1.node.nodeGetVolumeStats({
      volumeId: 'by-hand',
      volumePath: targetPath,
    });
    assert.equal(usage.length, 2);
    await driver.n1.node.nodeUnpublishVolume({ volumeId: 'by-hand', targetPath });
    assert.deepEqual(mountsBelow(driver.directory), []);
  });

  it('counts what is used, and tells of a directory that is gone', async (t) => {
    const driver = await startDriver(t);
    const life = lifeOf(driver);
    await life.create();
    await life.publish();
    const { usage, volumeCondition } = await life.stats();
    assert.deepEqual(
      usage.map(({ unit }) => csi.VolumeUsage_Unit[unit]),
      ['BYTES', 'INODES'],
    );
    for (const { total, used } of usage) assert.ok(total > 0n && used > 0n && used < total);
    assert.equal(volumeCondition?.abnormal, false);
    const condition = async () =>
      (await driver.n1.controller.controllerGetVolume({ volumeId: 'pvc-1' })).status?.volumeCondition;
    assert.equal((await condition())?.abnormal, false);
    rmSync(join(driver.share, 'pvc-1'), { recursive: true });
    assert.match((await life.stats()).volumeCondition?.message ?? '', /was removed while it was mounted/);
    assert.match((await condition())?.message ?? '', /pvc-1 is missing; restore it/);
    assert.equal((await condition())?.abnormal, true);
    await life.unpublish();
    await life.delete();
  });

  it('makes directories that every user may write, or as they are asked for', async (t) => {
    const driver = await startDriver(t);
    await lifeOf(driver, 'a').create();
    await lifeOf(driver, 'b', { mountPermissions: '2750' }).create();
    assert.equal(statSync(join(driver.share, 'a')).mode & 0o7777, 0o777);
    assert.equal(statSync(join(driver.share, 'b')).mode & 0o7777, 0o2750);
  });
});
