import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { systemClock } from '../../src/base/index.ts';
import type { Client } from '../../src/client/index.ts';
import type { PersistentVolume, Stored } from '../../src/kube/index.ts';
import { mapBlockVolume, unmapBlockVolume } from '../../src/volume/block/index.ts';
import {
  specFromPersistentVolume,
  specFromVolume,
  type VolumePlugin,
  type VolumeSpec,
} from '../../src/volume/index.ts';
import { createIscsiPlugin } from '../../src/volume/plugins/iscsi/index.ts';
import { type IscsiTarget, iscsiDaemons, iscsiTarget, sessions } from './iscsi-target.ts';
import { host, MachineScratch, mountOptionsAt, notInMachine, podNamed, shell } from './support.ts';

type Attacher = NonNullable<VolumePlugin['attacher']>;

describe('iSCSI volumes of a real target', { skip: notInMachine }, () => {
  const { signal } = new AbortController();
  const scratch = new MachineScratch();
  let open: IscsiTarget;
  let guarded: IscsiTarget;
  let password = '';
  const client = {
    get: async () => ({
      data: {
        'node.session.auth.username': btoa(guarded.user),
        'node.session.auth.password': btoa(password),
      },
    }),
  } as unknown as Client;

  before(async () => {
    await iscsiDaemons(scratch);
    const { directory } = scratch;
    open = await iscsiTarget(directory, 1);
    guarded = await iscsiTarget(directory, 2, true);
  });

  const plugin = () =>
    createIscsiPlugin({ client, host, clock: systemClock, nodeRoot: join(scratch.directory, 'root') });
  const volume = (target: IscsiTarget, lun: number, more: object = {}) =>
    specFromVolume({
      name: `v${lun}`,
      iscsi: { targetPortal: target.portals[0], iqn: target.iqn, lun, fsType: 'ext4', ...more },
    });
  /** Tried again, as the volume manager does: an emulated machine needs more than the half minute that a disk is given. */
  const attach = async (attacher: Attacher, spec: VolumeSpec, uid: string) => {
    for (let tries = 1; ; tries++) {
      try {
        return await attacher.waitForAttach!(spec, 'n', '', signal, podNamed(uid));
      } catch (error) {
        if (tries === 10 || !/Timed out waiting for device/.test(String(error))) throw error;
      }
    }
  };
  /** What the volume manager does for a pod; resolves to where the pod finds its volume. */
  const mount = async (spec: VolumeSpec, uid: string) => {
    const { attacher, deviceMounter, mounter } = plugin();
    const context = { pod: podNamed(uid), signal };
    const device = await attach(attacher!, spec, uid);
    await deviceMounter!.mountDevice(spec, device, deviceMounter!.deviceMountPath(spec), context);
    await mounter.setUp(spec, context);
    return mounter.podPath(spec, uid);
  };
  const unmount = async (spec: VolumeSpec, uid: string) => {
    const { deviceMounter, mounter } = plugin();
    await mounter.tearDown(spec.name, uid, signal);
    await deviceMounter!.unmountDevice(deviceMounter!.deviceMountPath(spec), signal);
  };

  it('are found, logged in to, formatted, mounted, and logged out of with the last of their target', async () => {
    const [first, second] = [volume(open, 1), volume(open, 2)];
    const path = await mount(first, 'a');
    await writeFile(join(path, 'told'), 'by a');
    await mount(second, 'b');
    assert.deepEqual(await sessions(open.iqn), ['127.0.0.1:3260']);
    await unmount(first, 'a');
    assert.deepEqual(await sessions(open.iqn), ['127.0.0.1:3260'], 'the other disk is still in use');
    await unmount(second, 'b');
    assert.deepEqual(await sessions(open.iqn), []);
    assert.deepEqual(await mountOptionsAt(path), []);

    const again = await mount(first, 'c');
    assert.equal(await readFile(join(again, 'told'), 'utf8'), 'by a', 'nothing is formatted twice');
    await unmount(first, 'c');
    assert.deepEqual(await sessions(open.iqn), []);
  });

  it('cannot be written when the pod may only read', async () => {
    const spec = volume(open, 1, { readOnly: true });
    const path = await mount(spec, 'a');
    await assert.rejects(writeFile(join(path, 'x'), ''), { code: 'EROFS' });
    await unmount(spec, 'a');
  });

  it('are reached through all of their portals', async () => {
    const spec = volume(open, 1, { portals: [open.portals[1]] });
    const path = await mount(spec, 'a');
    assert.equal(await readFile(join(path, 'told'), 'utf8'), 'by a');
    assert.deepEqual(await sessions(open.iqn), ['127.0.0.1:3260', '127.0.0.2:3260']);
    await unmount(spec, 'a');
    assert.deepEqual(await sessions(open.iqn), []);
  });

  it('may have an initiator’s name of their own', async () => {
    const spec = volume(open, 1, { initiatorName: 'iqn.2026-01.dev.stowage:somebody' });
    await mount(spec, 'a');
    assert.match((await host.processes.exec('iscsiadm', ['-m', 'iface'])).stdout, /dev\.stowage:somebody/);
    await unmount(spec, 'a');
    assert.doesNotMatch((await host.processes.exec('iscsiadm', ['-m', 'iface'])).stdout, /somebody/);
  });

  it('are logged in to by CHAP, and not without the right password', async () => {
    const spec = volume(guarded, 1, { chapAuthSession: true, secretRef: { name: 'chap' } });
    password = 'something-else';
    await assert.rejects(mount(spec, 'a'), (error: Error) => {
      assert.match(error.message, /authorization failure/);
      assert.doesNotMatch(error.message, /something-else/);
      return true;
    });
    assert.deepEqual(await sessions(guarded.iqn), []);
    ({ password } = guarded);
    await writeFile(join(await mount(spec, 'a'), 'x'), '');
    await unmount(spec, 'a');
    assert.deepEqual(await sessions(guarded.iqn), []);
  });

  it('are given to a pod as a device, and known again by the next node agent', async () => {
    const persistentVolume = {
      metadata: { name: 'raw' },
      spec: { iscsi: { targetPortal: open.portals[0], iqn: open.iqn, lun: 2 }, volumeMode: 'Block' },
    };
    const spec = specFromPersistentVolume(persistentVolume as unknown as Stored<PersistentVolume>, false);
    const { attacher, blockMapper } = plugin();
    const placeOf = (one: VolumeSpec) => ({
      globalMapPath: blockMapper!.globalMapPath(one),
      podMapDirectory: blockMapper!.podDeviceMapDirectory('a'),
      name: one.name,
      podUid: 'a',
    });
    const device = await attach(attacher!, spec, 'a');
    const place = placeOf(spec);
    await mapBlockVolume(host, await host.files.realPath(device), place, false);
    const link = join(place.podMapDirectory, 'raw');
    await shell(`printf 'raw bytes' | dd of=${link} conv=fsync status=none`);
    assert.equal(await shell(`head -c 9 ${link}`), 'raw bytes');

    const known = await plugin().blockMapper!.reconstruct('raw', 'a');
    assert.equal(placeOf(known!.spec).globalMapPath, place.globalMapPath);
    await unmapBlockVolume(host, placeOf(known!.spec));
    assert.deepEqual(await sessions(open.iqn), ['127.0.0.1:3260']);
    await plugin().blockMapper!.tearDownDevice!('raw', signal, place.globalMapPath);
    assert.deepEqual(await sessions(open.iqn), []);
    assert.equal(await shell(`head -c 9 ${join(scratch.directory, 'disk-1-2')}`), 'raw bytes');
  });
});
