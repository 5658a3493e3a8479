import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { nodes } from '../../kube/index.ts';
import { eventually, inUse, MOUNTED, makePod, NODE, start, VOLUME } from './volume-manager.test-support.ts';

describe('the volume manager after a restart', () => {
  const leave = async (root: string, podUid: string) =>
    fs.mkdir(join(root, 'pods', podUid, 'volumes/test~disk/pv-1'), { recursive: true });

  it('undoes what it finds on disk and no pod wants, then removes the pod’s directory', async (test) => {
    const stack = await start(test, { boot: false });
    const { plugin, root, boot } = stack;
    await stack.attach();
    await leave(root, 'gone');
    await boot();
    await plugin.until('tearDown pv-1');
    // The fake leaves the volume's directory, empty, as a plugin's tear-down would not.
    await plugin.until('tearDown pv-1', 'unmountDevice /global/pv-1');
    await stack.clock.advance(1_000);
    await inUse(stack);
    await eventually(
      'the orphaned pod’s directory goes',
      async () => (await fs.readdir(join(root, 'pods'))).length === 0,
    );
  });

  it('sets up again, idempotently, what a pod still uses, and unmounts nothing of it', async (test) => {
    const stack = await start(test, { boot: false });
    const { client, plugin, source, root, boot, signal } = stack;
    await stack.attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    source.running.add(pod.metadata.uid);
    await leave(root, pod.metadata.uid);
    const manager = await boot();
    await manager.waitForAttachAndMount(pod, signal);
    assert.deepEqual(plugin.calls, MOUNTED);
    assert.deepEqual(manager.volumesInUse(), [VOLUME]);
  });

  it('unmounts nothing of a pod whose wishes it cannot find out', async (test) => {
    const stack = await start(test, { boot: false, claim: 'Pending' });
    const { client, plugin, source, root, boot } = stack;
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await leave(root, pod.metadata.uid);
    const manager = await boot();
    await eventually('the volume is found on disk', () => manager.podHasMountedVolumes(pod.metadata.uid));
    await stack.clock.advance(5_000);
    assert.deepEqual(plugin.calls, []);
    assert.equal(manager.podHasMountedVolumes(pod.metadata.uid), true);
  });

  it('undoes nothing that it cannot understand of a pod whose wishes it cannot find out', async (test) => {
    const stack = await start(test, { boot: false, claim: 'Pending' });
    const { client, clock, plugin, source, root, boot, signal } = stack;
    plugin.mounter.reconstruct = async () => undefined;
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await leave(root, pod.metadata.uid);
    await leave(root, 'gone');
    const manager = await boot();
    await assert.rejects(manager.waitForAttachAndMount(pod, signal), /not bound/);
    await eventually('what a pod that is gone has left is undone', async () => {
      await clock.advance(1_000);
      return plugin.calls.length > 0;
    });
    await clock.advance(5_000);
    assert.deepEqual(plugin.calls, ['tearDown pv-1']);
  });

  it('undoes what a plugin has left that comes late, but for what a pod still uses', async (test) => {
    const stack = await start(test, { boot: false, pluginIsLate: true });
    const { client, clock, plugin, source, root, plug, boot, signal } = stack;
    await stack.attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    source.running.add(pod.metadata.uid);
    await leave(root, pod.metadata.uid);
    await leave(root, 'gone');
    const manager = await boot();
    await assert.rejects(manager.waitForAttachAndMount(pod, signal), /no volume plugin matched/);
    assert.deepEqual(plugin.calls, []);
    plug();
    await eventually('the volume of the pod that is gone is undone', async () => {
      await clock.advance(1_000);
      return plugin.calls.length >= 3;
    });
    assert.deepEqual([...plugin.calls].sort(), [...MOUNTED, 'tearDown pv-1'].sort());
    await eventually('its directory goes', async () => {
      await clock.advance(1_000);
      return (await fs.readdir(join(root, 'pods'))).join() === pod.metadata.uid;
    });
    assert.equal(plugin.calls.length, 3);
  });

  it('unmounts what a plugin that comes late has mounted once a node, after the directories of its pods', async (test) => {
    const stack = await start(test, { boot: false, pluginIsLate: true });
    const { client, clock, plugin, root, plug, boot } = stack;
    await stack.attach();
    const body = { status: { volumesInUse: [VOLUME] } };
    await client.patch(nodes, { name: NODE }, { type: 'merge', body }, { subresource: 'status' });
    plugin.deviceMounter.reconstructDevices = async () => {
      const found = await plugin.mounter.reconstruct('pv-1', '');
      return found ? [found] : [];
    };
    await leave(root, 'gone');
    const manager = await boot();
    await eventually('it is known what was in use', async () => {
      await clock.advance(1_000);
      return manager.volumesInUse().length > 0;
    });
    await clock.advance(5_000);
    assert.deepEqual(manager.volumesInUse(), [VOLUME], 'as long as nobody has looked');
    assert.deepEqual(plugin.calls, []);
    plug();
    await eventually('the device is unmounted', async () => {
      await clock.advance(1_000);
      return plugin.calls.length >= 2;
    });
    assert.deepEqual(plugin.calls, ['tearDown pv-1', 'unmountDevice /global/pv-1']);
    await clock.advance(1_000);
    await inUse(stack);
  });
});
