import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Code, CsiError, csi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { blockCapability, failsWith, host, mountCapability } from '../shared/test-support.ts';
import { pendingUploads } from './pending-uploads.ts';
import {
  cannotMountWith,
  lifeOf,
  mountsBelow,
  processesOf,
  type TestDriver,
  testDriver,
} from './test-support.ts';

const Mode = csi.VolumeCapability_AccessMode_Mode;

/** Resolves once a process is gone. */
async function untilGone(pid: number): Promise<void> {
  while (await host.processes.find(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Resolves once an object is in the bucket: rclone uploads after close(2). */
async function untilUploaded(driver: TestDriver, bucket: string, key: string): Promise<void> {
  while ((await driver.store.s3.read(bucket, key)) === undefined)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Resolves once the client has nothing to upload, and has noted so. */
async function untilSettled(driver: TestDriver): Promise<void> {
  for (const name of readdirSync(driver.stateDir).filter((entry) => entry.endsWith('.files')))
    while ((await pendingUploads(host.files, join(driver.stateDir, name, 'vfsMeta'))) > 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
}

async function killClient(driver: TestDriver): Promise<void> {
  const [pid] = processesOf(driver.stateDir);
  process.kill(pid!, 'SIGKILL');
  await untilGone(pid!);
}

function nothingMounted(driver: TestDriver): void {
  assert.deepEqual(mountsBelow(driver.directory), []);
  assert.deepEqual(readdirSync(driver.stateDir), []);
}

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

describe('what rclone has not uploaded', { skip: cannotMountWith('rclone'), timeout: 600_000 }, () => {
  const written = async (t: TestContext) => {
    const driver = await testDriver(t);
    const life = lifeOf(driver, { mounter: 'rclone' });
    await life.create();
    await life.stage();
    const { reached, release } = driver.store.holdWrites();
    t.after(release);
    await writeFile(join(life.stagingTargetPath, 'file'), 'of the pod');
    // By now rclone has noted what it is about to do.
    await reached;
    assert.equal(await driver.store.s3.read('pvc-1', 'file'), undefined);
    return { driver, life, release };
  };

  it('holds up NodeUnstageVolume until it is', async (t) => {
    const { driver, life, release } = await written(t);
    const { volumeId, stagingTargetPath } = life.request();
    const [pid] = processesOf(driver.stateDir);
    await assert.rejects(
      driver.client.node.nodeUnstageVolume({ volumeId, stagingTargetPath }, { timeoutMs: 500 }),
      failsWith(Code.DEADLINE_EXCEEDED),
    );
    assert.ok(await host.processes.find(pid!));
    release();
    await untilUploaded(driver, 'pvc-1', 'file');
    // The call that nobody waits for any more may not be over yet.
    const isPending = (error: unknown) => error instanceof CsiError && error.code === Code.ABORTED;
    for (let done = false; !done; )
      done = await life.unstage().then(
        () => true,
        (error) => (isPending(error) ? false : Promise.reject(error)),
      );
    assert.equal(await driver.store.s3.read('pvc-1', 'file'), 'of the pod');
    nothingMounted(driver);
  });

  it('is kept when rclone dies, and uploaded when the volume is staged next', async (t) => {
    const { driver, life, release } = await written(t);
    await killClient(driver);
    await life.unstage();
    assert.deepEqual(mountsBelow(driver.directory), []);
    assert.equal(readdirSync(driver.stateDir).length, 1);
    release();
    await life.stage();
    await life.unstage();
    assert.equal(await driver.store.s3.read('pvc-1', 'file'), 'of the pod');
    nothingMounted(driver);
  });
});

describe('a static volume', { skip: cannotMountWith('s3fs'), timeout: 600_000 }, () => {
  it('is a bucket, or a prefix, that somebody else has filled', async (t) => {
    const driver = await testDriver(t);
    const { s3 } = driver.store;
    await s3.createBucket('photos');
    await s3.write('photos', 'root', 'of the bucket', 'text/plain');
    await s3.write('photos', '2026/june', 'of a prefix', 'text/plain');
    for (const [volumeId, volumeContext, file, text] of [
      ['photos', {}, 'root', 'of the bucket'],
      ['photos/2026', {}, 'june', 'of a prefix'],
      ['photos-for-team-b', { bucket: 'photos', prefix: '2026', mounter: 's3fs' }, 'june', 'of a prefix'],
    ] as const) {
      const life = lifeOf(driver, { mounter: 's3fs', name: volumeId.replace('/', '-') });
      await life.stage({ volumeId, volumeContext });
      assert.equal(await readFile(join(life.stagingTargetPath, file), 'utf8'), text);
      await life.unstage();
    }
  });
});

describe('volumes that are refused', { skip: cannotMountWith('s3fs'), timeout: 600_000 }, () => {
  const made = async (t: TestContext, host?: Host) => {
    const driver = await testDriver(t, host);
    const life = lifeOf(driver, { mounter: 's3fs' });
    await life.create();
    return { driver, life };
  };

  it('where there is no such bucket, no such prefix, or no way to ask', async (t) => {
    const { driver, life } = await made(t);
    for (const volumeId of ['nothing', 'pvc-1/nothing', 'No/Handle'])
      await assert.rejects(life.stage({ volumeId }), failsWith(Code.NOT_FOUND));
    const { secrets } = driver.store;
    await assert.rejects(
      life.stage({ secrets: { ...secrets, accessKeyID: 'WRONG-ONE' } }),
      failsWith(Code.PERMISSION_DENIED, /InvalidAccessKeyId/),
    );
    await assert.rejects(
      life.stage({ secrets: { ...secrets, endpoint: 'http://127.0.0.1:1' } }),
      failsWith(Code.UNAVAILABLE, /ECONNREFUSED|bad port/),
    );
    await assert.rejects(
      life.stage({ secrets: {} }),
      failsWith(
        Code.INVALID_ARGUMENT,
        /no accessKeyID .*name it as csi\.storage\.k8s\.io\/node-stage-secret-name/,
      ),
    );
    nothingMounted(driver);
    assert.equal(existsSync(life.stagingTargetPath), false);
  });

  it('where the client is not installed', async (t) => {
    const bare: Host = {
      ...host,
      processes: {
        ...host.processes,
        exec: (command, args, options) =>
          host.processes.exec(command === 's3fs' ? 'no-such-program' : command, args, options),
      },
    };
    const { driver, life } = await made(t, bare);
    await assert.rejects(
      life.stage(),
      failsWith(
        Code.FAILED_PRECONDITION,
        /s3fs is not on this node: apt-get install s3fs, or name another mounter/,
      ),
    );
    nothingMounted(driver);
  });

  it('that are asked for as something that a bucket is not', async (t) => {
    const { life } = await made(t);
    const cases: [unknown, RegExp][] = [
      [blockCapability(), /a raw block volume: a bucket is no device/],
      [mountCapability({ fsType: 'ext4' }), /file system "ext4": a bucket has none/],
      [mountCapability({ mountFlags: ['suid'] }), /option "suid" of s3fs cannot be set/],
    ];
    for (const [capability, why] of cases) {
      const volumeCapability = capability as ReturnType<typeof mountCapability>;
      await assert.rejects(life.stage({ volumeCapability }), failsWith(Code.INVALID_ARGUMENT, why));
    }
  });

  it('published before they are staged, and a second time where one place is allowed', async (t) => {
    const { life } = await made(t);
    await assert.rejects(life.publish(), failsWith(Code.FAILED_PRECONDITION, /is not staged at/));
    const volumeCapability = mountCapability({ mode: Mode.SINGLE_NODE_SINGLE_WRITER });
    await life.stage({ volumeCapability });
    await life.publish('a', { volumeCapability });
    await life.publish('a', { volumeCapability });
    await assert.rejects(
      life.publish('b', { volumeCapability }),
      failsWith(Code.FAILED_PRECONDITION, /is published at .*, and its access mode allows no second place/),
    );
  });
});

describe('the controller', () => {
  it('makes the same volume for the same request, and refuses another one of its name', async (t) => {
    const driver = await testDriver(t);
    const { secrets } = driver.store;
    const base = { name: 'pvc-1', volumeCapabilities: [mountCapability()], secrets };
    const create = (change: object = {}) => driver.client.controller.createVolume({ ...base, ...change });
    const capacityRange = { requiredBytes: 5n << 30n };
    const first = await create({ capacityRange });
    assert.deepEqual(await create({ capacityRange }), first);
    assert.equal(first.volume!.capacityBytes, 5n << 30n);
    for (const change of [
      { capacityRange: { requiredBytes: 6n << 30n } },
      { capacityRange: { requiredBytes: 1n, limitBytes: 4n << 30n } },
      { capacityRange, parameters: { mounter: 'rclone' } },
    ])
      await assert.rejects(create(change), failsWith(Code.ALREADY_EXISTS, /pvc-1 exists as/));
    await assert.rejects(
      create({ secrets: {} }),
      failsWith(Code.INVALID_ARGUMENT, /provisioner-secret-name/),
    );
  });

  it('confirms what it can serve, of volumes that are there', async (t) => {
    const driver = await testDriver(t);
    const life = lifeOf(driver, { mounter: 's3fs' });
    await life.create();
    const validate = (volumeId: string, capability: object = mountCapability()) =>
      driver.client.controller.validateVolumeCapabilities({
        volumeId,
        volumeCapabilities: [capability],
        secrets: driver.store.secrets,
      });
    assert.equal((await validate('pvc-1')).confirmed?.volumeCapabilities.length, 1);
    assert.match((await validate('pvc-1', blockCapability())).message, /a bucket is no device/);
    await assert.rejects(validate('nothing'), failsWith(Code.NOT_FOUND));
    await assert.rejects(validate('../x'), failsWith(Code.NOT_FOUND));
    await driver.client.controller.deleteVolume({ volumeId: '../x', secrets: {} });
  });
});
