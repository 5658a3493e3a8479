import { join } from 'node:path';
import type { Host } from '../../../host/index.ts';
import { cleanupMountPoint, formatAndMount, isMountPoint, MountError } from '../../mount/index.ts';
import type { DeviceMounter, VolumeSpec } from '../../plugin.ts';
import { mountOptionsOf } from '../../spec.ts';
import { reconstructedLocal } from './reconstruct.ts';
import { kindOfLocal, mountsDirectory, sourceOf } from './source.ts';

const DEFAULT_FS_TYPE = 'ext4';

export interface LocalOptions {
  readonly host: Pick<Host, 'files' | 'mounts' | 'disks'>;
  readonly nodeRoot: string;
}

/**
 * Mounts a device once a node, at plugins/kubernetes.io/local-volume/mounts/NAME, making a file system on a blank one. Of
 * a directory nothing is mounted there. Source: pkg/volume/local.
 */
export function createLocalDeviceMounter({ host, nodeRoot }: LocalOptions): DeviceMounter {
  return {
    canMountDevice: () => true,
    deviceMountPath: (spec) => join(mountsDirectory(nodeRoot), spec.name),
    async mountDevice(spec, _devicePath, path) {
      if ((await kindOfLocal(host.files, spec)) === 'block') await mountDevice(host, spec, path);
    },
    unmountDevice: (path) => cleanupMountPoint(host, path),
    async reconstructDevices() {
      const directory = mountsDirectory(nodeRoot);
      if (!(await host.files.stat(directory))) return [];
      return (await host.files.list(directory)).map((name) => reconstructedLocal(name));
    },
  };
}

async function mountDevice(host: LocalOptions['host'], spec: VolumeSpec, target: string): Promise<void> {
  const { path: device, fsType = DEFAULT_FS_TYPE } = sourceOf(spec);
  if (await isMountPoint(host, target)) return;
  await host.files.makeDirectory(target, 0o750);
  const options = [...(spec.readOnly ? ['ro'] : []), ...mountOptionsOf(spec)];
  try {
    await formatAndMount(host, { device, target, fsType, options });
  } catch (error) {
    await host.files.removeDirectory(target).catch(() => undefined);
    if (!(error instanceof MountError)) throw error;
    const what = `local: failed to mount device ${device} at ${target} (fstype: ${fsType})`;
    throw new MountError(error.kind, `${what}, error ${error.message}`, { cause: error });
  }
}
