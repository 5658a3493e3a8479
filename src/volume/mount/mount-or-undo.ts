import type { Host, MountRequest } from '../../host/index.ts';
import { UncertainProgressError } from '../operation-error.ts';
import { isMountPoint } from './mount-point.ts';

const DIRECTORY_MODE = 0o750;

/**
 * Mounts at a directory, which is made for it, unless something is mounted there already. What fails leaves neither
 * mount nor directory; where that cannot be, the mount has to be undone later. Whether it was mounted now.
 */
export async function mountOrUndo(
  host: Pick<Host, 'mounts' | 'files'>,
  request: MountRequest,
): Promise<boolean> {
  const { target } = request;
  if (await isMountPoint(host, target)) return false;
  await host.files.makeDirectory(target, DIRECTORY_MODE);
  try {
    await host.mounts.mount(request);
    return true;
  } catch (error) {
    try {
      if (await isMountPoint(host, target)) await host.mounts.unmount(target);
      await host.files.removeDirectory(target);
    } catch {
      throw new UncertainProgressError((error as Error).message, { cause: error });
    }
    throw error;
  }
}
