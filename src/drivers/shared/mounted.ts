import { basename, join, relative } from 'node:path';
import type { Host, MountEntry } from '../../host/index.ts';

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

/**
 * The mounts of the file system on a device, and the places where the device's own node is bound: the mount table shows
 * those as a piece of /dev, and only the node that is there tells which device it is. Of a directory: where it is bound.
 */
export async function usesOf(
  host: Pick<Host, 'files'>,
  mounts: readonly MountEntry[],
  device: string,
): Promise<readonly MountEntry[]> {
  const stat = await host.files.stat(device);
  if (stat?.kind === 'directory') return bindsOf(mounts, device);
  const number = stat?.rdev;
  const uses = await Promise.all(
    mounts.map(async (entry) => {
      if (entry.source === device || entry.device === number) return true;
      if (!entry.root.endsWith(`/${basename(device)}`)) return false;
      const bound = await host.files.stat(entry.target);
      return bound?.kind === 'block' && bound.rdev === number;
    }),
  );
  return mounts.filter((_, index) => uses[index]);
}

/** Where a directory is bound: the same piece of the same file system as at its own path. */
function bindsOf(mounts: readonly MountEntry[], directory: string): readonly MountEntry[] {
  const isAbove = ({ target }: MountEntry) =>
    target === '/' || directory === target || directory.startsWith(`${target}/`);
  // The deepest, and of those at one path the topmost, is what is seen there.
  const [home] = mounts
    .filter(isAbove)
    .toReversed()
    .toSorted((a, b) => b.target.length - a.target.length);
  if (!home) return [];
  const root = join(home.root, relative(home.target, directory));
  return mounts.filter((entry) => entry.device === home.device && entry.root === root);
}
