import { dirname } from 'node:path';
import type { Host } from '../../host/index.ts';
import { directoryStats, fileSystemStats, type VolumeStats } from '../../volume/index.ts';
import type { ContainerRecord } from '../runtime/index.ts';

/** What a container that runs has written, but for its volumes. What cannot be measured is absent. */
export interface ContainerStorage {
  /** Its root file system: what it has put over its image, in memory as that is. */
  readonly rootfs?: VolumeStats;
  /** The logs of this container and of those before it. */
  readonly logs?: VolumeStats;
}

export async function containerStorage(
  { files }: Pick<Host, 'files'>,
  { pid, logPath }: Pick<ContainerRecord, 'pid' | 'logPath'>,
): Promise<ContainerStorage> {
  const unknown = () => undefined;
  const [rootfs, logs] = await Promise.all([
    rootStats(files, `/proc/${pid}/root/.`).catch(unknown),
    directoryStats(files, dirname(logPath)).catch(unknown),
  ]);
  return { ...(rootfs && { rootfs }), ...(logs && { logs }) };
}

/**
 * The root of a container is a file system of its own, so that its figures are the container's. Where the kernel has no
 * overlay it is the machine's, read-only: nothing can be written there. So it is when the process has gone and its number
 * is another's.
 */
async function rootStats(files: Host['files'], root: string): Promise<VolumeStats | undefined> {
  const [own, machine] = await Promise.all([files.stat(root), files.stat('/')]);
  if (!own) return undefined;
  const stats = await fileSystemStats(files, root);
  return own.device === machine?.device ? { ...stats, used: 0, inodesUsed: 0 } : stats;
}
