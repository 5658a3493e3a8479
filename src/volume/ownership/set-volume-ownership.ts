import { join } from 'node:path';
import type { FileStat, Files } from '../../host/index.ts';
import { checkDepth, isReplaced } from '../tree-walk.ts';
import { OwnershipProgress, type OwnershipReporter } from './ownership-progress.ts';

const READ_WRITE = 0o660;
const READ_ONLY = 0o440;
const EXECUTE = 0o110;
const SET_GID = 0o2000;

export interface OwnershipRequest {
  readonly path: string;
  /** Absent: nothing is changed. */
  readonly fsGroup?: number;
  readonly readOnly?: boolean;
  /** @default Always */
  readonly policy?: 'Always' | 'OnRootMismatch';
  readonly signal?: AbortSignal;
  /** Who hears how it goes. @default nobody */
  readonly reporter?: OwnershipReporter;
}

/** The mode of a file once the group may use it. Directories also pass their group on. */
export function groupMode(stat: Pick<FileStat, 'kind' | 'mode'>, readOnly: boolean): number {
  const mask = readOnly ? READ_ONLY : READ_WRITE;
  return stat.mode | mask | (stat.kind === 'directory' ? SET_GID | EXECUTE : 0);
}

/** Whether a volume's root shows that the group does not own the volume yet (OnRootMismatch). */
export function rootNeedsChange(
  root: Pick<FileStat, 'kind' | 'mode' | 'gid'>,
  fsGroup: number,
  readOnly: boolean,
): boolean {
  if (root.gid !== fsGroup || root.kind !== 'directory') return true;
  const wanted = (readOnly ? READ_ONLY : READ_WRITE) | EXECUTE | SET_GID;
  return (root.mode & wanted) !== wanted;
}

/**
 * Gives a volume to a group: every file and directory, children before their directory, follows no links. What cannot change
 * hands, say on a share that knows no owners, is used as it is. Returns how many it went through.
 * @throws Error if it cannot be looked through.
 * Source: VolumeOwnership, pkg/volume/volume_linux.go.
 */
export async function setVolumeOwnership(files: Files, request: OwnershipRequest): Promise<number> {
  const { path, fsGroup, readOnly = false } = request;
  if (fsGroup === undefined) return 0;
  const root = await files.stat(path);
  if (!root) throw new Error(`setting the ownership of ${path}: no such file or directory`);
  if (request.policy === 'OnRootMismatch' && !rootNeedsChange(root, fsGroup, readOnly)) return 0;
  const progress = new OwnershipProgress(path, request.reporter);
  const change = async (at: string, stat: FileStat) => {
    progress.processed++;
    const kept = (error: unknown) => {
      if (!isReplaced(error)) progress.kept(error);
    };
    await files.chown(at, stat.uid, fsGroup).catch(kept);
    // A link has no mode of its own.
    if (stat.kind !== 'symlink') await files.chmod(at, groupMode(stat, readOnly)).catch(kept);
  };
  /** By handles: pods that have the volume already may put a link in the place of a directory at any moment. */
  const walk = async (directory: string, depth: number): Promise<void> => {
    checkDepth(depth, path);
    for (const name of await files.list(directory)) {
      request.signal?.throwIfAborted();
      const at = join(directory, name);
      const stat = await files.stat(at);
      if (!stat) continue;
      if (stat.kind === 'directory') {
        const place = await files.openWithin(directory, [name]).catch(ignoreReplaced);
        if (!place) continue;
        try {
          await walk(place.path, depth + 1);
        } finally {
          await place.close();
        }
      }
      await change(at, stat);
    }
  };
  try {
    if (root.kind === 'directory') await walk(path, 1);
    // The root last: its group tells that all below is done.
    await change(path, root);
  } finally {
    progress.end();
  }
  return progress.processed;
}

function ignoreReplaced(error: unknown): undefined {
  if (!isReplaced(error)) throw error;
}
