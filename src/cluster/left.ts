import type { Host } from '../host/index.ts';
import type { Layout } from './layout.ts';

/**
 * What volumes still hold of the machine: mounts, loop devices, image files, pod and global directories of a cluster of
 * so many nodes. A phrase each; empty when clean.
 */
export async function volumesLeft(host: Host, layout: Layout, nodes: number): Promise<string[]> {
  const roots = Array.from({ length: nodes }, (_, index) => layout.nodeRoot(index + 1));
  const isBelow = (path: string) => [layout.pool, ...roots].some((root) => path.startsWith(`${root}/`));
  // A root itself may be a mount: of the user's, or so that it can be shared with the node.
  const mounts = (await host.mounts.list()).filter(
    ({ target }) => isBelow(target) && !roots.includes(target),
  );
  const loops = (await host.loops.list()).filter(({ backingFile }) => isBelow(backingFile));
  const images = await entries(host, layout.pool);
  const pods = await Promise.all(roots.map((root) => entries(host, `${root}/pods`)));
  const globals = await Promise.all(roots.map((root) => globalDirectories(host, root)));
  return [
    ...mounts.map(({ target }) => `mount ${target}`),
    ...loops.map(({ device, backingFile }) => `loop device ${device} of ${backingFile}`),
    ...images.map((path) => `image file ${path}`),
    ...pods.flat().map((path) => `pod directory ${path}`),
    ...globals.flat().map((path) => `global directory ${path}`),
  ];
}

async function globalDirectories(host: Host, root: string): Promise<string[]> {
  const plugins = `${root}/plugins/kubernetes.io`;
  const devices = `${plugins}/csi/volumeDevices`;
  // Of devices, a directory each; those of all that are staged or published stay.
  const shared = [`${devices}/staging`, `${devices}/publish`];
  const parents = [
    ...(await entries(host, `${plugins}/csi`)),
    ...shared,
    `${plugins}/local-volume/mounts`,
    `${root}/plugins/kubernetes.io~local-volume/volumeDevices`,
  ];
  const below = await Promise.all(parents.map((parent) => entries(host, parent)));
  return below.flat().filter((path) => !shared.includes(path));
}

async function entries(host: Host, directory: string): Promise<string[]> {
  const stat = await host.files.stat(directory);
  if (stat?.kind !== 'directory') return [];
  return (await host.files.list(directory)).map((name) => `${directory}/${name}`);
}
