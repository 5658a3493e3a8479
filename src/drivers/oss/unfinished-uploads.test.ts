import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Code, CsiError } from '../../csi/index.ts';
import { failsWith, host } from '../shared/test-support.ts';
import { killClient, nothingMounted, untilUploaded } from './mounts.test-support.ts';
import { cannotMountWith, lifeOf, mountsBelow, processesOf, testDriver } from './test-support.ts';

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
