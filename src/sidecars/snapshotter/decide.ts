import {
  ANN_SNAPSHOT_BEING_CREATED,
  ANN_SNAPSHOT_BEING_DELETED,
  annotation,
  isBeingDeleted,
  isGroupMember,
  type Stored,
  type VolumeSnapshotContent,
} from '../../kube/index.ts';

type Content = Stored<VolumeSnapshotContent>;

/**
 * What is to be done about a content. `delete`: the driver's snapshot, then let go of the content; `release`: let go of
 * it alone; `create`: CreateSnapshot, again until it is ready; `look`: ask the driver how the snapshot is.
 * Source: syncContent and shouldDelete of external-snapshotter's sidecar.
 */
export type Task = 'delete' | 'release' | 'create' | 'look' | 'settle' | 'nothing';

export function taskFor(content: Content): Task {
  const { status, spec } = content;
  if (shouldGo(content)) {
    const isOurs = status?.snapshotHandle !== undefined && status.volumeGroupSnapshotHandle === undefined;
    return spec.deletionPolicy === 'Delete' && isOurs ? 'delete' : 'release';
  }
  if (status?.readyToUse === true) return 'settle';
  const isMember = status?.volumeGroupSnapshotHandle !== undefined && status.snapshotHandle !== undefined;
  if (spec.source.snapshotHandle !== undefined || isMember) return 'look';
  return isGroupMember(content) ? 'nothing' : 'create';
}

/** Whether nobody needs the content any more, and no CreateSnapshot may still be running for it. */
export function shouldGo(content: Content): boolean {
  if (!isBeingDeleted(content)) return false;
  const { source, volumeSnapshotRef } = content.spec;
  if (source.snapshotHandle !== undefined && !volumeSnapshotRef.uid) return true;
  if (annotation(content, ANN_SNAPSHOT_BEING_CREATED) !== undefined) return false;
  return annotation(content, ANN_SNAPSHOT_BEING_DELETED) !== undefined;
}

/**
 * Whether a change is more than what the sidecar itself writes: status, finalizers and its annotation. Otherwise its own
 * failures would wake it at once, without any back-off. Source: ShouldEnqueueContentChange.
 */
export function isNews(content: Content, previous: Content): boolean {
  if (previous.status?.readyToUse !== true && content.status?.readyToUse === true) return true;
  return fingerprint(content) !== fingerprint(previous);
}

function fingerprint({ metadata, spec }: Content): string {
  const { labels, annotations, deletionTimestamp, ownerReferences, generation } = metadata;
  const { [ANN_SNAPSHOT_BEING_CREATED]: _, ...others } = annotations ?? {};
  return JSON.stringify([
    labels,
    Object.entries(others).sort(),
    deletionTimestamp,
    ownerReferences,
    generation,
    spec,
  ]);
}

/** Whether the content is for this driver. Source: isDriverMatch. */
export function isForDriver(
  { spec }: Content,
  driver: string,
  driverOfClass: (name: string) => string | undefined,
): boolean {
  const { source, volumeSnapshotClassName: className } = spec;
  if (source.volumeHandle === undefined && source.snapshotHandle === undefined) return false;
  if (spec.driver !== driver) return false;
  const ofClass = className === undefined ? undefined : driverOfClass(className);
  return ofClass === undefined || ofClass === driver;
}
