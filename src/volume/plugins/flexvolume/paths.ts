import { join } from 'node:path';
import type { Files } from '../../../host/index.ts';
import { pluginDirectory, podVolumeDirectory } from '../../paths.ts';

const FLEX_VOLUME_PLUGIN = 'kubernetes.io/flexvolume';

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
