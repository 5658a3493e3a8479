import { dirname, join } from 'node:path';
import { type Host, isTemporaryOf } from '../../../host/index.ts';
import { isMountPoint } from '../../mount/index.ts';
import { VOLUME_DATA_FILE } from './volume-data.ts';

/**
 * Removes a mount directory, the note beside it, and the directory of both – if nothing is mounted there any more;
 * otherwise everything stays, so that the mount can still be undone.
 * @throws Error (ENOTEMPTY) if the directory is not empty: what is in it is somebody's data.
 */
export async function removeMountDirectory(
  host: Pick<Host, 'mounts' | 'files'>,
  mountPath: string,
): Promise<void> {
  if (await isMountPoint(host, mountPath)) return;
  const parent = dirname(mountPath);
  // Some drivers leave their target behind as a file or a directory; either must be empty.
  const stat = await host.files.stat(mountPath);
  if (stat?.kind === 'file') await host.files.removeFile(mountPath);
  else await host.files.removeDirectory(mountPath);
  // Who was killed while writing the note has left what it wrote so far.
  for (const entry of (await host.files.stat(parent)) ? await host.files.list(parent) : [])
    if (isTemporaryOf(VOLUME_DATA_FILE, entry)) await host.files.removeFile(join(parent, entry));
  await host.files.removeFile(join(parent, VOLUME_DATA_FILE));
  await host.files.removeDirectory(parent);
}

/** Removes the directories of a mount whose note could not be written, unless an earlier try has left one. */
export async function removeUnnoted(host: Pick<Host, 'mounts' | 'files'>, mountPath: string): Promise<void> {
  try {
    const noted = await host.files.stat(join(dirname(mountPath), VOLUME_DATA_FILE));
    if (!noted) await removeMountDirectory(host, mountPath);
  } catch {
    // The failure that led here is told; reconstruction clears away what is left.
  }
}
