import {
  fromLabelSelector,
  groupRefersTo,
  isBeingDeleted,
  matchesSelector,
  parentGroupOf,
  type Stored,
  type VolumeGroupSnapshot,
} from '../kube/index.ts';
import { GROUP_LABELS } from './objects.ts';
import type { Snapshot, Truth } from './snapshot.ts';

/** What is still to happen to group snapshots, their members and their contents. */
export function* openGroups(snapshot: Snapshot): Iterable<string> {
  const { groups, groupContents, copies, claims } = snapshot;
  for (const group of groups.values()) {
    const { name } = group.metadata;
    const members = [...copies.values()].filter((copy) => parentGroupOf(copy) === name);
    const isNeeded = [...claims.values()].some(
      ({ spec, status }) =>
        status?.phase === 'Pending' &&
        members.some(({ metadata }) => metadata.name === spec?.dataSource?.name),
    );
    if (isBeingDeleted(group)) {
      if (!isNeeded) yield `group snapshot ${name} is being deleted`;
    } else if (!group.status?.readyToUse) {
      if (canBeTaken(group, snapshot)) yield `group snapshot ${name} is not ready`;
    } else {
      const content = groupContents.get(group.status.boundVolumeGroupSnapshotContentName ?? '');
      const wanted = content?.spec.source.volumeHandles?.length;
      if (members.length !== wanted)
        yield `group snapshot ${name} has ${members.length} of ${wanted} members`;
    }
  }
  for (const content of groupContents.values()) {
    const { volumeGroupSnapshotRef, deletionPolicy } = content.spec;
    const group = groups.get(volumeGroupSnapshotRef.name ?? '');
    const isOrphan = !group || !groupRefersTo(content, group);
    if (isOrphan && (deletionPolicy === 'Delete' || isBeingDeleted(content)))
      yield `content ${content.metadata.name} has outlived group snapshot ${volumeGroupSnapshotRef.name}`;
  }
}

/** Whether all its volumes are there, and stay: those that its content names, or that its claims have. */
function canBeTaken(
  group: Stored<VolumeGroupSnapshot>,
  { claims, volumes, groupContents }: Snapshot,
): boolean {
  const content = [...groupContents.values()].find((one) => groupRefersTo(one, group));
  if (content) {
    const there = new Set(
      [...volumes.values()].flatMap(({ metadata, spec }) =>
        metadata.deletionTimestamp ? [] : (spec?.csi?.volumeHandle ?? []),
      ),
    );
    return (content.spec.source.volumeHandles ?? []).every((handle) => there.has(handle));
  }
  const selector = fromLabelSelector({ matchLabels: GROUP_LABELS });
  const wanted = [...claims.values()].filter(({ metadata }) => matchesSelector(selector, metadata.labels));
  return (
    wanted.length > 0 &&
    wanted.every(({ metadata, status }) => status?.phase === 'Bound' && !metadata.deletionTimestamp)
  );
}

/** File systems that stay frozen, snapshots in the pool that are nobody's, groups of which a part is there. */
export function* openPool({ contents, groupContents }: Snapshot, truth: Truth): Iterable<string> {
  for (const target of truth.frozen()) yield `${target} is frozen`;
  const known = new Set([
    ...[...contents.values()].map(({ status }) => status?.snapshotHandle),
    ...[...groupContents.values()].flatMap(({ status }) =>
      (status?.volumeSnapshotInfoList ?? []).map(({ snapshotHandle }) => snapshotHandle),
    ),
  ]);
  const pooled = truth.pooledSnapshots();
  for (const { id, groupId, groupSize } of pooled) {
    if (!known.has(id)) yield `snapshot ${id} in the pool is nobody's`;
    const together = pooled.filter((one) => one.groupId === groupId).length;
    if (groupId !== undefined && together !== groupSize)
      yield `of group snapshot ${groupId} ${together} of ${groupSize} are in the pool`;
  }
}
