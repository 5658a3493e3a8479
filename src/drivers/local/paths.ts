import { posix } from 'node:path';
import { errorMessage } from '../../base/index.ts';
import type { Files } from '../../host/index.ts';
import type { PersistentVolume } from '../../kube/index.ts';
import type { ClassConfig } from './config.ts';

/** A path in a discovery directory, looked at with every link followed. */
export interface Place {
  readonly mode: 'Filesystem' | 'Block';
  /** Where it leads. */
  readonly real: string;
}

/** A directory is a file system, a block device a disk; nothing else is a volume. Source, with its messages: GetVolumeMode. */
export async function lookAt(path: string, files: Files): Promise<Place> {
  const found = await realPath(path, files);
  if (found instanceof Error)
    throw new Error(`Directory check for ${JSON.stringify(path)} failed: ${errorMessage(found)}`, {
      cause: found,
    });
  const kind = (await files.stat(found))?.kind;
  if (kind === 'directory') return { mode: 'Filesystem', real: found };
  if (kind === 'block') return { mode: 'Block', real: found };
  throw new Error(`Skipping file ${JSON.stringify(path)}: not a directory nor block device`);
}

async function realPath(path: string, files: Files): Promise<string | Error> {
  try {
    return await files.realPath(path);
  } catch (error) {
    return error as Error;
  }
}

/**
 * Where the provisioner has a volume of its own.
 * @throws Error when that would not be directly in the class's directory: nothing else is ever wiped.
 */
export function mountPathOf(
  { metadata, spec }: PersistentVolume,
  { hostDir, mountDir }: ClassConfig,
): string {
  const file = posix.relative(hostDir, spec!.local!.path);
  const path = posix.join(mountDir, file);
  if (file === '' || file === '..' || file.includes('/'))
    throw new Error(
      `Unexpected error pv ${JSON.stringify(metadata?.name)} mountPath ${path} but mount dir is ${mountDir}`,
    );
  return path;
}
