import { join } from 'node:path';
import type { Host } from '../../host/index.ts';
import { isMountPoint, mountTablePath } from '../mount/index.ts';

type BlockHost = Pick<Host, 'files' | 'mounts' | 'loops'>;

const DIRECTORY_MODE = 0o750;

/** Where a pod finds the device of a volume. */
export interface MapPlace {
  /** The volume's directory on the node, with a bind mount of the device for each pod: `GLOBAL-MAP-PATH/UID`. */
  readonly globalMapPath: string;
  /** The pod's directory, with a link for each of its devices: `…/NAME`. */
  readonly podMapDirectory: string;
  readonly name: string;
  readonly podUid: string;
}

/**
 * Gives a device to a pod: binds it in the volume's directory, pins it, and links it in the pod's. Source: MapBlockVolume of
 * pkg/volume/util.
 *
 * A loop device on the bind mount pins it: while that is open, no other device can come to bear the device's name. The
 * link of a pod that may only read leads to that loop device, which refuses writes: no permission of a device node
 * would keep them off. Upstream leaves that to the device controller of the container's cgroup.
 * @throws Error if the path does not lead to a block device.
 */
export async function mapBlockVolume(
  host: BlockHost,
  devicePath: string,
  { globalMapPath, podMapDirectory, name, podUid }: MapPlace,
  readOnly: boolean,
): Promise<void> {
  const { files, mounts, loops } = host;
  const device = await files.stat(devicePath);
  if (device?.kind !== 'block')
    throw new Error(`${devicePath} is ${device ? `a ${device.kind}` : 'absent'}, not a block device`);
  await files.makeDirectory(globalMapPath, DIRECTORY_MODE);
  const bound = await mountTablePath(host, join(globalMapPath, podUid));
  const present = await files.stat(bound);
  // Bound while the volume had another device.
  if (present?.kind === 'block' && present.rdev !== device.rdev) await unbind(host, bound);
  if (present?.kind !== 'block' || present.rdev !== device.rdev) {
    await files.append(bound, '');
    await mounts.mount({ source: devicePath, target: bound, options: ['bind'] });
  }
  const [pin] = await pinsOf(host, bound);
  const pinned = pin ?? (await loops.attach(bound, { readOnly }));
  await files.makeDirectory(podMapDirectory, DIRECTORY_MODE);
  const link = join(podMapDirectory, name);
  await files.removeFile(link);
  await files.symlink(readOnly ? pinned : devicePath, link);
}

/** Takes it away again, whatever of it is there. Source: UnmapBlockVolume of pkg/volume/util. */
export async function unmapBlockVolume(
  host: BlockHost,
  { globalMapPath, podMapDirectory, name, podUid }: MapPlace,
): Promise<void> {
  await unpin(host, await mountTablePath(host, join(globalMapPath, podUid)));
  await host.files.removeFile(join(podMapDirectory, name));
  await unbind(host, join(globalMapPath, podUid));
}

/** The pods' bind mounts of a volume's device. Source: GetDeviceBindMountRefs of volumepathhandler. */
export async function deviceReferences(
  { files }: Pick<Host, 'files'>,
  globalMapPath: string,
): Promise<string[]> {
  if (!(await files.stat(globalMapPath))) return [];
  const paths = (await files.list(globalMapPath)).map((name) => join(globalMapPath, name));
  const kinds = await Promise.all(paths.map(async (path) => (await files.stat(path))?.kind));
  return paths.filter((_, index) => kinds[index] === 'block');
}

async function unbind(host: BlockHost, path: string): Promise<void> {
  const bound = await mountTablePath(host, path);
  await unpin(host, bound);
  while (await isMountPoint(host, bound)) await host.mounts.unmount(bound);
  await host.files.removeFile(bound);
}

async function unpin(host: BlockHost, bound: string): Promise<void> {
  for (const pin of await pinsOf(host, bound)) await host.loops.detach(pin);
}

async function pinsOf({ loops }: BlockHost, bound: string): Promise<string[]> {
  return (await loops.list()).filter(({ backingFile }) => backingFile === bound).map(({ device }) => device);
}
