import {
  ANN_GROUP_SNAPSHOT_BEING_CREATED,
  ANN_GROUP_SNAPSHOT_BEING_DELETED,
  ANN_SNAPSHOT_BEING_CREATED,
  ANN_SNAPSHOT_BEING_DELETED,
  isGroupMember,
  type Stored,
  type VolumeGroupSnapshotContent,
  type VolumeSnapshotContent,
} from '../../kube/index.ts';
import { type Marks, shouldGo, type Task } from './content-kind.ts';

type Content = Stored<VolumeSnapshotContent>;
type GroupContent = Stored<VolumeGroupSnapshotContent>;

const MARKS: Marks = {
  beingCreated: ANN_SNAPSHOT_BEING_CREATED,
  beingDeleted: ANN_SNAPSHOT_BEING_DELETED,
};
const GROUP_MARKS: Marks = {
  beingCreated: ANN_GROUP_SNAPSHOT_BEING_CREATED,
  beingDeleted: ANN_GROUP_SNAPSHOT_BEING_DELETED,
};

export function taskFor(content: Content): Task {
  const { status, spec } = content;
  const isGiven = spec.source.snapshotHandle !== undefined;
  if (shouldGo(content, isGiven && !spec.volumeSnapshotRef.uid, MARKS)) {
    const isOurs = status?.snapshotHandle !== undefined && status.volumeGroupSnapshotHandle === undefined;
    return spec.deletionPolicy === 'Delete' && isOurs ? 'delete' : 'release';
  }
  if (status?.readyToUse === true) return 'settle';
  const isMember = status?.volumeGroupSnapshotHandle !== undefined && status.snapshotHandle !== undefined;
  if (isGiven || isMember) return 'look';
  return isGroupMember(content) ? 'nothing' : 'create';
}

/** Source: syncGroupSnapshotContent of external-snapshotter's sidecar. */
export function groupTaskFor(content: GroupContent): Task {
  const { spec, status } = content;
  const isGiven = spec.source.groupSnapshotHandles !== undefined;
  if (shouldGo(content, isGiven && !spec.volumeGroupSnapshotRef.uid, GROUP_MARKS)) {
    const isThere = status?.volumeGroupSnapshotHandle !== undefined;
    return spec.deletionPolicy === 'Delete' && isThere ? 'delete' : 'release';
  }
  if (status?.readyToUse === true) return 'settle';
  return isGiven ? 'look' : 'create';
}

/**
 * Whether a change is more than what the sidecar itself writes: status, finalizers and its annotation. Otherwise its own
 * failures would wake it at once, without any back-off. Source: ShouldEnqueueContentChange.
 */
export function isNews(content: Content, previous: Content): boolean {
  if (previous.status?.readyToUse !== true && content.status?.readyToUse === true) return true;
  if (goes(taskFor(content)) && !goes(taskFor(previous))) return true;
  return fingerprint(content) !== fingerprint(previous);
}

/** What was to go and could not, as the driver was at work on it, goes now. Upstream leaves it until the next restart. */
function goes(task: Task): boolean {
  return task === 'delete' || task === 'release';
}

function fingerprint({ metadata, spec }: Content): string {
  const { labels, annotations, deletionTimestamp, ownerReferences, generation } = metadata;
  const others = othersOf(annotations, ANN_SNAPSHOT_BEING_CREATED);
  return JSON.stringify([labels, others, deletionTimestamp, ownerReferences, generation, spec]);
}

/** As for one snapshot. */
export function isGroupNews(content: GroupContent, previous: GroupContent): boolean {
  if (goes(groupTaskFor(content)) && !goes(groupTaskFor(previous))) return true;
  return groupFingerprint(content) !== groupFingerprint(previous);
}

function groupFingerprint({ metadata, spec, status }: GroupContent): string {
  const others = othersOf(metadata.annotations, ANN_GROUP_SNAPSHOT_BEING_CREATED);
  const isReady = status?.readyToUse === true;
  return JSON.stringify([
    others,
    metadata.deletionTimestamp,
    spec,
    isReady,
    status?.volumeGroupSnapshotHandle,
  ]);
}

function othersOf(annotations: Readonly<Record<string, string>> | undefined, own: string) {
  return Object.entries(annotations ?? {})
    .filter(([name]) => name !== own)
    .sort();
}
