import type { Host, MountEntry } from '../../host/index.ts';
import { usesOf } from './attachments.ts';

/** Mounts stacked on one path before it is given up as hopeless. */
const MAX_STACKED = 16;

/** What is seen at a mount point. */
export interface Mounted {
  /** The source, when it is not the device that was asked about. */
  readonly other?: string;
  readonly fsType: string;
  /** By the mount or by its file system. */
  readonly readOnly: boolean;
}

/** The topmost mount at exactly this path, compared with a device; undefined: none. */
export async function mountedAt(
  host: Pick<Host, 'files'>,
  mounts: readonly MountEntry[],
  path: string,
  device: string,
): Promise<Mounted | undefined> {
  const entry = mounts.findLast((mount) => mount.target === path);
  if (!entry) return undefined;
  const seen = { fsType: entry.fsType, readOnly: entry.options.includes('ro') };
  const ours = (await usesOf(host, mounts, device)).includes(entry);
  return ours ? seen : { ...seen, other: entry.source };
}

/** Unmounts all that is mounted at exactly this path. */
export async function unmountAll(host: Pick<Host, 'mounts'>, path: string): Promise<void> {
  for (let unmounted = 0; await host.mounts.isMountPoint(path); unmounted++) {
    if (unmounted >= MAX_STACKED) throw new Error(`unmount ${path}: still mounted after ${unmounted} times`);
    await host.mounts.unmount(path);
  }
}
