import type { Host } from '../host/index.ts';

/**
 * What of the machine is still in use by volumes below one of the directories: mounts, loop devices, image files, pod
 * directories. One sentence each; empty when clean.
 */
export async function leftovers(
  host: Host,
  directories: { anywhere: string; pool: string; nodeRoots: readonly string[] },
): Promise<string[]> {
  const below = (path: string) =>
    path === directories.anywhere || path.startsWith(`${directories.anywhere}/`);
  const mounts = (await host.mounts.list())
    .filter((mount) => below(mount.target))
    .map((mount) => `mount ${mount.target}`);
  const loops = (await host.loops.list())
    .filter((loop) => below(loop.backingFile) || loop.backingFile.startsWith(`${directories.pool}/`))
    .map((loop) => `loop device ${loop.device} of ${loop.backingFile}`);
  const images = (await entries(host, directories.pool)).map((path) => `image file ${path}`);
  const pods = await Promise.all(directories.nodeRoots.map((root) => entries(host, `${root}/pods`)));
  const globals = await Promise.all(directories.nodeRoots.map((root) => stagedVolumes(host, root)));
  return [
    ...mounts,
    ...loops,
    ...images,
    ...pods.flat().map((path) => `pod directory ${path}`),
    ...globals.flat(),
  ];
}

async function stagedVolumes(host: Host, root: string): Promise<string[]> {
  const drivers = await entries(host, `${root}/plugins/kubernetes.io/csi`);
  const volumes = await Promise.all(drivers.map((driver) => entries(host, driver)));
  return volumes.flat().map((path) => `global volume directory ${path}`);
}

async function entries(host: Host, directory: string): Promise<string[]> {
  const stat = await host.files.stat(directory);
  if (stat?.kind !== 'directory') return [];
  return (await host.files.list(directory)).map((name) => `${directory}/${name}`);
}
