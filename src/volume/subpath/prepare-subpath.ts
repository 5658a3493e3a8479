import { join, relative } from 'node:path';
import type { FileStat, Host, PlaceHandle } from '../../host/index.ts';
import { isMountPoint, mountTablePath } from '../mount/index.ts';
import { podSubpathsDirectory } from '../paths.ts';

type SubpathHost = Pick<Host, 'files' | 'mounts'>;

const DIRECTORY_MODE = 0o750;
/** How deep a path may be, before it is given up as a bad joke. */
const MAX_PARTS = 256;

export interface PrepareRequest {
  /** pods/UID */
  readonly podDirectory: string;
  /** The name of the PersistentVolume, or of the pod's volume. */
  readonly volumeName: string;
  readonly containerName: string;
  /** Which of the container's volumeMounts it is. */
  readonly index: number;
  /** Where the volume is mounted for the pod. */
  readonly volumePath: string;
  /** Relative, without `..`. Its directories are made with the mode of the volume's where they are missing. */
  readonly subPath: string;
}

/**
 * Binds a part of a volume at `pods/UID/volume-subpaths/VOLUME/CONTAINER/INDEX`, and resolves to that path: what to bind
 * into the container.
 *
 * Containers write to the volume meanwhile, and may put a link to the host in the place of a directory at any moment. So
 * links are only followed to find out what the path means; that must be within the volume, and is then opened without
 * following any. What is bound is what was opened, and it is looked at once more. Source: subpath_linux.go.
 */
export async function prepareSubpath(host: SubpathHost, request: PrepareRequest): Promise<string> {
  const { podDirectory, volumeName, containerName, index, volumePath, subPath } = request;
  const directory = join(podSubpathsDirectory(podDirectory), volumeName, containerName);
  const target = join(directory, String(index));
  const place = await openSubpath(host, volumePath, subPath, 'make');
  try {
    const stat = await place.stat();
    if (await isBound(host, target, stat)) return target;
    await host.files.makeDirectory(directory, DIRECTORY_MODE);
    if (stat.kind === 'directory') await host.files.makeDirectory(target, DIRECTORY_MODE);
    else await host.files.append(target, '');
    await host.mounts.mount({ source: place.path, target, options: ['bind'] });
    const bound = await host.files.stat(target);
    if (!bound || !isSame(bound, stat)) {
      await host.mounts.unmount(await mountTablePath(host, target));
      throw new Error(`${target} shows something else than ${subPath} of the volume`);
    }
    return target;
  } finally {
    await place.close();
  }
}

/** What the path leads to now, opened. @throws Error when it leads out of the volume */
export async function openSubpath(
  { files }: Pick<Host, 'files'>,
  volumePath: string,
  subPath: string,
  missingDirectories: 'make' | 'refuse',
): Promise<PlaceHandle> {
  const base = await files.realPath(volumePath);
  const parts = subPath.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length > MAX_PARTS) throw new Error(`subPath has more than ${MAX_PARTS} parts`);
  const { real, missing } = await deepest(files, base, parts);
  if (real !== base && !real.startsWith(`${base}/`))
    throw new Error(`path ${real} is outside of allowed base ${base}`);
  const inside = relative(base, real).split('/').filter(Boolean);
  const { mode } = (await files.stat(base))!;
  const makes = missingDirectories === 'make' && missing.length > 0;
  return await files.openWithin(base, [...inside, ...missing], makes ? mode : undefined);
}

/** The longest beginning of a path that is there, links followed, and what of it is not. */
async function deepest(
  files: Host['files'],
  base: string,
  parts: readonly string[],
): Promise<{ real: string; missing: readonly string[] }> {
  for (let present = parts.length; present > 0; present--) {
    try {
      const real = await files.realPath(join(base, ...parts.slice(0, present)));
      return { real, missing: parts.slice(present) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return { real: base, missing: parts };
}

/** Whether it is there already: the container has run before. Something else that is there is unmounted. */
async function isBound(host: SubpathHost, target: string, wanted: FileStat): Promise<boolean> {
  while (await isMountPoint(host, target)) {
    const present = await host.files.stat(target);
    if (present && isSame(present, wanted)) return true;
    await host.mounts.unmount(await mountTablePath(host, target));
  }
  const left = await host.files.stat(target);
  // Empty, and perhaps of the other kind.
  if (left?.kind === 'directory') await host.files.removeDirectory(target);
  else if (left) await host.files.removeFile(target);
  return false;
}

function isSame(a: FileStat, b: FileStat): boolean {
  return a.device === b.device && a.inode === b.inode;
}
