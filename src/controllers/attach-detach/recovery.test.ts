import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import { volumeAttachments } from '../../kube/index.ts';
import { attachmentName as csiAttachmentName } from '../../volume/plugins/csi/index.ts';
import { attachmentName, world } from './world.test-support.ts';

describe('attach/detach controller: what it finds', () => {
  it('attaches again when somebody deletes the VolumeAttachment', async (test) => {
    const w = await world(test);
    w.start();
    await w.attachedOnce();
    const before = await w.client.get(volumeAttachments, { name: attachmentName('v', 'n') });
    await w.client.delete(volumeAttachments, { name: attachmentName('v', 'n') });
    await w.until('a new attachment', () => {
      const found = w.attachments.get(attachmentName('v', 'n'));
      return found?.status?.attached && found.metadata.uid !== before.metadata.uid;
    });
    await w.attached('n', 'v');
    assert.deepEqual(w.plugin.calls, ['attach v n', 'attach v n']);
  });

  it('finds out within a minute that a volume is no longer attached', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, clock);
    w.start();
    await w.attachedOnce();
    await w.client.patch(
      volumeAttachments,
      { name: attachmentName('v', 'n') },
      { type: 'merge', body: { status: { attached: false } } },
      { subresource: 'status' },
    );
    await w.until(
      'not attached',
      () => w.attachments.get(attachmentName('v', 'n'))?.status?.attached === false,
    );
    await clock.advance(60_000);
    await w.until('attached again', () => w.attachments.get(attachmentName('v', 'n'))?.status?.attached);
  });

  it('carries on after a restart: keeps what is wanted, detaches what is not', async (test) => {
    const w = await world(test);
    const stop = w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addVolume('w');
    await w.addPod('p', 'v', 'n');
    await w.addPod('q', 'w', 'n');
    await w.attached('n', 'v', 'w');
    await stop();
    await w.deletePod('q');
    w.plugin.calls.length = 0;
    w.start();
    await w.attached('n', 'v');
    await w.until('one attachment', () => w.attachments.size === 1);
    assert.deepEqual(w.plugin.calls, ['detach w n']);
  });

  it('after a restart detaches what only a VolumeAttachment tells of', async (test) => {
    const w = await world(test);
    await w.addNode('n');
    await w.addVolume('v');
    await w.addAttachment('v', 'n');
    w.start();
    await w.until('an attachment', () => w.attachments.size === 1);
    await w.noAttachment();
    assert.deepEqual(w.plugin.calls, ['detach v n']);
  });

  it('detaches within a minute what somebody else has attached for no pod: a leader that was replaced', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, clock);
    w.start();
    await w.addNode('n');
    await w.addVolume('v');
    await w.addVolume('w');
    await w.addPod('p', 'w', 'n');
    await w.attached('n', 'w');
    await w.addAttachment('v', 'n');
    const attachments = w.attachments;
    await w.until('seen', () => attachments.size === 2);
    await clock.advance(60_000);
    await w.until('one attachment', () => attachments.size === 1);
    assert.deepEqual(w.plugin.calls, ['attach w n', 'detach v n']);
  });

  it('deletes an attachment of a volume that is gone: at its start, and within a minute when it comes later', async (test) => {
    const clock = new FakeClock();
    const w = await world(test, clock);
    const name = csiAttachmentName('handle-gone', 'fake', 'n');
    await w.addNode('n');
    await w.addVolume('v');
    await w.addPod('p', 'v', 'n');
    await w.addAttachment('gone', 'n', name);
    await w.addAttachment('gone', 'n', 'a-users-own');
    w.start();
    await w.attached('n', 'v');
    await w.until('it is gone', () => w.attachments.size === 2 && !w.attachments.get(name));
    await w.addAttachment('gone', 'n', name);
    await w.until('seen', () => w.attachments.get(name));
    await clock.advance(60_000);
    await w.until('gone again', () => !w.attachments.get(name));
    const left = [...w.attachments.values()].map(({ metadata }) => metadata.name).sort();
    assert.deepEqual(left, ['a-users-own', attachmentName('v', 'n')]);
    assert.deepEqual(w.plugin.calls, ['attach v n']);
  });
});
