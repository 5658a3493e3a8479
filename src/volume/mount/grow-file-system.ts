import { errorMessage } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import { diskFormat } from './disk-format.ts';

/**
 * Grows the file system on a device to the device's size. On a blank one there is nothing to grow: what is made on it
 * will be as large as it is. Source: ResizeFs.Resize of mount-utils.
 */
export async function growFileSystem(
  host: Pick<Host, 'disks'>,
  device: string,
  mountPath: string,
): Promise<void> {
  const format = await diskFormat(host, device).catch((error: unknown) => {
    const why = errorMessage(error);
    throw new Error(`ResizeFS.Resize - error checking format for device ${device}: ${why}`, { cause: error });
  });
  if (format !== undefined) await host.disks.grow(device, mountPath, format);
}

/**
 * Grows the file system on a device that is mounted nowhere. False for a kind that only grows while it is mounted; on a
 * blank device there is nothing to grow.
 */
export async function growUnmounted(host: Pick<Host, 'disks'>, device: string): Promise<boolean> {
  const format = await diskFormat(host, device);
  return format === undefined || (await host.disks.growUnmounted(device, format));
}
