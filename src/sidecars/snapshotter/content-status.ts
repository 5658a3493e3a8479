import type { VolumeSnapshotContentStatus } from '../../kube/index.ts';

/** What a driver tells of a snapshot. */
export interface CutSnapshot {
  readonly snapshotHandle: string;
  readonly readyToUse: boolean;
  /** Nanoseconds since 1970. */
  readonly creationTime: number;
  /** 0: unknown. */
  readonly sizeBytes: number;
  /** '' for a snapshot that is part of no group. */
  readonly groupSnapshotHandle: string;
}

/** The status of a content after the driver's answer. What was told once stays. Source: updateSnapshotContentStatus. */
export function contentStatus(
  own: VolumeSnapshotContentStatus | undefined,
  { snapshotHandle, readyToUse, creationTime, sizeBytes, groupSnapshotHandle }: CutSnapshot,
): VolumeSnapshotContentStatus | undefined {
  const known: VolumeSnapshotContentStatus = {
    snapshotHandle,
    creationTime,
    ...(sizeBytes > 0 && { restoreSize: sizeBytes }),
    ...(groupSnapshotHandle !== '' && { volumeGroupSnapshotHandle: groupSnapshotHandle }),
    ...definedOf(own),
    readyToUse,
  };
  const { error, ...rest } = known;
  const next = readyToUse || error === undefined ? rest : known;
  return own && JSON.stringify(entriesOf(own)) === JSON.stringify(entriesOf(next)) ? undefined : next;
}

/** The status of a content whose snapshot the driver has deleted. Source: clearVolumeContentStatus. */
export function withoutSnapshot({
  snapshotHandle: _handle,
  readyToUse: _ready,
  creationTime: _time,
  restoreSize: _size,
  ...rest
}: VolumeSnapshotContentStatus): VolumeSnapshotContentStatus {
  return rest;
}

function definedOf(status: VolumeSnapshotContentStatus | undefined): VolumeSnapshotContentStatus {
  return Object.fromEntries(Object.entries(status ?? {}).filter(([, value]) => value !== undefined));
}

function entriesOf(status: VolumeSnapshotContentStatus): readonly [string, unknown][] {
  return Object.entries(definedOf(status)).sort(([a], [b]) => (a < b ? -1 : 1));
}
