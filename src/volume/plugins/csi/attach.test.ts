import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { volumeAttachments } from '../../../kube/index.ts';
import { DRIVER, NODE, spec, start } from './csi.test-support.ts';
import { attachmentName, CSI_PLUGIN, createCsiPlugin } from './index.ts';

describe('the CSI plugin in a controller', () => {
  async function startController(test: TestContext) {
    const stack = await start(test);
    const plugin = createCsiPlugin(stack.shared);
    const name = attachmentName('vol-1', DRIVER, NODE);
    /** Resolves with the attachment once it is there. */
    const appeared = () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const stop = stack.informers.of(volumeAttachments).on({
        added: (object) => object.metadata.name === name && resolve(),
      });
      return promise.then(async () => {
        stop();
        return await stack.client.get(volumeAttachments, { name });
      });
    };
    return { ...stack, plugin, name, appeared };
  }

  it('attaches by a VolumeAttachment, and is done when that says so', async (test) => {
    const { plugin, client, signal, name, appeared } = await startController(test);
    assert.equal(plugin.name, CSI_PLUGIN);
    const attached = plugin.attacher!.attach(spec, NODE, signal);
    const object = await appeared();
    assert.equal(object.metadata.name, name);
    assert.deepEqual(object.spec, {
      attacher: DRIVER,
      nodeName: NODE,
      source: { persistentVolumeName: 'pv-1' },
    });
    await client.update(
      volumeAttachments,
      { ...object, status: { attached: true } },
      { subresource: 'status' },
    );
    assert.equal(await attached, '');
    assert.equal(await plugin.attacher!.attach(spec, NODE, signal), '', 'attached already');
  });

  it('fails with the attacher’s words', async (test) => {
    const { plugin, client, signal, appeared } = await startController(test);
    const attached = assert.rejects(plugin.attacher!.attach(spec, NODE, signal), /^Error: no slot left$/);
    const object = await appeared();
    const status = { attached: false, attachError: { message: 'no slot left' } };
    await client.update(volumeAttachments, { ...object, status }, { subresource: 'status' });
    await attached;
  });

  it('is detached only when the object has gone', async (test) => {
    const { plugin, client, signal, name, attach } = await startController(test);
    const object = await attach();
    await client.update(volumeAttachments, {
      ...object,
      metadata: { ...object.metadata, finalizers: ['external-attacher/disk'] },
    });
    let done = false;
    const detached = plugin.attacher!.detach(`${DRIVER}^vol-1`, NODE, signal).then(() => {
      done = true;
    });
    const going = await client.get(volumeAttachments, { name });
    assert.equal(done, false);
    await client.patch(
      volumeAttachments,
      { name },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    );
    await detached;
    assert.ok(going);
    await plugin.attacher!.detach(`${DRIVER}^vol-1`, NODE, signal); // nothing there: done
  });
});
