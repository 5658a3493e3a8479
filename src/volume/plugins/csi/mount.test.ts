import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeClock, systemClock } from '../../../base/index.ts';
import { Code, CsiStatus, connectCsi, type csi } from '../../../csi/index.ts';
import { csiDrivers } from '../../../kube/index.ts';
import { isOperationFinished, TransientOperationFailure, UncertainProgressError } from '../../index.ts';
import { DRIVER, host, isRoot, NO_DEVICE, NODE, pod, spec, start } from './csi.test-support.ts';
import { attachmentName, CsiDrivers, createCsiPlugin } from './index.ts';

describe('the CSI plugin on a node', () => {
  it('stages, publishes and undoes both, with paths and notes as the kubelet’s', async (test) => {
    const { nodeRoot, node, context, calls, attach, signal } = await start(test);
    await attach({ device: '/dev/loop7' });
    const globalPath = node.deviceMounter!.deviceMountPath(spec);
    const podPath = node.mounter.podPath(spec, 'pod-uid');
    assert.equal(podPath, join(nodeRoot, 'pods/pod-uid/volumes/kubernetes.io~csi/pv-1/mount'));

    const attachment = await node.attacher!.waitForAttach(spec, NODE, NO_DEVICE, signal);
    assert.equal(attachment, attachmentName('vol-1', DRIVER, NODE));
    await node.deviceMounter!.mountDevice(spec, attachment, globalPath, context);
    await node.mounter.setUp(spec, context);

    const [stage] = calls.stage;
    assert.equal(stage?.volumeId, 'vol-1');
    assert.equal(stage?.stagingTargetPath, globalPath);
    assert.deepEqual(stage?.publishContext, { device: '/dev/loop7' });
    assert.deepEqual(stage?.volumeContext, { pool: 'fast' });
    assert.deepEqual(stage?.secrets, { password: 'hush' });
    const mount = stage?.volumeCapability?.accessType.value as csi.VolumeCapability_MountVolume;
    assert.deepEqual([mount.fsType, mount.mountFlags], ['ext4', ['noatime']]);
    const [publish] = calls.publish;
    assert.equal(publish?.stagingTargetPath, globalPath);
    assert.equal(publish?.targetPath, podPath);
    assert.equal(publish?.readonly, false);
    assert.deepEqual(publish?.publishContext, { device: '/dev/loop7' });
    assert.deepEqual(publish?.secrets, {});

    const note = async (path: string) =>
      JSON.parse(await fs.readFile(join(dirname(path), 'vol_data.json'), 'utf8'));
    assert.deepEqual(await note(globalPath), { driverName: DRIVER, volumeHandle: 'vol-1' });
    assert.deepEqual(await note(podPath), {
      attachmentID: attachment,
      driverName: DRIVER,
      nodeName: NODE,
      specVolID: 'pv-1',
      volumeHandle: 'vol-1',
      volumeLifecycleMode: 'Persistent',
    });
    const [found] = (await node.deviceMounter!.reconstructDevices!()) ?? [];
    assert.equal(found?.volumeName, `${DRIVER}^vol-1`);
    const rebuilt = await node.mounter.reconstruct('pv-1', 'pod-uid');
    assert.equal(rebuilt?.spec.name, 'pv-1');
    assert.equal(node.volumeName(rebuilt!.spec), `${DRIVER}^vol-1`);
    assert.equal(node.deviceMounter!.deviceMountPath(rebuilt!.spec), globalPath);

    await node.mounter.tearDown('pv-1', 'pod-uid', signal);
    await node.deviceMounter!.unmountDevice(globalPath, signal);
    assert.deepEqual(calls.others, ['unpublish vol-1', 'unstage vol-1']);
    assert.deepEqual(await fs.readdir(join(nodeRoot, 'pods/pod-uid/volumes/kubernetes.io~csi')), []);
    assert.deepEqual(await fs.readdir(join(nodeRoot, 'plugins/kubernetes.io/csi', DRIVER)), []);
    // Once more: nothing is left to do.
    await node.mounter.tearDown('pv-1', 'pod-uid', signal);
    await node.deviceMounter!.unmountDevice(globalPath, signal);
  });

  it('does as the CSIDriver object says: no attach, pod info', async (test) => {
    const { client, informers, node, context, calls } = await start(test);
    await client.create(csiDrivers, {
      metadata: { name: DRIVER },
      spec: { attachRequired: false, podInfoOnMount: true },
    });
    const seen = Promise.withResolvers<void>();
    informers.of(csiDrivers).on({ added: () => seen.resolve() });
    await seen.promise;
    assert.equal(node.attacher!.canAttach(spec), false);
    await node.mounter.setUp(spec, context); // without a VolumeAttachment
    assert.deepEqual(calls.publish[0]?.volumeContext, {
      pool: 'fast',
      'csi.storage.k8s.io/pod.name': 'web-0',
      'csi.storage.k8s.io/pod.namespace': 'default',
      'csi.storage.k8s.io/pod.uid': 'pod-uid',
      'csi.storage.k8s.io/serviceAccount.name': 'default',
      'csi.storage.k8s.io/ephemeral': 'false',
    });
  });

  it('removes its directories when the driver has refused for sure', async (test) => {
    const { nodeRoot, node, context, attach } = await start(test, {
      nodeStageVolume: () => {
        throw new CsiStatus(Code.INVALID_ARGUMENT, 'no such fsType');
      },
      nodePublishVolume: () => {
        throw new CsiStatus(Code.NOT_FOUND, 'no such volume');
      },
    });
    await attach();
    const globalPath = node.deviceMounter!.deviceMountPath(spec);
    const staging = node.deviceMounter!.mountDevice(spec, NO_DEVICE, globalPath, context);
    await assert.rejects(staging, /^Error: rpc error: code = InvalidArgument desc = no such fsType$/);
    await assert.rejects(node.mounter.setUp(spec, context), (error: Error) => {
      assert.equal(error.message, 'rpc error: code = NotFound desc = no such volume');
      return isOperationFinished(error);
    });
    assert.deepEqual(await fs.readdir(join(nodeRoot, 'pods/pod-uid/volumes/kubernetes.io~csi')), []);
    assert.deepEqual(await fs.readdir(join(nodeRoot, 'plugins/kubernetes.io/csi', DRIVER)), []);
  });

  it('keeps its notes when the driver may still be at work', async (test) => {
    const { nodeRoot, node, context, attach } = await start(test, {
      nodeStageVolume: () => {
        throw new CsiStatus(Code.ABORTED, 'pending');
      },
      nodePublishVolume: () => {
        throw new CsiStatus(Code.DEADLINE_EXCEEDED, 'slow');
      },
    });
    await attach();
    const globalPath = node.deviceMounter!.deviceMountPath(spec);
    const uncertain = (error: unknown) => error instanceof UncertainProgressError;
    await assert.rejects(node.deviceMounter!.mountDevice(spec, NO_DEVICE, globalPath, context), uncertain);
    await assert.rejects(node.mounter.setUp(spec, context), uncertain);
    assert.ok((await node.deviceMounter!.reconstructDevices!()).length === 1);
    const left = await fs.readdir(join(nodeRoot, 'pods/pod-uid/volumes/kubernetes.io~csi/pv-1'));
    assert.deepEqual(left, ['vol_data.json']);
  });

  it('has no doubt removed by a later try that never reached the driver', async (test) => {
    const { shared, nodeRoot, node, context, attach, drivers } = await start(test, {
      nodeStageVolume: () => {
        throw new CsiStatus(Code.ABORTED, 'pending');
      },
      nodePublishVolume: () => {
        throw new CsiStatus(Code.ABORTED, 'pending');
      },
    });
    await attach();
    const writeWhole = () => Promise.reject(new Error('EIO: i/o error'));
    const broken = { ...host, files: { ...host.files, writeWhole } };
    const other = createCsiPlugin({ ...shared, node: { host: broken, drivers, nodeRoot, nodeName: NODE } });
    const globalPath = node.deviceMounter!.deviceMountPath(spec);
    const tries = (plugin: typeof node) => [
      () => plugin.deviceMounter!.mountDevice(spec, NO_DEVICE, globalPath, context),
      () => plugin.mounter.setUp(spec, context),
    ];
    const unsaved = (error: Error) =>
      /failed to save volume data/.test(error.message) && error instanceof TransientOperationFailure;
    for (const mount of tries(other)) await assert.rejects(mount(), unsaved);
    assert.deepEqual(await fs.readdir(join(nodeRoot, 'plugins/kubernetes.io/csi', DRIVER)), []);
    for (const mount of tries(node)) await assert.rejects(mount(), UncertainProgressError);
    for (const mount of tries(other)) await assert.rejects(mount(), TransientOperationFailure);
  });

  for (const noted of [true, false]) {
    const left = noted ? 'beside the note' : 'instead of the note';
    it(`clears away what a killed writer has left ${left}`, async (test) => {
      const { nodeRoot, node, context, attach } = await start(test);
      await attach();
      const globalPath = node.deviceMounter!.deviceMountPath(spec);
      const podPath = node.mounter.podPath(spec, pod.metadata.uid);
      if (noted) {
        await node.deviceMounter!.mountDevice(spec, NO_DEVICE, globalPath, context);
        await node.mounter.setUp(spec, context);
      }
      for (const path of [globalPath, podPath]) {
        await fs.mkdir(dirname(path), { recursive: true });
        await fs.writeFile(join(dirname(path), '.vol_data.json.123.4.tmp'), '{"vol');
      }
      await node.mounter.tearDown('pv-1', pod.metadata.uid, context.signal);
      await node.deviceMounter!.unmountDevice(globalPath, context.signal);
      const plugins = ['pods/pod-uid/volumes/kubernetes.io~csi', `plugins/kubernetes.io/csi/${DRIVER}`];
      for (const plugin of plugins) assert.deepEqual(await fs.readdir(join(nodeRoot, plugin)), []);
    });
  }

  it('clears away a global directory that a reboot has left without its note', async (test) => {
    const { nodeRoot, node } = await start(test);
    const globalPath = node.deviceMounter!.deviceMountPath(spec);
    await fs.mkdir(globalPath, { recursive: true });
    assert.deepEqual(await node.deviceMounter!.reconstructDevices!(), []);
    const data = join(globalPath, 'data');
    await fs.writeFile(data, "somebody's");
    await assert.rejects(node.deviceMounter!.clearAbandoned!(), { code: 'ENOTEMPTY' });
    assert.equal(await fs.readFile(data, 'utf8'), "somebody's");
    await fs.rm(data);
    await node.deviceMounter!.clearAbandoned!();
    assert.deepEqual(await fs.readdir(join(nodeRoot, 'plugins/kubernetes.io/csi', DRIVER)), []);
  });

  it('has a refused volume unstaged when its directories cannot be cleared away', async (test) => {
    const { shared, nodeRoot, node, context, attach, drivers } = await start(test, {
      nodeStageVolume: () => {
        throw new CsiStatus(Code.INTERNAL, 'no route to the storage');
      },
    });
    await attach();
    const removeFile = () => Promise.reject(new Error('EIO: i/o error'));
    const broken = { ...host, files: { ...host.files, removeFile } };
    const other = createCsiPlugin({ ...shared, node: { host: broken, drivers, nodeRoot, nodeName: NODE } });
    const globalPath = node.deviceMounter!.deviceMountPath(spec);
    await assert.rejects(
      other.deviceMounter!.mountDevice(spec, NO_DEVICE, globalPath, context),
      (error) => error instanceof UncertainProgressError && /no route to the storage/.test(error.message),
    );
    await node.deviceMounter!.unmountDevice(globalPath, context.signal);
    assert.deepEqual(await fs.readdir(join(nodeRoot, 'plugins/kubernetes.io/csi', DRIVER)), []);
  });

  it('has a refused volume unpublished when its directories cannot be cleared away', async (test) => {
    const { shared, nodeRoot, node, context, attach, drivers } = await start(test, {
      nodePublishVolume: () => {
        throw new CsiStatus(Code.INTERNAL, 'no such device');
      },
      nodeUnpublishVolume: () => ({}),
    });
    await attach();
    const removeFile = () => Promise.reject(new Error('EIO: i/o error'));
    const broken = { ...host, files: { ...host.files, removeFile } };
    const other = createCsiPlugin({ ...shared, node: { host: broken, drivers, nodeRoot, nodeName: NODE } });
    await assert.rejects(
      other.mounter.setUp(spec, context),
      (error) => error instanceof UncertainProgressError && /no such device/.test(error.message),
    );
    await node.mounter.tearDown('pv-1', pod.metadata.uid, context.signal);
    assert.deepEqual(await fs.readdir(join(nodeRoot, 'pods/pod-uid/volumes/kubernetes.io~csi')), []);
  });

  it('clears away what an unstaging left that lost its note on the way', async (test) => {
    const { nodeRoot, node, context } = await start(test);
    const globalPath = node.deviceMounter!.deviceMountPath(spec);
    await fs.mkdir(dirname(globalPath), { recursive: true });
    await node.deviceMounter!.unmountDevice(globalPath, context.signal);
    assert.deepEqual(await fs.readdir(join(nodeRoot, 'plugins/kubernetes.io/csi', DRIVER)), []);
    await node.deviceMounter!.unmountDevice(globalPath, context.signal);
  });

  it('keeps what a pod sees when a refresh fails', async (test) => {
    const { nodeRoot, node, context, attach } = await start(test, {
      nodePublishVolume: () => {
        throw new CsiStatus(Code.INTERNAL, 'token service down');
      },
    });
    await attach();
    await assert.rejects(node.mounter.setUp(spec, { ...context, isRemount: true }), /token service down/);
    const left = await fs.readdir(join(nodeRoot, 'pods/pod-uid/volumes/kubernetes.io~csi/pv-1'));
    assert.deepEqual(left, ['vol_data.json']);
  });

  it('takes an absent driver, or an absent attachment, as nothing having happened', async (test) => {
    const { shared, nodeRoot, node, context } = await start(test);
    const clock = new FakeClock();
    const other = createCsiPlugin({
      ...shared,
      node: { host, drivers: new CsiDrivers(clock), nodeRoot, nodeName: NODE },
    });
    const waiting = assert.rejects(other.mounter.setUp(spec, context), (error: Error) => {
      assert.match(
        error.message,
        /driver name disk.example.org not found in the list of registered CSI drivers$/,
      );
      return error instanceof TransientOperationFailure;
    });
    await clock.advance(2_000);
    await waiting;
    await assert.rejects(node.mounter.setUp(spec, context), TransientOperationFailure);
    await assert.rejects(
      node.attacher!.waitForAttach(spec, NODE, NO_DEVICE, context.signal),
      /^Error: volume vol-1 has GET error for volume attachment csi-[0-9a-f]{64}: .* not found$/,
    );
  });

  it('waits a moment for a driver that is about to register', async (test) => {
    const drivers = new CsiDrivers(systemClock);
    const controller = new AbortController();
    const found = drivers.find(DRIVER, controller.signal);
    const connection = connectCsi('/nowhere.sock', { clock: systemClock });
    test.after(() => connection.close());
    drivers.add(DRIVER, connection);
    assert.equal((await found).name, DRIVER);
    const other = drivers.find('other', controller.signal);
    controller.abort(new Error('stop'));
    await assert.rejects(other, /^Error: stop$/);
  });

  it('never takes the driver’s word over the mount table', {
    skip: !isRoot && 'mounting needs root',
  }, async (test) => {
    const { node, context, attach, signal } = await start(test, {
      async nodePublishVolume({ targetPath }) {
        await fs.mkdir(targetPath);
        await host.mounts.mount({ source: 'tmpfs', target: targetPath, fsType: 'tmpfs' });
        return {};
      },
      nodeUnpublishVolume: () => ({}), // says so, does nothing
    });
    const podPath = node.mounter.podPath(spec, 'pod-uid');
    try {
      await attach();
      await node.mounter.setUp(spec, context);
      await fs.writeFile(join(podPath, 'data'), 'precious');
      await assert.rejects(node.mounter.tearDown('pv-1', 'pod-uid', signal), /is still a mount point/);
      assert.equal(await fs.readFile(join(podPath, 'data'), 'utf8'), 'precious');
      assert.ok(await node.mounter.reconstruct('pv-1', 'pod-uid'), 'it can be tried again');
    } finally {
      if (await host.mounts.isMountPoint(podPath)) await host.mounts.unmount(podPath);
    }
  });
});
