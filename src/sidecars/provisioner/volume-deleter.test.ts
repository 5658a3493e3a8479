import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { persistentVolumeClaims, persistentVolumes, volumeAttachments } from '../../kube/index.ts';
import {
  boundClaim,
  DRIVER,
  fast,
  newClaim,
  nothingLeft,
  prepare,
  says,
  start,
} from './stack.test-support.ts';

describe('the end of a volume', () => {
  it('does not delete a volume that is attached, and does as soon as it is not', async (test) => {
    const stack = await start(test, { flags: { backoff: { initialMs: 60_000, maxMs: 300_000 } } });
    await prepare(stack);
    await stack.client.create(persistentVolumeClaims, newClaim());
    const claim = await boundClaim(stack);
    const volumeName = claim.spec?.volumeName;
    await stack.client.create(volumeAttachments, {
      metadata: { name: 'va' },
      spec: { attacher: DRIVER, nodeName: 'n1', source: { persistentVolumeName: volumeName } },
    });
    await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
    await says(stack, `VolumeFailedDelete: persistentvolume ${volumeName} is still attached to node n1`);
    assert.equal(stack.driver.deleted.length, 0);
    await stack.client.delete(volumeAttachments, { name: 'va' });
    await nothingLeft(stack);
  });

  it('asks the server before it deletes: the cache may not have heard of an attachment', async (test) => {
    const stack = await start(test, { hearsOfAttachments: false });
    await prepare(stack);
    await stack.client.create(persistentVolumeClaims, newClaim());
    const { spec } = await boundClaim(stack);
    await stack.client.create(volumeAttachments, {
      metadata: { name: 'va' },
      spec: { attacher: DRIVER, nodeName: 'n1', source: { persistentVolumeName: spec?.volumeName } },
    });
    await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
    await says(
      stack,
      `VolumeFailedDelete: persistentvolume ${spec?.volumeName} is still attached to node n1`,
    );
    assert.equal(stack.driver.deleted.length, 0);
  });

  it('keeps a volume with policy Retain', async (test) => {
    const stack = await start(test);
    await prepare(stack, fast({ reclaimPolicy: 'Retain' }));
    await stack.client.create(persistentVolumeClaims, newClaim());
    await boundClaim(stack);
    await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
    await stack.until('Released', () => stack.volumes()[0]?.status?.phase === 'Released');
    assert.equal(stack.driver.deleted.length, 0);
    assert.ok(
      !stack
        .volumes()[0]
        ?.metadata.finalizers?.includes('external-provisioner.volume.kubernetes.io/finalizer'),
    );
  });

  it('deletes the volume, too, when its object is deleted before its claim', async (test) => {
    const stack = await start(test);
    await prepare(stack);
    await stack.client.create(persistentVolumeClaims, newClaim());
    const claim = await boundClaim(stack);
    const name = claim.spec?.volumeName ?? '';
    await stack.client.delete(persistentVolumes, { name });
    await stack.until('it is going', () => stack.volumes()[0]?.metadata.deletionTimestamp);
    assert.equal(stack.driver.deleted.length, 0);
    await stack.client.delete(persistentVolumeClaims, { namespace: 'team', name: 'data' });
    await nothingLeft(stack);
    assert.equal(stack.driver.deleted.length, 1);
  });
});
