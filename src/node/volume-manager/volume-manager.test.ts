import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { turn } from '../../base/index.ts';
import { nodes, persistentVolumes } from '../../kube/index.ts';
import { TransientOperationFailure, UncertainProgressError } from '../../volume/index.ts';
import { MountError } from '../../volume/mount/index.ts';
import { inUse, MOUNTED, makePod, NODE, setPhase, start, VOLUME } from './volume-manager.test-support.ts';

describe('the volume manager', () => {
  it('reports in use, waits for attach, stages, publishes; and undoes it all when the pod has gone', async (test) => {
    const stack = await start(test);
    const { client, plugin, source, manager, signal, trace, attach } = stack;
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    source.running.add(pod.metadata.uid);
    const mounted = manager.waitForAttachAndMount(pod, signal);
    await inUse(stack, VOLUME);
    await turn();
    assert.deepEqual(plugin.calls, [], 'nothing is mounted before it is attached');
    await attach();
    const volumes = await mounted;
    assert.deepEqual(
      [...volumes],
      [
        [
          'data',
          {
            hostPath: `/pods/${pod.metadata.uid}/pv-1`,
            readOnly: false,
            specName: 'pv-1',
            volumeName: VOLUME,
          },
        ],
      ],
    );
    assert.deepEqual(plugin.calls, MOUNTED);
    assert.deepEqual(manager.volumesInUse(), [VOLUME]);

    source.remove(pod); // gone from the API, its containers still run
    await turn();
    await turn();
    assert.deepEqual(plugin.calls, MOUNTED);
    assert.equal(manager.podHasMountedVolumes(pod.metadata.uid), true);
    source.stopped(pod);
    await manager.waitForUnmount(pod, signal);
    await inUse(stack);
    assert.deepEqual(plugin.calls.slice(2), ['tearDown pv-1', 'unmountDevice /global/pv-1']);
    await manager.waitForAllUnmounted(signal);
    const steps = trace.ended('default/claim').map(({ step, outcome }) => `${step} ${outcome}`);
    assert.deepEqual(steps, ['mount ok', 'unmount ok']);
    const [mount] = trace.ended('default/claim');
    assert.equal(mount?.attributes.pod, 'default/web-0');
    assert.equal(mount?.attributes.globalPath, '/global/pv-1');
  });

  it('says why a claim cannot be used, and goes on once it can', async (test) => {
    const { client, source, manager, signal, attach } = await start(test, { claim: 'Pending' });
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await assert.rejects(
      manager.waitForAttachAndMount(pod, signal),
      /^Error: unmounted volumes=\[data\], unattached volumes=\[\], failed to process volumes=\[data\]: error processing PVC default\/claim: PVC is not bound$/,
    );
    await setPhase(client, 'Bound');
    const volumes = await manager.waitForAttachAndMount(pod, signal);
    assert.equal(volumes.size, 1);
  });

  it('refuses a volume that belongs to another claim of the same name', async (test) => {
    const { client, source, manager, signal } = await start(test);
    const body = { spec: { claimRef: { uid: 'former' } } };
    await client.patch(persistentVolumes, { name: 'pv-1' }, { type: 'merge', body });
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await assert.rejects(
      manager.waitForAttachAndMount(pod, signal),
      /found PV object pv-1 but its pv\.Spec\.ClaimRef\.UID former does not point to claim\.UID/,
    );
  });

  it('gives up after 2 min 3 s with what is missing', async (test) => {
    const stack = await start(test);
    const { client, source, manager, signal, clock } = stack;
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    const failed = assert.rejects(
      manager.waitForAttachAndMount(pod, signal),
      /^Error: unmounted volumes=\[data\], unattached volumes=\[data\], failed to process volumes=\[\]: context deadline exceeded$/,
    );
    // Only now the pod has been looked at: before, what it wishes for would not be known.
    await inUse(stack, VOLUME);
    await clock.advance(123_000);
    await failed;
  });

  it('tells the pod of a failed mount and tries again after 500 ms', async (test) => {
    const { client, plugin, source, manager, signal, clock, events, attach } = await start(test);
    plugin.fail('mountDevice', new TransientOperationFailure('driver absent'));
    plugin.fail('setUp', new Error('rpc error: code = Internal desc = boom'));
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    const mounted = manager.waitForAttachAndMount(pod, signal);
    await plugin.until('mountDevice pv-1 /dev/x');
    await turn();
    await clock.advance(501);
    await plugin.until('mountDevice pv-1 /dev/x', ...MOUNTED);
    await turn();
    await clock.advance(1_001);
    await mounted;
    assert.deepEqual(plugin.calls.at(-1), 'setUp pv-1 web-0');
    assert.equal(plugin.calls.filter((call) => call.startsWith('mountDevice')).length, 2, 'staged once');
    assert.deepEqual(events, [
      'Warning FailedMount MountVolume.MountDevice failed for volume "pv-1" : driver absent',
      'Warning FailedMount MountVolume.SetUp failed for volume "pv-1" : rpc error: code = Internal desc = boom',
    ]);
  });

  it('tells the volume that it holds another file system than its object says', async (test) => {
    const { client, plugin, source, signal, clock, manager, events, attach } = await start(test);
    plugin.fail('mountDevice', new MountError('FilesystemMismatch', 'wrong fs type'));
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    const mounted = manager.waitForAttachAndMount(pod, signal);
    await plugin.until('mountDevice pv-1 /dev/x');
    await turn();
    await clock.advance(501);
    await mounted;
    assert.deepEqual(events, [
      'Warning FailedMountOnFilesystemMismatch MountVolume failed for volume "pv-1" wrong fs type (PersistentVolume)',
      'Warning FailedMount MountVolume.MountDevice failed for volume "pv-1" : wrong fs type',
    ]);
  });

  for (const [told, gid] of [
    ['4711', 4711],
    ['staff', undefined],
  ] as const)
    it(`tells the group that a volume asks for: ${told}`, async (test) => {
      const { client, source, manager, attach, signal } = await start(test);
      const body = { metadata: { annotations: { 'pv.beta.kubernetes.io/gid': told } } };
      await client.patch(persistentVolumes, { name: 'pv-1' }, { type: 'merge', body });
      await attach();
      const pod = await makePod(client, 'web-0');
      source.add(pod);
      const volumes = await manager.waitForAttachAndMount(pod, signal);
      assert.equal(volumes.get('data')?.gid, gid);
    });

  it('refuses mount options that the volume’s plugin would not use', async (test) => {
    const { client, plugin, source, signal, clock, manager, events, attach } = await start(test);
    const body = { spec: { mountOptions: ['noatime'] } };
    await client.patch(persistentVolumes, { name: 'pv-1' }, { type: 'merge', body });
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    const mounted = manager.waitForAttachAndMount(pod, signal);
    while (events.length === 0) await turn();
    assert.deepEqual(events, [
      'Warning FailedMount MountVolume.MountOptionSupport check failed for volume "pv-1" : mount options are not supported for this volume type',
    ]);
    assert.deepEqual(plugin.calls, []);
    plugin.supportsMountOptions = true;
    await clock.advance(501);
    await mounted;
  });

  it('undoes a mount that may have happened', async (test) => {
    const stack = await start(test);
    const { client, plugin, source, manager, attach, signal } = stack;
    plugin.fail('setUp', new UncertainProgressError('timed out'));
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await plugin.until(...MOUNTED);
    await turn();
    assert.equal(manager.podHasMountedVolumes(pod.metadata.uid), true);
    assert.equal(manager.mountedVolumesForPod(pod.metadata.uid).size, 0, 'but it must not be used');
    source.remove(pod);
    await manager.waitForUnmount(pod, signal);
    await inUse(stack);
    assert.deepEqual(plugin.calls.slice(2), ['tearDown pv-1', 'unmountDevice /global/pv-1']);
  });

  it('unstages what may have been staged', async (test) => {
    const stack = await start(test);
    const { client, plugin, source, attach } = stack;
    plugin.fail('mountDevice', new UncertainProgressError('timed out'));
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await plugin.until('mountDevice pv-1 /dev/x');
    await turn();
    source.remove(pod);
    await inUse(stack);
    assert.deepEqual(plugin.calls, ['mountDevice pv-1 /dev/x', 'unmountDevice /global/pv-1']);
  });

  it('gives a device up only when nobody has it in use', async (test) => {
    const stack = await start(test);
    const { client, plugin, source, clock, manager, attach, signal, busyDevices } = stack;
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await manager.waitForAttachAndMount(pod, signal);
    busyDevices.add('/dev/x');
    source.remove(pod);
    await plugin.until(...MOUNTED, 'tearDown pv-1', 'unmountDevice /global/pv-1');
    await turn();
    assert.deepEqual((await client.get(nodes, { name: NODE })).status?.volumesInUse, [VOLUME]);
    busyDevices.clear();
    await clock.advance(501);
    await inUse(stack);
    assert.equal(plugin.calls.at(-1), 'unmountDevice /global/pv-1');
    assert.equal(plugin.calls.length, MOUNTED.length + 3, 'undone again once it was free');
  });

  it('keeps the global mount as long as another pod uses the volume', async (test) => {
    const { client, plugin, source, manager, signal, attach } = await start(test);
    await attach();
    const [first, second] = [await makePod(client, 'web-0'), await makePod(client, 'web-1')];
    source.add(first);
    source.add(second);
    await Promise.all([first, second].map((pod) => manager.waitForAttachAndMount(pod, signal)));
    source.remove(first);
    await manager.waitForUnmount(first, signal);
    await turn();
    assert.deepEqual(plugin.calls.slice(3), ['tearDown pv-1']);
    assert.equal(manager.mountedVolumesForPod(second.metadata.uid).size, 1);
  });

  it('sets up again what wants refreshing, without staging it again', async (test) => {
    const { client, plugin, source, manager, signal, clock, attach } = await start(test);
    plugin.remount = true;
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await manager.waitForAttachAndMount(pod, signal);
    await clock.advance(60_000);
    await plugin.until(...MOUNTED, 'setUp pv-1 web-0');
  });

  it('sets up again what shows a pod that was edited, also while it was at it', async (test) => {
    const { client, plugin, source, manager, signal, attach } = await start(test);
    plugin.remount = true;
    const labels: unknown[] = [];
    const pauses = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const began = pauses.map(() => Promise.withResolvers<void>());
    const { setUp } = plugin.mounter;
    plugin.mounter.setUp = async (spec, context) => {
      await setUp(spec, context);
      labels.push(context.pod.metadata.labels?.at);
      const count = labels.length - 2;
      began[count]?.resolve();
      await pauses[count]?.promise;
    };
    await attach();
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    await manager.waitForAttachAndMount(pod, signal);
    const edit = (at: string) => source.edit({ ...pod, metadata: { ...pod.metadata, labels: { at } } });
    edit('one');
    await began[0]!.promise;
    edit('two');
    pauses[0]!.resolve();
    await began[1]!.promise;
    assert.deepEqual(labels, [undefined, 'one', 'two']);
    pauses[1]!.resolve();
  });

  it('removes the directory of a pod that has ended while its object is still there, once', async (test) => {
    const { client, source, manager, root } = await start(test);
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    const directory = join(root, 'pods', pod.metadata.uid);
    await fs.mkdir(join(directory, 'volumes/test~disk/pv-1'), { recursive: true });
    await fs.mkdir(join(directory, 'plugins'));
    const removal = manager.removePodDirectory(pod);
    assert.equal(manager.removePodDirectory(pod), removal, 'who comes second waits for the first');
    await removal;
    assert.deepEqual(await fs.readdir(join(root, 'pods')), []);
    await manager.removePodDirectory(pod);
  });

  it('keeps the directory of a pod that has ended while it may hold data', async (test) => {
    const { client, source, manager, root } = await start(test);
    const pod = await makePod(client, 'web-0');
    source.add(pod);
    const volume = join(root, 'pods', pod.metadata.uid, 'volumes/test~disk/pv-1');
    await fs.mkdir(volume, { recursive: true });
    await fs.writeFile(join(volume, 'precious'), '');
    await manager.removePodDirectory(pod);
    assert.deepEqual(await fs.readdir(volume), ['precious']);
  });

  it('reports in use again when another writer has dropped it', async (test) => {
    const stack = await start(test);
    const { client, source } = stack;
    source.add(await makePod(client, 'web-0'));
    await inUse(stack, VOLUME);
    await client.patch(
      nodes,
      { name: NODE },
      { type: 'merge', body: { status: { volumesInUse: [] } } },
      { subresource: 'status' },
    );
    await inUse(stack, VOLUME);
  });
});
