import { join } from 'node:path';
import type { Files, Host } from '../../../host/index.ts';
import { isMountPoint } from '../../mount/index.ts';
import { UncertainProgressError } from '../../operation-error.ts';
import { pluginDirectory, podVolumeDirectory } from '../../paths.ts';

const FLEX_VOLUME_PLUGIN = 'kubernetes.io/flexvolume';
const DIRECTORY_MODE = 0o750;

/** plugins/kubernetes.io/flexvolume/VENDOR/DRIVER/mounts */
export function deviceMountsDirectory(nodeRoot: string, driver: string): string {
  return join(pluginDirectory(nodeRoot, FLEX_VOLUME_PLUGIN), driver, 'mounts');
}

/** What expandvolume is told of the device's mount: the control plane knows no node's directories, as upstream's. */
export function relativeDeviceMountPath(driver: string, volumeName: string): string {
  return join(driver, 'mounts', volumeName);
}

/** pods/UID/volumes/VENDOR~DRIVER/NAME */
export function podMountPath(nodeRoot: string, podUid: string, driver: string, name: string): string {
  return podVolumeDirectory(nodeRoot, podUid, driver, name);
}

/** Whether there is something at the path; also a mount that no longer answers. */
export async function exists(files: Files, path: string): Promise<boolean> {
  try {
    return (await files.stat(path)) !== undefined;
  } catch {
    return true;
  }
}

/**
 * Mounts at a directory, which is made for it, unless something is mounted there already. What fails leaves none; where
 * the directory cannot be taken away, something may be mounted, and has to be undone.
 */
export async function mountOnce(
  host: Pick<Host, 'files' | 'mounts'>,
  path: string,
  mount: () => Promise<void>,
): Promise<boolean> {
  if (await isMountPoint(host, path)) return false;
  await host.files.makeDirectory(path, DIRECTORY_MODE);
  try {
    await mount();
    return true;
  } catch (error) {
    await host.files.removeDirectory(path).catch(() => {
      throw new UncertainProgressError((error as Error).message, { cause: error });
    });
    throw error;
  }
}
