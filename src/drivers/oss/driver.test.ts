import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Code, csi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { blockCapability, failsWith, host, mountCapability } from '../shared/test-support.ts';
import { nothingMounted } from './mounts.test-support.ts';
import { cannotMountWith, lifeOf, testDriver } from './test-support.ts';

const Mode = csi.VolumeCapability_AccessMode_Mode;

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
