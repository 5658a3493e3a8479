import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../../base/index.ts';
import type { Pod, Stored } from '../../../kube/index.ts';
import { specFromVolume } from '../../spec.ts';
import { type Answer, RecordedHost } from '../recorded-host.test-support.ts';
import { createFcPlugin } from './fc.ts';

const { signal } = new AbortController();
const pod = { metadata: { name: 'p', namespace: 'ns', uid: 'u-1' } } as unknown as Stored<Pod>;
const context = { pod, signal };
const volume = (fc: object) => specFromVolume({ name: 'v', fc });
const byPort = volume({ targetWWNs: ['5001', '5002'], lun: 0, fsType: 'xfs' });
const byId = volume({ wwids: ['3600 508b'] });
const GLOBAL = '/root/plugins/kubernetes.io/fc/5001-5002-lun-0';

function start(answers: Readonly<Record<string, Answer>> = {}) {
  const recorded = new RecordedHost(answers);
  const clock = new FakeClock();
  const plugin = createFcPlugin({ host: recorded.host, clock, nodeRoot: '/root' });
  const link = (name: string, device: string) => {
    recorded.links.set(name, device);
    recorded.files.set(device, '');
  };
  const find = (spec: typeof byPort) => plugin.attacher!.waitForAttach(spec, 'n', '', signal);
  return { recorded, clock, plugin, link, find };
}

describe('Fibre Channel volumes', () => {
  it('are told apart by their ports and LUN, or by their identifiers', () => {
    const { plugin } = start();
    assert.equal(plugin.volumeName(byPort), '[5001 5002]:0');
    assert.equal(plugin.volumeName(byId), '[3600 508b]');
    assert.equal(plugin.deviceMounter!.deviceMountPath(byPort), GLOBAL);
    assert.equal(plugin.deviceMounter!.deviceMountPath(byId), '/root/plugins/kubernetes.io/fc/3600_508b');
    assert.throws(
      () => plugin.deviceMounter!.deviceMountPath(volume({ targetWWNs: ['5001'] })),
      /^Error: fc: no fc disk information found. failed to make a new mounter$/,
    );
  });

  it('are found by their multipath device at once', async () => {
    const { recorded, link, find } = start();
    link('/dev/disk/by-path/pci-0000:41:00.0-fc-0x5002-lun-0', '/dev/sdb');
    recorded.files.set('/sys/block/dm-3/slaves/sdb', '');
    recorded.files.set('/dev/dm-3', '');
    assert.equal(await find(byPort), '/dev/dm-3');
    assert.deepEqual(recorded.done, [], 'nothing was scanned');
  });

  it('are found as a disk after all buses were scanned', async () => {
    const { recorded, link, find } = start();
    link('/dev/disk/by-id/scsi-3600_508b', '/dev/sdc');
    for (const host of ['host0', 'host1']) recorded.files.set(`/sys/class/scsi_host/${host}/scan`, '');
    assert.equal(await find(byId), '/dev/sdc');
    assert.deepEqual(recorded.done, [
      'write /sys/class/scsi_host/host0/scan - - -',
      'write /sys/class/scsi_host/host1/scan - - -',
    ]);
    const elsewhere = start();
    elsewhere.link('/dev/disk/by-path/fc-0x5001-lun-10', '/dev/sdd');
    await assert.rejects(elsewhere.find(byPort), /^Error: no fc disk found$/);
  });

  it('are formatted, mounted once, bound into pods, and known again', async () => {
    const { recorded, plugin } = start();
    for (let i = 0; i < 2; i++) {
      await plugin.deviceMounter!.mountDevice(byPort, '/dev/dm-3', GLOBAL, context);
      await plugin.mounter.setUp(byPort, context);
    }
    const path = '/root/pods/u-1/volumes/kubernetes.io~fc/v';
    assert.deepEqual(recorded.done, [
      'mkfs.xfs /dev/dm-3',
      `mount xfs /dev/dm-3 ${GLOBAL} [defaults]`,
      `mount  ${GLOBAL} ${path} [bind]`,
    ]);
    // What the kernel says of a bind mount: the same device.
    recorded.table[1] = { ...recorded.table[1]!, device: recorded.table[0]!.device };
    const known = await plugin.mounter.reconstruct('v', 'u-1');
    assert.equal(known?.volumeName, '[5001 5002]:0');
    assert.deepEqual(
      (await plugin.deviceMounter!.reconstructDevices!()).map(({ volumeName }) => volumeName),
      ['[5001 5002]:0'],
    );
  });

  it('are taken away with all their paths once unmounted, though the device is busy at first', async () => {
    let busy = 2;
    const flush = () => (busy-- > 0 ? { exitCode: 1, stdout: 'map in use' } : {});
    const { recorded, plugin, clock } = start({ 'multipath -f': flush });
    for (const slave of ['sdb', 'sdc']) recorded.files.set(`/sys/block/dm-3/slaves/${slave}`, '');
    await plugin.deviceMounter!.mountDevice(byPort, '/dev/dm-3', GLOBAL, context);
    recorded.done.length = 0;
    const gone = plugin.deviceMounter!.unmountDevice(GLOBAL, signal);
    await clock.advance(10_000);
    await clock.advance(10_000);
    await gone;
    assert.deepEqual(recorded.done, [
      `umount ${GLOBAL}`,
      `rmdir ${GLOBAL}`,
      'multipath -f /dev/dm-3',
      'multipath -f /dev/dm-3',
      'multipath -f /dev/dm-3',
      'blockdev --flushbufs /dev/sdb',
      'write /sys/block/sdb/device/delete 1',
      'blockdev --flushbufs /dev/sdc',
      'write /sys/block/sdc/device/delete 1',
    ]);
  });

  it('that stay busy for two minutes are an error', async () => {
    const { plugin, clock } = start({ 'multipath -f': { exitCode: 1, stdout: 'map in use' } });
    await plugin.deviceMounter!.mountDevice(byPort, '/dev/dm-3', GLOBAL, context);
    const failed = assert.rejects(
      plugin.deviceMounter!.unmountDevice(GLOBAL, signal),
      /^Error: fc: failed to detach disk: \/dev\/dm-3: failed to flush multipath device \/dev\/dm-3: exit status 1\nmap in use$/,
    );
    for (let i = 0; i < 12; i++) await clock.advance(10_000);
    await failed;
  });

  it('are given to pods as devices, known again, and taken away by the name of their directory', async () => {
    const { recorded, plugin, link } = start();
    const mapper = plugin.blockMapper!;
    const path = mapper.globalMapPath(byPort);
    assert.equal(path, '/root/plugins/kubernetes.io/fc/volumeDevices/5001-5002-lun-0');
    assert.equal(mapper.podDeviceMapDirectory('u-1'), '/root/pods/u-1/volumeDevices/kubernetes.io~fc');
    recorded.files.set(`${path}/u-1`, '');
    recorded.files.set(`${path}/../other-lun-1/u-1`, '');
    recorded.links.set('/root/pods/u-1/volumeDevices/kubernetes.io~fc/v', '/dev/loop3');
    recorded.loops.push({ device: '/dev/loop3', backingFile: `${path}/u-1`, readOnly: true, deleted: false });
    const known = await mapper.reconstruct('v', 'u-1');
    assert.equal(known?.volumeName, '[5001 5002]:0');
    assert.equal(known?.spec.persistentVolume?.spec?.volumeMode, 'Block');
    assert.equal(await mapper.reconstruct('w', 'u-1'), undefined);

    await assert.rejects(mapper.tearDownDevice!('v', signal, path), /failed to find corresponding device/);
    link('/dev/disk/by-path/fc-0x5002-lun-0', '/dev/sdd');
    await mapper.tearDownDevice!('v', signal, path);
    assert.deepEqual(recorded.done, [
      'blockdev --flushbufs /dev/sdd',
      'write /sys/block/sdd/device/delete 1',
    ]);
    await mapper.tearDownDevice!('v', signal, '/root/plugins/kubernetes.io/fc/volumeDevices/never-lun-0');
  });
});
