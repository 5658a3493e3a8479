import { rfc3339 } from '../../base/index.ts';
import {
  formatBytes,
  quantityValue,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  type VolumeSnapshotStatus,
} from '../../kube/index.ts';

type Content = Pick<VolumeSnapshotContent, 'status'> & { readonly metadata: { readonly name: string } };

/** Whether the content tells something that its snapshot does not yet. Source: needsUpdateSnapshotStatus. */
export function isBehind({ status: own }: VolumeSnapshot, { status }: VolumeSnapshotContent): boolean {
  if (!status) return false;
  if (!own?.boundVolumeSnapshotContentName) return true;
  const lacks = (mine: unknown, theirs: unknown) => mine === undefined && theirs !== undefined;
  return (
    lacks(own.creationTime, status.creationTime) ||
    (status.readyToUse !== undefined && own.readyToUse !== status.readyToUse) ||
    lacks(own.restoreSize, status.restoreSize) ||
    (isZero(own.restoreSize) && (status.restoreSize ?? 0) > 0)
  );
}

/**
 * What a snapshot says of itself, given its content; undefined when it says so already. Source: updateSnapshotStatus.
 * @param groupName the group snapshot that the content is part of
 */
export function statusFrom(
  own: VolumeSnapshotStatus | undefined,
  content: Content,
  groupName: string | undefined,
): VolumeSnapshotStatus | undefined {
  const { creationTime, restoreSize, readyToUse = false, error } = content.status ?? {};
  const isLarger = own?.restoreSize === undefined || (isZero(own.restoreSize) && (restoreSize ?? 0) > 0);
  const next: VolumeSnapshotStatus = {
    ...own,
    boundVolumeSnapshotContentName: own?.boundVolumeSnapshotContentName ?? content.metadata.name,
    readyToUse,
    ...(own?.creationTime === undefined &&
      creationTime !== undefined && { creationTime: rfc3339(creationTime / 1e6) }),
    ...(isLarger && restoreSize !== undefined && { restoreSize: formatBytes(restoreSize) }),
    // As it is there: an error that was overcome goes.
    error,
    ...(own?.volumeGroupSnapshotName === undefined &&
      groupName !== undefined && { volumeGroupSnapshotName: groupName }),
  };
  return own && isSame(own, next) ? undefined : next;
}

function isSame(a: VolumeSnapshotStatus, b: VolumeSnapshotStatus): boolean {
  return (
    a.boundVolumeSnapshotContentName === b.boundVolumeSnapshotContentName &&
    a.readyToUse === b.readyToUse &&
    a.creationTime === b.creationTime &&
    a.restoreSize === b.restoreSize &&
    a.error?.message === b.error?.message &&
    a.error?.time === b.error?.time &&
    a.volumeGroupSnapshotName === b.volumeGroupSnapshotName
  );
}

function isZero(size: string | undefined): boolean {
  return size !== undefined && quantityValue(size) === 0n;
}
