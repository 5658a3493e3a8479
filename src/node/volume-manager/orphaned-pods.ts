import { join } from 'node:path';
import type { Host } from '../../host/index.ts';
import { podDirectory, podsDirectory, podVolumesDirectory } from '../../volume/index.ts';
import { hasMountsBelow } from '../../volume/mount/index.ts';

/** The pods that have a directory on this node. */
export async function podsOnDisk(host: Pick<Host, 'files'>, nodeRoot: string): Promise<readonly string[]> {
  const path = podsDirectory(nodeRoot);
  return (await host.files.stat(path)) ? await host.files.list(path) : [];
}

/**
 * Removes the directory of a pod that has gone. Nothing is removed while anything is mounted below it, and a volume's
 * directory only if it is empty: what is left in it may be data of a volume that was not unmounted.
 * Returns why it stayed; `undefined` when it has gone. Source: cleanupOrphanedPodDirs of the kubelet.
 */
export async function removeOrphanedPod(
  host: Host,
  nodeRoot: string,
  podUid: string,
): Promise<string | undefined> {
  const directory = podDirectory(nodeRoot, podUid);
  const { files } = host;
  if (!(await files.stat(directory))) return undefined;
  if (await hasMountsBelow(host, directory)) {
    return `orphaned pod ${JSON.stringify(podUid)} found, but volumes are not cleaned up`;
  }
  const volumes = podVolumesDirectory(nodeRoot, podUid);
  if (await files.stat(volumes)) {
    for (const plugin of await files.list(volumes)) {
      for (const name of await files.list(join(volumes, plugin))) {
        const path = join(volumes, plugin, name);
        const stat = await files.stat(path);
        if (stat?.kind !== 'directory' || (await files.list(path)).length > 0) {
          return `orphaned pod ${JSON.stringify(podUid)} found, but its volume directory ${path} is not empty`;
        }
        await files.removeDirectory(path);
      }
      await files.removeDirectory(join(volumes, plugin));
    }
    await files.removeDirectory(volumes);
  }
  for (const name of await files.list(directory)) {
    const path = join(directory, name);
    if ((await files.stat(path))?.kind === 'directory') await files.removeTree(path);
    else await files.removeFile(path);
  }
  await files.removeDirectory(directory);
  return undefined;
}
