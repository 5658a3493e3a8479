import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Client } from '../../../client/index.ts';
import type { PersistentVolume, Pod, Stored } from '../../../kube/index.ts';
import { UncertainProgressError } from '../../operation-error.ts';
import { type MountContext, uniqueVolumeName } from '../../plugin.ts';
import { specFromPersistentVolume, specFromVolume } from '../../spec.ts';
import { createFlexControlPlugin } from './expander.ts';
import { callsOf, directoryFor, driver, host, SUCCESS } from './flexvolume.test-support.ts';
import { createFlexVolumePlugin } from './plugin.ts';

const unprivileged = process.getuid?.() !== 0 && 'mounting needs root';
const { signal } = new AbortController();
const pod = {
  metadata: { name: 'p', namespace: 'ns', uid: 'u-1' },
  spec: { serviceAccountName: 'default' },
} as unknown as Stored<Pod>;
const context: MountContext = { pod, signal };
const spec = specFromVolume({ name: 'data', flexVolume: { driver: 'v/d', secretRef: { name: 's' } } });
const persistent = specFromPersistentVolume(
  {
    metadata: { name: 'pv-1' },
    spec: { flexVolume: { driver: 'v/d' } },
  } as unknown as Stored<PersistentVolume>,
  false,
);
const client = {
  get: async () => ({ type: 'v/d', data: { key: 'aHVzaA==' } }),
} as unknown as Client;

async function start(test: TestContext, commands: Readonly<Record<string, string>>) {
  const one = await driver(test, commands);
  const nodeRoot = directoryFor(test);
  const plugin = createFlexVolumePlugin(one, { client, host, nodeRoot });
  return { driver: one, nodeRoot, plugin, calls: () => callsOf(one.executable) };
}

const TMPFS = { mount: `mount -t tmpfs tmpfs "$1"; ${SUCCESS}`, unmount: `umount "$1"; ${SUCCESS}` };

describe('FlexVolumes that are mounted for pods', { skip: unprivileged }, () => {
  it('are mounted once, given to the pod’s group, and unmounted', async (test) => {
    const { plugin, nodeRoot, calls } = await start(test, TMPFS);
    const path = join(nodeRoot, 'pods/u-1/volumes/v~d/data');
    assert.equal(plugin.mounter.podPath(spec, 'u-1'), path);
    for (let i = 0; i < 2; i++) await plugin.mounter.setUp(spec, { ...context, fsGroup: 4711 });
    assert.equal((await fs.stat(path)).gid, 4711);
    assert.deepEqual(await plugin.mounter.reconstruct('data', 'u-1'), {
      spec: specFromVolume({ name: 'data', flexVolume: { driver: 'v/d' } }),
      volumeName: 'data',
    });
    for (let i = 0; i < 2; i++) await plugin.mounter.tearDown('data', 'u-1', signal);
    assert.equal(await host.files.stat(path), undefined);
    const json =
      '{"kubernetes.io/fsType":"","kubernetes.io/mounterArgs.FsGroup":"4711","kubernetes.io/pod.name":"p",' +
      '"kubernetes.io/pod.namespace":"ns","kubernetes.io/pod.uid":"u-1","kubernetes.io/pvOrVolumeName":"data",' +
      '"kubernetes.io/readwrite":"rw","kubernetes.io/secret/key":"aHVzaA==","kubernetes.io/serviceAccount.name":"default"}';
    assert.deepEqual(await calls(), [`mount ${path} ${json}`, `unmount ${path}`]);
  });

  it('of a driver without fsGroup, or read-only ones, keep their group', async (test) => {
    const { plugin, driver } = await start(test, {
      ...TMPFS,
      init: `echo '{"status":"Success","capabilities":{"fsGroup":false}}'`,
    });
    await driver.init({ signal });
    await plugin.mounter.setUp(spec, { ...context, fsGroup: 4711 });
    assert.equal((await fs.stat(plugin.mounter.podPath(spec, 'u-1'))).gid, 0);
  });

  it('are measured only when their driver says that they can be', async (test) => {
    const { plugin, driver } = await start(test, {
      ...TMPFS,
      init: `echo '{"status":"Success","capabilities":{"supportsMetrics":true}}'`,
    });
    await plugin.mounter.setUp(spec, context);
    const request = { spec, podUid: 'u-1', path: plugin.mounter.podPath(spec, 'u-1'), signal };
    assert.equal(await plugin.stats!(request), undefined);
    await driver.init({ signal });
    assert.equal((await plugin.stats!(request))?.used, 0);
    await plugin.mounter.tearDown('data', 'u-1', signal);
  });

  it('leave nothing when the driver fails', async (test) => {
    const { plugin } = await start(test, { mount: `echo '{"status":"Failure","message":"no"}'` });
    const path = plugin.mounter.podPath(spec, 'u-1');
    await assert.rejects(
      plugin.mounter.setUp(spec, context),
      /^Error: mount command failed, status: Failure/,
    );
    assert.equal(await host.files.stat(path), undefined);
  });

  it('are to be undone when a failed driver has mounted all the same', async (test) => {
    const fails = `mount -t tmpfs tmpfs "$1"; echo '{"status":"Failure","message":"no"}'`;
    const { plugin } = await start(test, { mount: fails });
    await assert.rejects(plugin.mounter.setUp(spec, context), UncertainProgressError);
    await plugin.mounter.tearDown('data', 'u-1', signal);
    assert.equal(await host.files.stat(plugin.mounter.podPath(spec, 'u-1')), undefined);
  });

  it('are bind mounts of the device’s where the driver has no mount', async (test) => {
    const { plugin, nodeRoot, calls } = await start(test, {
      mountdevice: `mount -t tmpfs tmpfs "$1"; ${SUCCESS}`,
    });
    const global = join(nodeRoot, 'plugins/kubernetes.io/flexvolume/v/d/mounts/pv-1');
    assert.equal(plugin.deviceMounter!.deviceMountPath(persistent), global);
    await plugin.deviceMounter!.mountDevice(persistent, '/dev/x', global, context);
    await plugin.deviceMounter!.mountDevice(persistent, '/dev/x', global, context);
    await fs.writeFile(join(global, 'file'), 'x');
    await plugin.mounter.setUp(persistent, context);
    assert.equal(await fs.readFile(join(plugin.mounter.podPath(persistent, 'u-1'), 'file'), 'utf8'), 'x');
    assert.deepEqual(
      (await plugin.deviceMounter!.reconstructDevices!()).map(({ spec }) => uniqueVolumeName(plugin, spec)),
      ['v/d/pv-1'],
    );
    await plugin.mounter.tearDown('pv-1', 'u-1', signal);
    await plugin.deviceMounter!.unmountDevice(global, signal);
    await plugin.deviceMounter!.unmountDevice(global, signal);
    assert.equal(await host.files.stat(global), undefined);
    assert.deepEqual(
      (await calls()).map((call) => call.split(' ')[0]),
      ['getvolumename', 'mountdevice', 'mount', 'unmount', 'unmountdevice'],
    );
  });

  it('never lose data: a directory that the driver has left full stays', async (test) => {
    const { plugin } = await start(test, { mount: `echo precious >"$1/file"; ${SUCCESS}`, unmount: SUCCESS });
    await plugin.mounter.setUp(spec, context);
    await assert.rejects(plugin.mounter.tearDown('data', 'u-1', signal), { code: 'ENOTEMPTY' });
    const file = join(plugin.mounter.podPath(spec, 'u-1'), 'file');
    assert.equal(await fs.readFile(file, 'utf8'), 'precious\n');
    await fs.rm(dirname(file), { recursive: true });
  });
});

describe('FlexVolumes that are attached', () => {
  const json =
    '{"kubernetes.io/fsType":"","kubernetes.io/pvOrVolumeName":"pv-1","kubernetes.io/readwrite":"rw"}';

  it('by the driver, call for call', async (test) => {
    const { plugin, calls } = await start(test, {
      getvolumename: SUCCESS,
      attach: `echo '{"status":"Success","device":"/dev/x"}'`,
      waitforattach: `echo '{"status":"Success","device":"'$1'1"}'`,
      isattached: `echo '{"status":"Success","attached":false}'`,
      detach: SUCCESS,
    });
    const attacher = plugin.attacher!;
    assert.equal(await attacher.attach(persistent, 'n', signal), '/dev/x');
    assert.equal(await attacher.waitForAttach(persistent, 'n', '/dev/x', signal), '/dev/x1');
    assert.equal(await attacher.isAttached!(persistent, 'n', signal), false);
    await attacher.detach('pv-1', 'n', signal);
    assert.deepEqual(await calls(), [
      `getvolumename ${json}`,
      `attach ${json} n`,
      `waitforattach /dev/x ${json}`,
      `isattached ${json} n`,
      'detach pv-1 n',
    ]);
  });

  it('by nobody, where the driver has none of it', async (test) => {
    const { plugin } = await start(test, {});
    const attacher = plugin.attacher!;
    assert.equal(attacher.canAttach(persistent), true, 'until it says otherwise');
    assert.equal(await attacher.attach(persistent, 'n', signal), '');
    assert.equal(await attacher.waitForAttach(persistent, 'n', '/dev/x', signal), '/dev/x');
    assert.equal(await attacher.isAttached!(persistent, 'n', signal), true);
    await attacher.detach('pv-1', 'n', signal);
  });

  it('not at all, when a driver says so at init', async (test) => {
    const { plugin, driver } = await start(test, {
      init: `echo '{"status":"Success","capabilities":{"attach":false}}'`,
    });
    await driver.init({ signal });
    assert.equal(plugin.attacher!.canAttach(spec), false);
    assert.equal(plugin.deviceMounter!.canMountDevice(spec), false);
  });

  it('not when the driver refuses the volume’s name', async (test) => {
    const { plugin, calls } = await start(test, {
      getvolumename: `echo '{"status":"Failure","message":"no volumeID"}'`,
      attach: SUCCESS,
    });
    await assert.rejects(plugin.attacher!.attach(persistent, 'n', signal), /reason: no volumeID$/);
    assert.equal((await calls()).length, 1);
  });
});

describe('FlexVolumes that grow', () => {
  it('by the driver, in bytes', async (test) => {
    const { plugin, driver, calls } = await start(test, { expandvolume: SUCCESS, expandfs: SUCCESS });
    const control = createFlexControlPlugin(driver);
    assert.equal(await control.expander!.expand(persistent, '2Gi', '1Gi', signal), '2Gi');
    await plugin.nodeExpander!.expand({
      spec: persistent,
      devicePath: '/dev/x',
      mountPath: '/pod',
      deviceMountPath: '/global',
      newSize: '2Gi',
      oldSize: '1Gi',
      signal,
    });
    const json =
      '{"kubernetes.io/fsType":"","kubernetes.io/pvOrVolumeName":"pv-1","kubernetes.io/readwrite":"rw"}';
    assert.deepEqual((await calls()).slice(1), [
      `expandvolume ${json} v/d/mounts/pv-1 2147483648 1073741824`,
      `expandfs ${json} /dev/x /pod 2147483648 1073741824`,
    ]);
  });

  it('are thought to have grown where the driver does not; the file system is grown by us', async (test) => {
    const { driver: one } = await start(test, {});
    assert.equal(
      await createFlexControlPlugin(one).expander!.expand(persistent, '2Gi', '1Gi', signal),
      '2Gi',
    );
    const grown: string[] = [];
    const disks = {
      signature: async () => ({ type: 'ext4' }),
      grow: async (...args: string[]) => void grown.push(args.join(' ')),
    };
    const plugin = createFlexVolumePlugin(one, {
      client,
      host: { ...host, disks: { ...host.disks, ...disks } },
      nodeRoot: '/nowhere',
    });
    const at = { devicePath: '/dev/x', mountPath: '/pod', deviceMountPath: '' };
    const sizes = { newSize: '2Gi', oldSize: '1Gi' };
    await plugin.nodeExpander!.expand({ spec: persistent, ...at, ...sizes, signal });
    assert.deepEqual(grown, ['/dev/x /pod ext4']);
    await assert.rejects(
      plugin.nodeExpander!.expand({ spec, ...at, ...sizes, signal }),
      /^Error: PersistentVolume not found for spec: data$/,
    );
  });
});
