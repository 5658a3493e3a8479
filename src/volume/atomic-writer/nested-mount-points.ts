import { join, normalize } from 'node:path/posix';
import { trimEndOf } from '../../base/index.ts';
import type { Files } from '../../host/index.ts';
import { containersOf, type Pod } from '../../kube/index.ts';

const MODE = 0o755;

/**
 * The directories of a volume on which containers have other volumes, relative to it; of what is nested deeper only the
 * outermost. Source: getNestedMountpoints, pkg/volume/util.
 * @throws Error for a mount path that leads out of the container's root.
 */
export function nestedMountPoints(volumeName: string, pod: Pod): string[] {
  const found = new Set<string>();
  for (const { volumeMounts = [] } of containersOf(pod)) {
    const mounts = volumeMounts.map(({ name, mountPath }) => ({
      name,
      path: trimEndOf(normalize(mountPath), '/'),
    }));
    for (const { name, path: own } of mounts) {
      if (name !== volumeName) continue;
      if (own.startsWith('../')) throw new Error(`invalid container mount point ${own}`);
      const below = mounts.map(({ path }) => path).filter((path) => path.startsWith(`${own}/`));
      for (const path of below)
        if (!below.some((other) => path.startsWith(`${other}/`))) found.add(path.slice(own.length + 1));
    }
  }
  return [...found].sort();
}

/** Makes them: in a volume that containers cannot write to, nobody else can (MakeNestedMountpoints). */
export async function makeNestedMountPoints(
  files: Pick<Files, 'makeDirectory'>,
  directory: string,
  volumeName: string,
  pod: Pod,
): Promise<void> {
  for (const path of nestedMountPoints(volumeName, pod))
    await files.makeDirectory(join(directory, path), MODE).catch((error: Error) => {
      throw new Error(`unable to create nested volume mountpoints: ${error.message}`, { cause: error });
    });
}
