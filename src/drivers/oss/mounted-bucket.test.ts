import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Code, csi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { failsWith, host, mountCapability } from '../shared/test-support.ts';
import { killClient, nothingMounted, untilGone, untilSettled } from './mounts.test-support.ts';
import { cannotMountWith, lifeOf, processesOf, testDriver } from './test-support.ts';

const Mode = csi.VolumeCapability_AccessMode_Mode;

for (const [mounter, badOption] of [
  ['s3fs', '--umask 999'],
  ['rclone', '--timeout never'],
] as const) {
  // The object store is in this process: what touches a mount must not hold it up.
  describe(`a bucket mounted by ${mounter}`, { skip: cannotMountWith(mounter), timeout: 600_000 }, () => {
    it('is made, staged, published twice, written, read, taken down and deleted, each call twice', async (t) => {
      const driver = await testDriver(t);
      const life = lifeOf(driver, { mounter, parameters: { bucket: 'all' } });
      const twice = async (call: () => Promise<unknown>) => [await call(), await call()];
      await twice(life.create);
      assert.equal(life.request().volumeId, 'all/pvc-1');
      await twice(life.stage);
      await twice(() => life.publish('a'));
      await twice(() => life.publish('b'));
      await writeFile(join(life.target('a'), 'file'), 'what a pod wrote');
      assert.equal(await readFile(join(life.target('b'), 'file'), 'utf8'), 'what a pod wrote');
      const { abnormal, message } = await life.condition('a');
      assert.equal(abnormal, false, message);
      await twice(() => life.unpublish('a'));
      await twice(() => life.unpublish('b'));
      const [pid] = processesOf(driver.stateDir);
      await twice(life.unstage);
      assert.equal(await host.processes.find(pid!), undefined);
      nothingMounted(driver);
      // All of it is in the bucket before the volume may go to another node.
      assert.equal(await driver.store.s3.read('all', 'pvc-1/file'), 'what a pod wrote');

      await life.stage();
      assert.equal(await readFile(join(life.stagingTargetPath, 'file'), 'utf8'), 'what a pod wrote');
      await life.unstage();
      await twice(life.delete);
      assert.deepEqual(await driver.store.keys('all'), []);
      nothingMounted(driver);
    });

    it('has its credentials in no argument, no file and no message', async (t) => {
      const driver = await testDriver(t);
      const life = lifeOf(driver, { mounter });
      await life.create();
      await life.stage();
      const [pid] = processesOf(driver.stateDir);
      const secret = driver.store.secrets.secretAccessKey!;
      assert.ok(!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(secret));
      for (const name of readdirSync(driver.stateDir, { recursive: true, encoding: 'utf8' })) {
        const path = join(driver.stateDir, name);
        if ((await stat(path)).isFile()) assert.ok(!readFileSync(path, 'utf8').includes(secret), path);
      }
      assert.equal((await stat(driver.stateDir)).mode & 0o777, 0o700);
      // Programs and devices that somebody has put into the bucket are none.
      const mount = (await host.mounts.list()).findLast(({ target }) => target === life.stagingTargetPath)!;
      assert.ok(mount.options.includes('nosuid') && mount.options.includes('nodev'), `${mount.options}`);
      await life.unstage();
      await life.delete();
    });

    it('whose client has died is abnormal, and mounted again when it is published next', async (t) => {
      const driver = await testDriver(t);
      const life = lifeOf(driver, { mounter });
      await life.create();
      await life.stage();
      await life.publish();
      await writeFile(join(life.target('pod'), 'file'), 'before');
      await untilSettled(driver);
      await killClient(driver);
      const { abnormal, message } = await life.condition();
      assert.equal(abnormal, true);
      assert.match(message, new RegExp(`the ${mounter} that served volume pvc-1 has ended`));
      await assert.rejects(
        life.publish('pod', { secrets: {} }),
        failsWith(
          Code.FAILED_PRECONDITION,
          /cannot be started again without a secret: name it as .*node-publish/,
        ),
      );
      await life.publish();
      assert.equal((await life.condition()).abnormal, false);
      assert.equal(await readFile(join(life.target('pod'), 'file'), 'utf8'), 'before');

      await untilSettled(driver);
      await killClient(driver);
      await life.stage();
      // The pod still has what the dead one served, until it is published again.
      assert.equal((await life.condition()).abnormal, true);
      await life.publish();
      assert.equal(await readFile(join(life.target('pod'), 'file'), 'utf8'), 'before');

      await untilSettled(driver);
      await killClient(driver);
      await life.unpublish();
      await life.unstage();
      nothingMounted(driver);
    });

    it('is served on while the driver is replaced, and taken down by the next one', async (t) => {
      const driver = await testDriver(t);
      const life = lifeOf(driver, { mounter });
      await life.create();
      await life.stage();
      await life.publish();
      const [pid] = processesOf(driver.stateDir);
      await driver.restart();
      await writeFile(join(life.target('pod'), 'file'), 'meanwhile');
      await life.stage();
      assert.deepEqual(processesOf(driver.stateDir), [pid]);
      assert.equal((await life.condition()).abnormal, false);
      await life.unpublish();
      await life.unstage();
      nothingMounted(driver);
      assert.equal(await driver.store.s3.read('pvc-1', 'file'), 'meanwhile');
    });

    it('of a driver that has lost its state is mounted anew', async (t) => {
      const driver = await testDriver(t);
      const life = lifeOf(driver, { mounter });
      await life.create();
      await life.stage();
      const [old] = processesOf(driver.stateDir);
      for (const name of readdirSync(driver.stateDir).filter((entry) => entry.endsWith('.json')))
        await host.files.removeFile(join(driver.stateDir, name));
      await driver.restart();
      await life.stage();
      assert.notDeepEqual(processesOf(driver.stateDir), [old]);
      await untilGone(old!);
      await life.unstage();
      nothingMounted(driver);
    });

    it('has a client that is in the records before it runs; one that cannot run leaves nothing', async (t) => {
      const recorded: number[] = [];
      const spawn: Host['processes']['spawn'] = (request) =>
        host.processes.spawn({
          ...request,
          async before(id) {
            await request.before!(id);
            assert.deepEqual(processesOf(driver.stateDir), [id.pid]);
            recorded.push(id.pid);
            throw new Error('not now');
          },
        });
      const driver = await testDriver(t, { ...host, processes: { ...host.processes, spawn } });
      const life = lifeOf(driver, { mounter });
      await life.create();
      await assert.rejects(life.stage(), failsWith(Code.INTERNAL, /not now/));
      assert.equal(recorded.length, 1);
      await untilGone(recorded[0]!);
      nothingMounted(driver);
    });

    it('can be for reading only, as a whole or in one place', async (t) => {
      const driver = await testDriver(t);
      const life = lifeOf(driver, { mounter });
      await life.create();
      await driver.store.s3.write('pvc-1', 'file', 'there', 'text/plain');
      const reader = mountCapability({ mode: Mode.MULTI_NODE_READER_ONLY });
      await life.stage({ volumeCapability: reader });
      await life.publish('pod', { volumeCapability: reader });
      await assert.rejects(writeFile(join(life.target('pod'), 'x'), ''), { code: 'EROFS' });
      await assert.rejects(life.stage(), failsWith(Code.ALREADY_EXISTS));
      await assert.rejects(life.publish(), failsWith(Code.ALREADY_EXISTS));
      await life.unpublish();
      await life.unstage();

      await life.stage();
      await life.publish('reader', { readonly: true });
      await life.publish('writer');
      await assert.rejects(writeFile(join(life.target('reader'), 'x'), ''), { code: 'EROFS' });
      await writeFile(join(life.target('writer'), 'x'), 'y');
      assert.equal(await readFile(join(life.target('reader'), 'file'), 'utf8'), 'there');
      await assert.rejects(life.publish('reader'), failsWith(Code.ALREADY_EXISTS, /read-only/));
    });

    it('that cannot be mounted says what the client said, and leaves nothing', async (t) => {
      const driver = await testDriver(t);
      const life = lifeOf(driver, { mounter, parameters: { options: badOption } });
      await life.create();
      await assert.rejects(
        life.stage(),
        failsWith(Code.INTERNAL, new RegExp(`${mounter} cannot mount volume pvc-1: [^]*(umask|never)`)),
      );
      nothingMounted(driver);
    });
  });
}
