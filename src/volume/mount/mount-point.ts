import { basename, dirname, join } from 'node:path';
import type { Host } from '../../host/index.ts';

type MountHost = Pick<Host, 'mounts' | 'files'>;

/**
 * A path as the mount table names it: links on the way to it resolved, its last part left alone. That is not looked
 * at, for it may be a mount that no longer answers.
 */
export async function mountTablePath(host: Pick<Host, 'files'>, path: string): Promise<string> {
  try {
    return join(await host.files.realPath(dirname(path)), basename(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return path;
    throw error;
  }
}

/** Whether something is mounted at exactly this path, whatever links lead to it. */
export async function isMountPoint(host: MountHost, path: string): Promise<boolean> {
  return await host.mounts.isMountPoint(await mountTablePath(host, path));
}

/**
 * Whether another file system begins at this directory. As isMountPoint of what is no bind mount, at a fraction of its
 * price where there are many mounts (IsLikelyNotMountPoint).
 */
export async function beginsFileSystem(host: Pick<Host, 'files'>, path: string): Promise<boolean> {
  const [own, parent] = await Promise.all([host.files.stat(path), host.files.stat(dirname(path))]);
  return own !== undefined && parent !== undefined && own.device !== parent.device;
}

/** Whether anything is mounted at or below a path. */
export async function hasMountsBelow(host: MountHost, path: string): Promise<boolean> {
  const at = await mountTablePath(host, path);
  const table = await host.mounts.list();
  return table.some((entry) => entry.target === at || entry.target.startsWith(`${at}/`));
}

/**
 * Other mounts of what is mounted at `path`, but for those below it: as long as there are some, it must not be undone
 * (GetMountRefs). The same file system and the same directory of it, seen elsewhere.
 */
export async function mountReferences(host: MountHost, path: string): Promise<readonly string[]> {
  const at = await mountTablePath(host, path);
  const table = await host.mounts.list();
  const here = table.findLast((entry) => entry.target === at);
  if (!here) return [];
  return table
    .filter((entry) => entry.device === here.device && entry.root === here.root)
    .map((entry) => entry.target)
    .filter((target) => target !== at && !target.startsWith(`${at}/`));
}
