import { join } from 'node:path';
import type { Files } from '../host/index.ts';
import type { VolumeStats } from './plugin.ts';
import { checkDepth, isReplaced } from './tree-walk.ts';

/** How full a file system is. Upstream: MetricsStatFS. */
export async function fileSystemStats(files: Pick<Files, 'statFs'>, path: string): Promise<VolumeStats> {
  const { totalBytes, freeBytes, availableBytes, inodes, freeInodes } = await files.statFs(path);
  return {
    capacity: Number(totalBytes),
    available: Number(availableBytes),
    used: Number(totalBytes - freeBytes),
    inodes: Number(inodes),
    inodesFree: Number(freeInodes),
    inodesUsed: Number(inodes - freeInodes),
  };
}

/** The same of a directory that shares its file system with others: used is what lies in it. Upstream: MetricsDu. */
export async function directoryStats(
  files: Pick<Files, 'statFs' | 'stat' | 'list' | 'openWithin'>,
  path: string,
): Promise<VolumeStats> {
  const { bytes, inodes } = await diskUsage(files, path);
  return { ...(await fileSystemStats(files, path)), used: bytes, inodesUsed: inodes };
}

/**
 * What a directory and all below it take on the disk. A file with several names counts once; what is mounted below does
 * not count, nor what goes meanwhile. Follows no links: directories are entered by handles, as those who write there may
 * put a link in the place of one at any moment. Source: DiskUsage of pkg/volume/util/fs.
 */
export async function diskUsage(
  files: Pick<Files, 'stat' | 'list' | 'openWithin'>,
  root: string,
): Promise<{ readonly bytes: number; readonly inodes: number }> {
  const top = await files.stat(root);
  if (!top) throw new Error(`${root} is not there`);
  const seen = new Set([top.inode]);
  let bytes = top.allocatedBytes;
  const look = async (directory: string, depth: number): Promise<void> => {
    checkDepth(depth, root);
    for (const name of await files.list(directory).catch(gone)) {
      const stat = await files.stat(join(directory, name));
      if (!stat || stat.device !== top.device || seen.has(stat.inode)) continue;
      seen.add(stat.inode);
      bytes += stat.allocatedBytes;
      if (stat.kind !== 'directory') continue;
      const place = await files.openWithin(directory, [name]).catch((error: unknown) => {
        if (!isReplaced(error)) throw error;
      });
      if (place) await look(place.path, depth + 1).finally(() => place.close());
    }
  };
  if (top.kind === 'directory') await look(root, 1);
  return { bytes, inodes: seen.size };
}

function gone(error: unknown): readonly string[] {
  if (!isReplaced(error)) throw error;
  return [];
}
