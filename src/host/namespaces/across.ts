import type { Host, MountEntry } from '../host.ts';
import type { MountNamespace } from './mount-namespace.ts';

/**
 * A machine some of whose directories are seen, and mounted below, in mount namespaces of their own: whoever mounts,
 * unmounts or looks there does so in the namespace of the deepest such directory above. Of each namespace the mount table
 * has what is below its directory, and what is there in other namespaces is nobody's.
 *
 * Files are made and removed here as ever: the directories that mounts are made on are the same in all.
 */
export function hostAcross(host: Host, directories: ReadonlyMap<string, MountNamespace>): Host {
  const owner = (path: string) => deepestAbove(path, directories.keys());
  const at = (path: string): MountNamespace => {
    const directory = owner(path);
    return directory === undefined ? host : directories.get(directory)!;
  };
  return {
    ...host,
    files: {
      ...host.files,
      stat: (path) => at(path).files.stat(path),
      statFs: (path) => at(path).files.statFs(path),
    },
    disks: { ...host.disks, grow: (device, path, fsType) => at(path).disks.grow(device, path, fsType) },
    mounts: {
      async list() {
        const ours = (await host.mounts.list()).filter(({ target }) => owner(target) === undefined);
        const theirs = await Promise.all(
          [...directories].map(async ([directory, namespace]) =>
            (await namespace.mounts.list()).filter(({ target }) => owner(target) === directory),
          ),
        );
        return [ours, ...theirs].flat() satisfies MountEntry[];
      },
      mount: (request) => at(request.target).mounts.mount(request),
      unmount: (target, options) => at(target).mounts.unmount(target, options),
      sync: (target) => at(target).mounts.sync(target),
      freeze: (target) => at(target).mounts.freeze(target),
      thaw: (target) => at(target).mounts.thaw(target),
      isMountPoint: (target) => at(target).mounts.isMountPoint(target),
    },
  };
}

/** The longest of these directories that the path is below. */
export function deepestAbove(path: string, directories: Iterable<string>): string | undefined {
  let deepest: string | undefined;
  for (const directory of directories)
    if (path.startsWith(`${directory}/`) && directory.length > (deepest?.length ?? -1)) deepest = directory;
  return deepest;
}
