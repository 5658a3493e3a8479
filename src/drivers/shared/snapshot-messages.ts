import type { csi } from '../../csi/index.ts';
import { pageOf } from './pages.ts';

/** What every driver knows of a snapshot. */
export interface SnapshotFacts {
  readonly id: string;
  readonly sourceVolumeId: string;
  readonly sizeBytes: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  /** The group snapshot that it is part of. */
  readonly groupId?: string;
}

/** A snapshot as CSI tells of it. */
export function snapshotMessage({ id, sourceVolumeId, sizeBytes, createdAtMs, groupId }: SnapshotFacts) {
  const creationTime: Pick<NonNullable<csi.Snapshot['creationTime']>, 'seconds' | 'nanos'> = {
    seconds: BigInt(Math.floor(createdAtMs / 1000)),
    nanos: (createdAtMs % 1000) * 1_000_000,
  };
  return {
    snapshotId: id,
    sourceVolumeId,
    sizeBytes: BigInt(sizeBytes),
    creationTime,
    readyToUse: true,
    groupSnapshotId: groupId ?? '',
  };
}

/** ListSnapshots: a page of those that are asked for. @throws CsiStatus ABORTED */
export function listSnapshots(
  all: readonly SnapshotFacts[],
  {
    snapshotId,
    sourceVolumeId,
    ...page
  }: Pick<csi.ListSnapshotsRequest, 'snapshotId' | 'sourceVolumeId' | 'maxEntries' | 'startingToken'>,
) {
  const found = all.filter(
    (one) =>
      (snapshotId === '' || one.id === snapshotId) &&
      (sourceVolumeId === '' || one.sourceVolumeId === sourceVolumeId),
  );
  const byId = new Map(found.map((one) => [one.id, one]));
  const { ids, nextToken } = pageOf([...byId.keys()], page);
  return { entries: ids.map((one) => ({ snapshot: snapshotMessage(byId.get(one)!) })), nextToken };
}
