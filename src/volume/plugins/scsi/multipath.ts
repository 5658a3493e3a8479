import { basename, join } from 'node:path';
import type { Files } from '../../../host/index.ts';

/** What is in a directory; nothing, if there is none. */
export async function listOrNothing(files: Files, path: string): Promise<readonly string[]> {
  return await files.list(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

/** The multipath device that a disk is a path of, as /dev/dm-N. Source: FindMultipathDeviceForDevice. */
export async function multipathOf(files: Files, device: string): Promise<string | undefined> {
  if (device.startsWith('/dev/dm-')) return device;
  const disk = basename(await files.realPath(device));
  for (const name of await listOrNothing(files, '/sys/block')) {
    if (!name.startsWith('dm-')) continue;
    if (await files.stat(join('/sys/block', name, 'slaves', disk))) return `/dev/${name}`;
  }
  return undefined;
}

/** The disks that a multipath device consists of. Source: FindSlaveDevicesOnMultipath. */
export async function pathsOfMultipath(files: Files, dm: string): Promise<readonly string[]> {
  const slaves = await listOrNothing(files, join('/sys/block', basename(dm), 'slaves'));
  return slaves.map((name) => `/dev/${name}`);
}
