import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../../base/index.ts';
import { createLinuxHost } from '../../../host/index.ts';
import type { PersistentVolume, Pod, Stored } from '../../../kube/index.ts';
import { type MountContext, specFromPersistentVolume, type VolumeSpec } from '../../index.ts';
import { hasMountsBelow, isMountPoint } from '../../mount/index.ts';
import { createLocalPlugin } from './index.ts';

const host = createLinuxHost({ clock: systemClock });
const skip = process.getuid?.() !== 0 && 'mounting needs root';
const { signal } = new AbortController();
const podOf = (uid: string) =>
  ({
    metadata: { name: uid, namespace: 'default', uid },
    spec: { containers: [] },
  }) as unknown as Stored<Pod>;

async function start(test: TestContext) {
  const directory = await fs.realpath(await fs.mkdtemp(join(tmpdir(), 'local-')));
  const nodeRoot = join(directory, 'kubelet');
  const data = join(directory, 'data');
  await fs.mkdir(data);
  const told: string[] = [];
  const plugin = createLocalPlugin({
    host,
    nodeRoot,
    recorder: { event: (_object, type, reason, message) => void told.push(`${type} ${reason} ${message}`) },
  });
  test.after(async () => {
    const table = await host.mounts.list();
    for (const { target } of table.filter((entry) => entry.target.startsWith(directory)).reverse())
      await host.mounts.unmount(target);
    await host.files.removeTree(directory);
  });
  const specOf = (local: { path: string; fsType?: string }, readOnly = false): VolumeSpec =>
    specFromPersistentVolume(
      { metadata: { name: 'disk' }, spec: { local } } as unknown as Stored<PersistentVolume>,
      readOnly,
    );
  const { deviceMounter } = plugin;
  const global = join(nodeRoot, 'plugins/kubernetes.io/local-volume/mounts/disk');
  const up = async (spec: VolumeSpec, uid: string, more: Partial<MountContext> = {}) => {
    const context = { pod: podOf(uid), signal, ...more };
    await deviceMounter!.mountDevice(spec, '', deviceMounter!.deviceMountPath(spec), context);
    await plugin.mounter.setUp(spec, context);
    return plugin.mounter.podPath(spec, uid);
  };
  const down = (uid: string) => plugin.mounter.tearDown('disk', uid, signal);
  /** A blank disk of 16 MiB. */
  const disk = async () => {
    const image = join(directory, 'image');
    await host.files.allocate(image, 16n << 20n);
    const device = await host.loops.attach(image);
    test.after(() => host.loops.detach(device));
    return device;
  };
  return { directory, data, plugin, specOf, up, down, disk, told, global, nodeRoot };
}

describe('local volumes', () => {
  it('are PersistentVolumes only, each with a name of its own', async (test) => {
    const { plugin, specOf, data } = await start(test);
    const spec = specOf({ path: data });
    assert.ok(plugin.canSupport(spec));
    assert.ok(
      !plugin.canSupport({ name: 'v', volume: { name: 'v', hostPath: { path: '/' } }, readOnly: false }),
    );
    assert.equal(plugin.volumeName(spec), 'disk');
  });

  it('are checked before anything is done', async (test) => {
    const { directory, plugin, specOf } = await start(test);
    await fs.writeFile(join(directory, 'file'), '');
    const refusals: [string, string][] = [
      [join(directory, 'absent'), `path "${directory}/absent" does not exist`],
      [join(directory, 'file'), 'only directory and block device are supported'],
      ['', 'local volume source is nil or local path is not set'],
    ];
    for (const [path, message] of refusals) {
      await assert.rejects(plugin.mounter.check!(specOf({ path })), { message });
    }
  });

  it('of a directory show it to the pod, in its place among the pod’s volumes', { skip }, async (test) => {
    const { data, specOf, up, down, nodeRoot, global, plugin } = await start(test);
    const path = await up(specOf({ path: data }), 'a');
    assert.equal(path, join(nodeRoot, 'pods/a/volumes/kubernetes.io~local-volume/disk'));
    await fs.writeFile(join(path, 'file'), 'kept');
    assert.equal(await isMountPoint(host, global), false);
    await up(specOf({ path: data }), 'a');
    const mounts = (await host.mounts.list()).filter((entry) => entry.target === path);
    assert.equal(mounts.length, 1, 'mounted once');
    assert.equal((await plugin.mounter.reconstruct('disk', 'a'))?.volumeName, 'disk');
    await down('a');
    await down('a');
    await plugin.deviceMounter!.unmountDevice(global, signal);
    assert.equal(await plugin.mounter.reconstruct('disk', 'a'), undefined);
    assert.equal(await fs.readFile(join(data, 'file'), 'utf8'), 'kept');
  });

  it('through a link are what the link leads to', { skip }, async (test) => {
    const { directory, data, specOf, up } = await start(test);
    await fs.writeFile(join(data, 'file'), 'here');
    await fs.symlink(data, join(directory, 'link'));
    const path = await up(specOf({ path: join(directory, 'link') }), 'a');
    assert.equal(await fs.readFile(join(path, 'file'), 'utf8'), 'here');
  });

  it('that are asked for read-only cannot be written', { skip }, async (test) => {
    const { data, specOf, up } = await start(test);
    const path = await up(specOf({ path: data }, true), 'a', { fsGroup: 4242 });
    await assert.rejects(fs.writeFile(join(path, 'file'), ''), { code: 'EROFS' });
    assert.notEqual((await fs.stat(data)).gid, 4242);
  });

  it('belong to the group of their first pod; others are told', { skip }, async (test) => {
    const { data, specOf, up, down, told } = await start(test);
    const spec = specOf({ path: data });
    await up(spec, 'a', { fsGroup: 4242 });
    assert.equal((await fs.stat(data)).gid, 4242);
    await up(spec, 'b', { fsGroup: 4242 });
    assert.deepEqual(told, []);
    await up(spec, 'c', { fsGroup: 77 });
    assert.deepEqual(told, [
      'Warning AlreadyMountedVolume The requested fsGroup is 77, but the volume disk has GID 4242. The volume may not be shareable.',
    ]);
    assert.equal((await fs.stat(data)).gid, 4242);
    for (const uid of ['a', 'b', 'c']) await down(uid);
    await up(spec, 'd', { fsGroup: 77 });
    assert.equal((await fs.stat(data)).gid, 77, 'nobody used it any more');
  });

  it('on a disk are formatted once, mounted once a node, and keep their data', { skip }, async (test) => {
    const { specOf, up, down, disk, global, plugin, nodeRoot } = await start(test);
    const spec = specOf({ path: await disk(), fsType: 'ext4' });
    const first = await up(spec, 'a');
    await fs.writeFile(join(first, 'file'), 'kept');
    const second = await up(spec, 'b');
    assert.equal(await fs.readFile(join(second, 'file'), 'utf8'), 'kept');
    assert.ok(await isMountPoint(host, global));
    const found = await plugin.deviceMounter!.reconstructDevices!();
    assert.deepEqual(
      found.map(({ volumeName }) => volumeName),
      ['disk'],
    );
    for (const uid of ['a', 'b']) await down(uid);
    await plugin.deviceMounter!.unmountDevice(global, signal);
    assert.equal(await hasMountsBelow(host, nodeRoot), false);
    assert.deepEqual(await plugin.deviceMounter!.reconstructDevices!(), []);
    const again = await up(spec, 'c');
    assert.equal(await fs.readFile(join(again, 'file'), 'utf8'), 'kept');
  });

  it('on a disk that holds something else are refused, and the disk is left as it is', {
    skip,
  }, async (test) => {
    const { specOf, up, disk, global } = await start(test);
    const device = await disk();
    await host.disks.format(device, 'ext4');
    await assert.rejects(up(specOf({ path: device, fsType: 'xfs' }), 'a'), {
      kind: 'FilesystemMismatch',
      message: new RegExp(`^local: failed to mount device ${device} at ${global} \\(fstype: xfs\\), error `),
    });
    assert.equal((await host.disks.signature(device))?.type, 'ext4');
    assert.equal(await host.files.stat(global), undefined);
  });
});
