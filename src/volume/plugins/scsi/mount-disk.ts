import type { Host } from '../../../host/index.ts';
import { formatAndMount, isMountPoint } from '../../mount/index.ts';
import type { VolumeSpec } from '../../plugin.ts';
import { joinMountOptions, mountOptionsOf } from '../../spec.ts';

const DIRECTORY_MODE = 0o750;

/** Mounts a disk once a node, making a file system on a blank one (MountDevice of pkg/volume/fc and iscsi). */
export async function mountDisk(
  host: Pick<Host, 'files' | 'mounts' | 'disks'>,
  spec: VolumeSpec,
  disk: {
    readonly device: string;
    readonly target: string;
    readonly fsType?: string;
    readonly readOnly: boolean;
  },
): Promise<void> {
  const { device, target, fsType, readOnly } = disk;
  if (await isMountPoint(host, target)) return;
  await host.files.makeDirectory(target, DIRECTORY_MODE);
  const options = joinMountOptions(mountOptionsOf(spec), readOnly ? ['ro'] : []);
  try {
    await formatAndMount(host, { device, target, fsType: fsType || undefined, options });
  } catch (error) {
    await host.files.removeDirectory(target).catch(() => undefined);
    throw error;
  }
}
