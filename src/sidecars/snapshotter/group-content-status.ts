import { type Clock, rfc3339 } from '../../base/index.ts';
import type { csi } from '../../csi/index.ts';
import type { VolumeGroupSnapshotContentStatus } from '../../kube/index.ts';
import { cutSnapshot } from './snapshot-calls.ts';

/** What a driver tells of a group. */
export type CutGroup = Pick<
  csi.VolumeGroupSnapshot,
  'groupSnapshotId' | 'readyToUse' | 'creationTime' | 'snapshots'
>;

/** The status of a content after the driver's answer. What was told once stays, but for an error that was overcome. */
export function groupContentStatus(
  own: VolumeGroupSnapshotContentStatus | undefined,
  { groupSnapshotId, readyToUse, creationTime, snapshots }: CutGroup,
  clock: Clock,
): VolumeGroupSnapshotContentStatus {
  const infos = snapshots.map((snapshot) => {
    const { snapshotHandle, sizeBytes, ...cut } = cutSnapshot(snapshot, clock);
    return {
      volumeHandle: snapshot.sourceVolumeId,
      snapshotHandle,
      creationTime: cut.creationTime,
      readyToUse: cut.readyToUse,
      ...(sizeBytes > 0 && { restoreSize: sizeBytes }),
    };
  });
  const known = own?.volumeSnapshotInfoList ?? [];
  const atMs = creationTime ? Number(creationTime.seconds) * 1000 : clock.now();
  return {
    volumeGroupSnapshotHandle: own?.volumeGroupSnapshotHandle ?? groupSnapshotId,
    creationTime: own?.creationTime ?? rfc3339(atMs),
    readyToUse,
    volumeSnapshotInfoList: known.length > 0 ? known : infos,
    ...(!readyToUse && own?.error && { error: own.error }),
  };
}

/** The status of a content whose group the driver has deleted. Source: clearGroupSnapshotContentStatus. */
export function withoutGroup({
  volumeGroupSnapshotHandle: _handle,
  readyToUse: _ready,
  creationTime: _time,
  error: _error,
  ...rest
}: VolumeGroupSnapshotContentStatus): VolumeGroupSnapshotContentStatus {
  return rest;
}
