import { errorMessage } from '../../base/index.ts';
import type { Host, MountRequest } from '../../host/index.ts';
import { UncertainProgressError } from '../operation-error.ts';
import { isMountPoint } from './mount-point.ts';

type MountHost = Pick<Host, 'mounts' | 'files'>;

const DIRECTORY_MODE = 0o750;

/**
 * Mounts at a directory, which is made for it, unless something is mounted there already. What fails leaves no directory;
 * where it cannot be taken away, something may be mounted, and has to be undone later. Whether it was mounted now.
 */
export async function mountOnce(host: MountHost, path: string, mount: () => Promise<void>): Promise<boolean> {
  if (await isMountPoint(host, path)) return false;
  await host.files.makeDirectory(path, DIRECTORY_MODE);
  try {
    await mount();
    return true;
  } catch (error) {
    await host.files.removeDirectory(path).catch(() => {
      throw new UncertainProgressError(errorMessage(error), { cause: error });
    });
    throw error;
  }
}

/** As mountOnce; a mount that failed and is there all the same is unmounted. */
export async function mountOrUndo(host: MountHost, request: MountRequest): Promise<boolean> {
  const { target } = request;
  return await mountOnce(host, target, async () => {
    try {
      await host.mounts.mount(request);
    } catch (error) {
      // What cannot be unmounted keeps its directory, and is tried again.
      if (await isMountPoint(host, target)) await host.mounts.unmount(target).catch(() => undefined);
      throw error;
    }
  });
}
