import { TimeoutError } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { isMountPoint, mountTablePath } from './mount-point.ts';

export interface CleanupOptions {
  /** An unmount that takes longer is forced: the server of a network share may be gone. @default never */
  readonly forceAfterMs?: number;
}

/** Mounts stacked on one path before it is given up as hopeless. */
const MAX_STACKED = 16;

/**
 * Unmounts what is mounted at `path` and removes the directory, which must then be empty. Absent is fine. A path that
 * is still a mount point afterwards is never removed.
 * @throws Error if the path stays mounted or is not empty.
 * Source: CleanupMountPoint of mount-utils.
 */
export async function cleanupMountPoint(
  host: Pick<Host, 'mounts' | 'files'>,
  path: string,
  { forceAfterMs }: CleanupOptions = {},
): Promise<void> {
  for (let unmounted = 0; await isMountPoint(host, path); unmounted++) {
    if (unmounted >= MAX_STACKED) throw new Error(`failed to cleanup mount point ${path}: still mounted`);
    const target = await mountTablePath(host, path);
    // What came off after all, perhaps just when its time was over, is no failure (withSafeNotMountedBehavior).
    const unlessGone = async (error: unknown) => {
      if (await isMountPoint(host, path)) throw error;
    };
    await host.mounts.unmount(target, { timeoutMs: forceAfterMs }).catch((error: unknown) => {
      if (forceAfterMs === undefined || !(error instanceof TimeoutError)) return unlessGone(error);
      return host.mounts.unmount(target, { force: true }).catch(unlessGone);
    });
  }
  await host.files.removeDirectory(path);
}
