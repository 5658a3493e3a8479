import { join } from 'node:path';
import type { Host } from '../../../host/index.ts';
import { cleanupMountPoint, formatAndMount, isMountPoint, mountOnce } from '../../mount/index.ts';
import type { DeviceMounter, ReconstructedVolume } from '../../plugin.ts';
import type { FlexDriver } from './driver.ts';
import { driverOptions } from './options.ts';
import { deviceMountsDirectory, exists } from './paths.ts';
import { reconstructedFlexVolume } from './reconstruct.ts';
import { flexSource } from './source.ts';
import { checkVolumeName } from './volume-name.ts';

/** Mounts devices once a node, by the driver or, where it does not, by ourselves. Source: attacher.go, detacher.go. */
export function createFlexDeviceMounter(driver: FlexDriver, host: Host, nodeRoot: string): DeviceMounter {
  const directory = deviceMountsDirectory(nodeRoot, driver.name);
  return {
    canMountDevice: () => driver.capabilities.attach,
    deviceMountPath: (spec) => join(directory, spec.name),

    async mountDevice(spec, devicePath, path, { signal }) {
      await checkVolumeName(driver, spec, signal);
      await mountOnce(host, path, async () => {
        const done = await driver.call('mountdevice', [path, devicePath, driverOptions(spec)], { signal });
        // A driver that does not attach names no device, and may do all in mount.
        if (done || devicePath === '') return;
        const { fsType, readOnly } = flexSource(spec);
        await formatAndMount(host, {
          device: devicePath,
          target: path,
          fsType: fsType || undefined,
          options: [readOnly ? 'ro' : 'rw'],
        });
      });
    },

    async unmountDevice(path, signal) {
      if (!(await exists(host.files, path))) return;
      if (await isMountPoint(host, path)) {
        const done = await driver.call('unmountdevice', [path], { signal });
        if (!done) await cleanupMountPoint(host, path);
      }
      await host.files.removeDirectory(path);
    },

    async reconstructDevices() {
      if (!(await exists(host.files, directory))) return [];
      const names = await host.files.list(directory);
      return names.map((name): ReconstructedVolume => reconstructedFlexVolume(driver.name, name));
    },
  };
}
