import assert from 'node:assert/strict';
import { renameSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { cannotMount, mountCapability, startDriver } from './test-support.ts';

describe('the health of a volume', { skip: cannotMount() }, () => {
  it('is good while its image is there, all of it', async (t) => {
    const driver = await startDriver(t);
    const { controller } = driver.n1;
    await controller.createVolume({ name: 'v', volumeCapabilities: [mountCapability()] });
    const image = join(driver.pool, 'v.img');
    const conditions = async () => {
      const [entry] = (await controller.listVolumes()).entries;
      const { status } = await controller.controllerGetVolume({ volumeId: 'v' });
      assert.deepEqual(status?.volumeCondition, entry?.status?.volumeCondition);
      return status?.volumeCondition;
    };
    assert.equal((await conditions())?.abnormal, false);

    truncateSync(image, 1 << 20);
    const cutOff = await conditions();
    assert.equal(cutOff?.abnormal, true);
    assert.match(cutOff.message, /the image .*v\.img of volume v has 1048576 bytes/);

    renameSync(image, `${image}.away`);
    assert.match((await conditions())?.message ?? '', /is missing; restore it$/);
    renameSync(`${image}.away`, image);
  });
});
