import * as fs from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { mountsBelow } from './mountinfo.ts';
import { readMounts } from './mounts.ts';

/**
 * Removes a tree that lies on one file system. A mount below would have its content removed, and that content is
 * somebody's volume: so the mount table is looked at first, and each directory's device before it is entered.
 */
export async function removeTree(path: string): Promise<void> {
  let real: string;
  let device: bigint;
  try {
    // The mount table names true paths; the last part may be a link, which is removed itself.
    real = join(await fs.realpath(dirname(path)), basename(path));
    const stat = await fs.lstat(real, { bigint: true });
    if (!stat.isDirectory()) return await fs.unlink(real);
    device = stat.dev;
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  const below = mountsBelow(await readMounts(), real);
  if (below.length > 0)
    throw new Error(
      `remove ${path}: ${below[0]!.source} is mounted at ${below[0]!.target}; nothing was removed; unmount it first`,
    );
  await removeDirectory(real, device);
}

async function removeDirectory(path: string, device: bigint): Promise<void> {
  for (const entry of await fs.readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    try {
      if (!entry.isDirectory()) {
        await fs.unlink(child);
        continue;
      }
      const stat = await fs.lstat(child, { bigint: true });
      if (stat.dev !== device) throw new Error(`remove ${child}: it is on another file system`);
      await removeDirectory(child, device);
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
  await fs.rmdir(path).catch((error: unknown) => {
    if (!isAbsent(error)) throw error;
  });
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
