import type { Host } from '../../host/index.ts';

/**
 * The file system on a device, something else that is not ours to overwrite, or undefined if it is blank.
 * Source: GetDiskFormat of mount-utils.
 */
export async function diskFormat(host: Pick<Host, 'disks'>, device: string): Promise<string | undefined> {
  const signature = await host.disks.signature(device);
  if (!signature) return undefined;
  if (signature.partitionTable) return 'unknown data, probably partitions';
  return signature.type ?? 'unknown data';
}
