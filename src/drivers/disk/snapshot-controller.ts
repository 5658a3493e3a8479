import type { Clock } from '../../base/index.ts';
import { Code, type ControllerService, CsiStatus, type csi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { handleOf } from '../shared/names.ts';
import { checkParameters } from '../shared/parameters.ts';
import { listSnapshots, snapshotMessage } from '../shared/snapshot-messages.ts';
import type { LoopDevices } from './attachments.ts';
import type { Pool, Volume } from './pool.ts';
import type { SnapshotRecord, VolumeRecord, VolumeSource } from './record.ts';
import type { Snapshots } from './snapshots.ts';
import { snapshotKey } from './volume-source.ts';

export interface SnapshotOptions {
  readonly pool: Pool;
  readonly loops: LoopDevices;
  readonly snapshots: Snapshots;
  readonly host: Host;
  readonly clock: Clock;
  /** Why none can be taken in this pool; undefined when they can. */
  readonly obstacle: string | undefined;
}

type Handlers = Pick<
  ControllerService,
  'createSnapshot' | 'deleteSnapshot' | 'listSnapshots' | 'getSnapshot'
>;

/** The calls of the controller service that concern snapshots: images that share blocks with a volume's. */
export function snapshotHandlers(options: SnapshotOptions): Handlers {
  const { pool, snapshots, clock } = options;
  return {
    async createSnapshot({ name, sourceVolumeId, parameters }) {
      checkParameters(parameters, 'VolumeSnapshotClass');
      const id = handleOf(name, 'snap');
      return pool.exclusively(snapshotKey(id), async () => {
        const present = snapshots.get(id);
        if (present) {
          checkSame(present, sourceVolumeId);
          return { snapshot: snapshotMessage(present) };
        }
        return pool.exclusively(sourceVolumeId, async () => {
          const volume = await snapshottable(options, sourceVolumeId);
          await settle(options, volume.id);
          const record = recordOf(volume, { id, name, createdAtMs: clock.now() });
          await takeAll(options, [{ image: pool.imagePath(volume.id), record }]);
          return { snapshot: snapshotMessage(record) };
        });
      });
    },

    async deleteSnapshot({ snapshotId }) {
      return pool.exclusively(snapshotKey(snapshotId), async () => {
        const groupId = snapshots.get(snapshotId)?.groupId;
        if (groupId !== undefined) {
          throw new CsiStatus(
            Code.INVALID_ARGUMENT,
            `snapshot ${snapshotId} is part of group snapshot ${groupId}; delete the group`,
          );
        }
        await snapshots.remove(snapshotId);
        return {};
      });
    },

    async listSnapshots(request) {
      return listSnapshots(snapshots.all(), request);
    },

    async getSnapshot({ snapshotId }) {
      return { snapshot: snapshotMessage(existing(snapshots, snapshotId)) };
    },
  };
}

/** The volume, if a snapshot can be taken of it. */
export async function snapshottable({ pool, obstacle }: SnapshotOptions, volumeId: string): Promise<Volume> {
  const volume = pool.get(volumeId);
  if (!volume)
    throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} does not exist in pool ${pool.directory}`);
  if (obstacle !== undefined)
    throw new CsiStatus(Code.FAILED_PRECONDITION, `no snapshot of volume ${volumeId}: ${obstacle}`);
  await pool.checkImage(volumeId);
  return volume;
}

/** Brings into the image what was written to the volume until now, by file or by block. */
export async function settle({ loops, host }: SnapshotOptions, volumeId: string): Promise<void> {
  for (const { mounts, device } of await loops.inUse(volumeId)) {
    for (const { target, fsType } of mounts) {
      // A device node that is bound is no file system of the volume's.
      if (fsType !== 'devtmpfs') await host.mounts.sync(target);
    }
    await host.disks.flush(device);
  }
}

export function recordOf(
  volume: VolumeRecord,
  more: Pick<SnapshotRecord, 'id' | 'name' | 'createdAtMs' | 'groupId' | 'groupSize'>,
): SnapshotRecord {
  const { sizeBytes, accessType, fsType, fileSystemPending } = volume;
  return {
    ...more,
    sourceVolumeId: volume.id,
    sizeBytes,
    accessType,
    ...(fsType !== undefined && { fsType }),
    ...(fileSystemPending && { fileSystemPending }),
  };
}

/** @throws CsiStatus that a full pool, or one without reflinks, has earned. */
export async function takeAll(
  { snapshots, pool }: SnapshotOptions,
  sources: Parameters<Snapshots['take']>[0],
): Promise<void> {
  try {
    await snapshots.take(sources);
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new CsiStatus(
        Code.RESOURCE_EXHAUSTED,
        `the pool ${pool.directory} is full: ${message}; free space`,
      );
    if (code === 'ENOTSUP' || code === 'EOPNOTSUPP')
      throw new CsiStatus(
        Code.FAILED_PRECONDITION,
        `the file system of pool ${pool.directory} was made without reflinks: ${message}`,
      );
    throw error;
  }
}

export function existing(snapshots: Snapshots, id: string): SnapshotRecord {
  const found = snapshots.get(id);
  if (!found) throw new CsiStatus(Code.NOT_FOUND, `snapshot ${id} does not exist`);
  return found;
}

function checkSame({ id, sourceVolumeId, groupId }: SnapshotRecord, asked: string): void {
  if (sourceVolumeId === asked && groupId === undefined) return;
  throw new CsiStatus(
    Code.ALREADY_EXISTS,
    `snapshot ${id} exists, of volume ${sourceVolumeId}, and ${asked} is asked for now`,
  );
}

/** What a new volume is to hold. */
export interface Origin {
  readonly source: VolumeSource;
  readonly image: string;
  readonly content: Pick<VolumeRecord, 'sizeBytes' | 'accessType' | 'fsType' | 'fileSystemPending'>;
}

/**
 * Where the content of a new volume comes from.
 * @throws CsiStatus NOT_FOUND, FAILED_PRECONDITION.
 */
export async function originOf(options: SnapshotOptions, { type }: csi.VolumeContentSource): Promise<Origin> {
  const { pool, snapshots } = options;
  if (type.case === 'snapshot') {
    const { snapshotId } = type.value;
    const content = existing(snapshots, snapshotId);
    return { source: { snapshotId }, image: snapshots.imagePath(snapshotId), content };
  }
  if (type.case !== 'volume')
    throw new CsiStatus(Code.INVALID_ARGUMENT, 'volume_content_source: neither a snapshot nor a volume');
  const { volumeId } = type.value;
  const content = await snapshottable(options, volumeId);
  await settle(options, volumeId);
  return { source: { volumeId }, image: pool.imagePath(volumeId), content };
}
