import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../../base/index.ts';
import { waitUntil } from '../../../client/index.ts';
import { Code, connectCsi } from '../../../csi/index.ts';
import { csiDrivers, volumeAttachments } from '../../../kube/index.ts';
import { specFromVolume } from '../../index.ts';
import { DRIVER, NODE, spec, start } from './csi.test-support.ts';
import { attachmentName } from './index.ts';

async function startFull(test: TestContext, errorCode: number, nodeAllocatableUpdatePeriodSeconds?: number) {
  const { client, informers, node, drivers, signal } = await start(test);
  await client.create(csiDrivers, {
    metadata: { name: DRIVER },
    spec: { nodeAllocatableUpdatePeriodSeconds },
  });
  await waitUntil([informers.of(csiDrivers)] as never, () => informers.of(csiDrivers).get(DRIVER), {
    clock: systemClock,
    limitMs: 60_000,
    what: 'the CSIDriver object',
  });
  const attachment = await client.create(volumeAttachments, {
    metadata: { name: attachmentName('vol-1', DRIVER, NODE) },
    spec: { attacher: DRIVER, nodeName: NODE, source: { persistentVolumeName: 'pv-1' } },
  });
  const status = { attached: false, attachError: { message: 'no slot left', errorCode } };
  await client.update(volumeAttachments, { ...attachment, status }, { subresource: 'status' });
  let asked = 0;
  const connection = connectCsi('/nowhere.sock', { clock: systemClock });
  test.after(() => connection.close());
  drivers.add(DRIVER, connection, async () => {
    asked++;
    throw new Error('the driver hangs');
  });
  const verify = (of = spec) => node.attacher!.verifyExhaustedResource!(of, signal);
  return { verify, asked: () => asked };
}

describe('a node that takes no more volumes', () => {
  it('is told by the attacher’s code, and has the driver asked how many it takes now', async (test) => {
    const { verify, asked } = await startFull(test, Code.RESOURCE_EXHAUSTED, 10);
    assert.equal(await verify(), true);
    assert.equal(asked(), 1);
    assert.equal(await verify(specFromVolume({ name: 'data', csi: { driver: DRIVER } })), false);
  });

  it('is not told by another code', async (test) => {
    const { verify, asked } = await startFull(test, Code.INTERNAL, 10);
    assert.equal(await verify(), false);
    assert.equal(asked(), 0);
  });

  it('is nobody’s business where the driver does not want to be asked', async (test) => {
    const { verify, asked } = await startFull(test, Code.RESOURCE_EXHAUSTED);
    assert.equal(await verify(), false);
    assert.equal(asked(), 0);
  });
});
