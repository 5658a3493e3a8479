import { join } from 'node:path';
import type { Files } from '../host/index.ts';
import type { VolumeStats } from './plugin.ts';

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
  files: Pick<Files, 'statFs' | 'stat' | 'list'>,
  path: string,
): Promise<VolumeStats> {
  const { bytes, inodes } = await diskUsage(files, path);
  return { ...(await fileSystemStats(files, path)), used: bytes, inodesUsed: inodes };
}

/**
 * What a directory and all below it take on the disk. A file with several names counts once; what is mounted below does
 * not count, nor what goes meanwhile. Follows no links. Source: DiskUsage of pkg/volume/util/fs.
 */
export async function diskUsage(
  files: Pick<Files, 'stat' | 'list'>,
  root: string,
): Promise<{ readonly bytes: number; readonly inodes: number }> {
  const top = await files.stat(root);
  if (!top) throw new Error(`${root} is not there`);
  const seen = new Set<bigint>();
  let bytes = 0;
  const look = async (path: string): Promise<void> => {
    const stat = await files.stat(path);
    if (!stat || stat.device !== top.device || seen.has(stat.inode)) return;
    seen.add(stat.inode);
    bytes += stat.allocatedBytes;
    if (stat.kind !== 'directory') return;
    for (const name of await files.list(path).catch(gone)) await look(join(path, name));
  };
  await look(root);
  return { bytes, inodes: seen.size };
}

function gone(error: unknown): readonly string[] {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  return [];
}
