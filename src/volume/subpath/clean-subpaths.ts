import { join } from 'node:path';
import type { Files, Host } from '../../host/index.ts';
import { isMountPoint, mountTablePath } from '../mount/index.ts';
import { podSubpathsDirectory } from '../paths.ts';

/**
 * Unmounts the parts of a volume that a pod's containers had, and removes what they were mounted on. Must come before the
 * volume itself is unmounted. Source: doCleanSubPaths of subpath_linux.go.
 */
export async function cleanSubpaths(
  host: Pick<Host, 'files' | 'mounts'>,
  podDirectory: string,
  volumeName: string,
): Promise<void> {
  const { files } = host;
  const all = podSubpathsDirectory(podDirectory);
  const ofVolume = join(all, volumeName);
  if (!(await files.stat(ofVolume))) return;
  for (const container of await files.list(ofVolume)) {
    const directory = join(ofVolume, container);
    for (const index of await files.list(directory)) {
      const target = join(directory, index);
      while (await isMountPoint(host, target)) await host.mounts.unmount(await mountTablePath(host, target));
      if ((await files.stat(target))?.kind === 'directory') await files.removeDirectory(target);
      else await files.removeFile(target);
    }
    await files.removeDirectory(directory);
  }
  await files.removeDirectory(ofVolume);
  if (await isEmpty(files, all)) await files.removeDirectory(all);
}

async function isEmpty(files: Files, path: string): Promise<boolean> {
  return (await files.list(path)).length === 0;
}
