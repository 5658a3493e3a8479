import { fieldsOf } from '../shared/record-files.ts';
import { type IoLimits, isIoLimits } from './io-limits.ts';

/** What the pool keeps of a volume in a file beside its image: the sign that the volume exists. */
export interface VolumeRecord {
  readonly id: string;
  /** The name that CreateVolume was called with. */
  readonly name: string;
  readonly sizeBytes: string;
  readonly accessType: 'mount' | 'block';
  /** The file system asked for; absent for raw block. */
  readonly fsType?: string;
  /** Where the volume is, as far as it was asked for: topology segments. */
  readonly topology?: Readonly<Record<string, string>>;
  /** What it was made of. */
  readonly source?: VolumeSource;
  /** The image has become larger than its file system, which is to grow on the node. */
  readonly fileSystemPending?: true;
  readonly limits?: IoLimits;
}

/** A volume's content came from a snapshot, or from another volume. */
export type VolumeSource = { readonly snapshotId: string } | { readonly volumeId: string };

/** What the pool keeps of a snapshot: written once, and the sign that the snapshot exists. */
export interface SnapshotRecord
  extends Pick<VolumeRecord, 'id' | 'name' | 'sizeBytes' | 'accessType' | 'fsType'> {
  readonly sourceVolumeId: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  /** The image had become larger than its file system. */
  readonly fileSystemPending?: true;
  /** The group snapshot that it is part of. */
  readonly groupId?: string;
  /** How many snapshots that has: a group is there as a whole, or not at all. */
  readonly groupSize?: number;
}

/** Where a volume is published: a file of its own, so that unpublishing needs no space on a pool that is full. */
export interface Publication {
  readonly nodeId: string;
  readonly readOnly: boolean;
}

/** @throws Error that names the file, for anything that the driver has not written there. */
export function parseRecord(text: string, path: string, id: string): VolumeRecord {
  const { name, sizeBytes, accessType, fsType, topology, source, fileSystemPending, limits, ...rest } =
    fieldsOf(text);
  if (
    rest.id !== id ||
    typeof name !== 'string' ||
    typeof sizeBytes !== 'string' ||
    !/^[1-9]\d{0,18}$/.test(sizeBytes) ||
    (accessType !== 'mount' && accessType !== 'block') ||
    (fsType !== undefined && typeof fsType !== 'string') ||
    (topology !== undefined && !isTopology(topology)) ||
    (source !== undefined && !isSource(source)) ||
    (fileSystemPending !== undefined && fileSystemPending !== true) ||
    (limits !== undefined && !isIoLimits(limits))
  ) {
    throw new Error(`${path} is not the record of volume ${id}; move it and the image away to open the pool`);
  }
  return {
    id,
    name,
    sizeBytes,
    accessType,
    ...(fsType === undefined ? {} : { fsType }),
    ...(topology === undefined ? {} : { topology }),
    ...(source === undefined ? {} : { source }),
    ...(fileSystemPending === undefined ? {} : { fileSystemPending }),
    ...(limits === undefined ? {} : { limits }),
  };
}

function isSource(value: unknown): value is VolumeSource {
  const { snapshotId, volumeId } = (value ?? {}) as { snapshotId?: unknown; volumeId?: unknown };
  return typeof (snapshotId ?? volumeId) === 'string';
}

/** @throws Error that names the file, for anything that the driver has not written there. */
export function parseSnapshotRecord(text: string, path: string, id: string): SnapshotRecord {
  const fields = fieldsOf(text) as Partial<Record<keyof SnapshotRecord, unknown>>;
  const { name, sizeBytes, accessType, sourceVolumeId, createdAtMs, groupId } = fields;
  const isText = [name, sizeBytes, accessType, sourceVolumeId].every((field) => typeof field === 'string');
  const isGroup = groupId === undefined || typeof groupId === 'string';
  if (fields.id !== id || !isText || typeof createdAtMs !== 'number' || !isGroup)
    throw new Error(
      `${path} is not the record of snapshot ${id}; move it and the image away to open the pool`,
    );
  return fields as unknown as SnapshotRecord;
}

function isTopology(value: unknown): value is Readonly<Record<string, string>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((one) => typeof one === 'string')
  );
}

/** @throws Error that names the file, for anything that the driver has not written there. */
export function parsePublication(text: string, path: string): Publication {
  const { nodeId, readOnly } = fieldsOf(text);
  if (typeof nodeId !== 'string' || nodeId === '' || typeof readOnly !== 'boolean')
    throw new Error(`${path} does not say where its volume is published; move it away to open the pool`);
  return { nodeId, readOnly };
}
