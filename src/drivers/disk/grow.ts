import { errorMessage } from '../../base/index.ts';
import { Code, CsiStatus } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { growUnmounted } from '../../volume/mount/index.ts';
import type { Attachments } from './attachments.ts';
import type { Pool, Volume } from './pool.ts';

/**
 * Grows the image, and lets its loop device see that, in use or not. The file system follows on the node. Any crash in
 * between leaves an image that is larger than its record says: the next try goes on with that.
 */
export async function growImage(
  pool: Pool,
  attachments: Attachments,
  volume: Volume,
  sizeBytes: bigint,
): Promise<Volume> {
  const { id } = volume;
  const present = BigInt(volume.sizeBytes);
  let grown = volume;
  if (sizeBytes > present) {
    const available = await pool.availableBytes();
    // Not RESOURCE_EXHAUSTED: after that nobody could take the wish back, it might be going on.
    if (sizeBytes - present > available) {
      throw new CsiStatus(
        Code.OUT_OF_RANGE,
        `the pool ${pool.directory} has ${available} bytes free, ${sizeBytes - present} more asked for volume ${id}; free space or lower the request`,
      );
    }
    await pool.growImage(id, sizeBytes);
    grown = await pool.change(id, {
      sizeBytes: sizeBytes.toString(),
      ...(volume.accessType === 'mount' && attachments.hasFileSystem && { fileSystemPending: true }),
    });
  }
  await attachments.refresh(id);
  return grown;
}

/** What is needed to grow file systems. */
export interface FileSystems {
  readonly pool: Pool;
  readonly attachments: Attachments;
  readonly host: Host;
}

/**
 * Before a volume is mounted: a file system that has to grow does it now, if its kind can. So it does on a machine, too,
 * that lets nobody grow what is mounted.
 */
export async function growBeforeMount(
  { pool, attachments, host }: FileSystems,
  { id }: Volume,
  device: string,
): Promise<void> {
  await attachments.refresh(id);
  try {
    if (await growUnmounted(host, device)) await pool.change(id, { fileSystemPending: undefined });
  } catch (error) {
    throw new CsiStatus(Code.INTERNAL, `grow volume ${id}: ${errorMessage(error)}`, { cause: error });
  }
}

/** While it is mounted. */
export async function growMounted(
  { pool, attachments, host }: FileSystems,
  { id }: Volume,
  mounted: { readonly device: string; readonly path: string; readonly fsType: string },
): Promise<void> {
  await attachments.refresh(id);
  try {
    await host.disks.grow(mounted.device, mounted.path, mounted.fsType);
  } catch (error) {
    const why = errorMessage(error);
    // The kernel wants CAP_SYS_RESOURCE for it, which containers and small virtual machines often lack.
    if (/permission denied/i.test(why)) {
      throw new CsiStatus(
        Code.FAILED_PRECONDITION,
        `volume ${id} is in use, and this machine does not let a mounted ${mounted.fsType} grow (${why}); restart its pods`,
        { cause: error },
      );
    }
    throw new CsiStatus(Code.INTERNAL, `grow volume ${id}: ${why}`, { cause: error });
  }
  await pool.change(id, { fileSystemPending: undefined });
}
