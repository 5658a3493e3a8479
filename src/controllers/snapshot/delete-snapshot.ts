import { errorMessage } from '../../base/index.ts';
import { ignoreNotFound } from '../../client/index.ts';
import {
  ANN_SNAPSHOT_BEING_DELETED,
  annotation,
  FINALIZER_SNAPSHOT_AS_SOURCE,
  FINALIZER_SNAPSHOT_BOUND,
  FINALIZER_SNAPSHOT_IN_GROUP,
  hasFinalizer,
  keyOf,
  parentGroupOf,
  type Stored,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  volumeSnapshotContents,
  volumeSnapshots,
  withoutFinalizer,
} from '../../kube/index.ts';
import { contentToDelete } from './content-to-delete.ts';
import { releaseClaim } from './source-claim.ts';
import { CLAIMS_BY_SNAPSHOT, updateFailed, type World } from './world.ts';

/** How soon it is looked whether what the cache has not heard of is gone: nobody tells of that. */
export const UNHEARD_OF_MS = 5_000;

type Snapshot = Stored<VolumeSnapshot>;
type Content = Stored<VolumeSnapshotContent>;

/**
 * Takes down a snapshot that is to go, and its content with it. Resolves to when it is to be looked at again, in
 * milliseconds; undefined: as soon as something is heard of.
 * Source: processSnapshotWithDeletionTimestamp, checkandRemoveSnapshotFinalizersAndCheckandDeleteContent.
 */
export async function deleteSnapshot(world: World, snapshot: Snapshot): Promise<number | undefined> {
  const finalizers = [FINALIZER_SNAPSHOT_AS_SOURCE, FINALIZER_SNAPSHOT_BOUND, FINALIZER_SNAPSHOT_IN_GROUP];
  if (!finalizers.some((finalizer) => hasFinalizer(snapshot, finalizer))) return undefined;
  const tell = (reason: string, message: string) =>
    world.recorder.event(snapshot, 'Warning', reason, message);
  const content = await contentToDelete(world, snapshot);
  const key = keyOf(snapshot);
  if (content && isRestored(world, snapshot)) {
    tell('SnapshotDeletePending', 'Snapshot is being used to restore a PVC');
    throw new Error(`snapshot ${key} is in use (being used to restore a PVC), will retry deletion`);
  }
  // Its status may not have told yet: upstream keeps such a member for ever.
  const groupName = snapshot.status?.volumeGroupSnapshotName ?? parentGroupOf(snapshot);
  if (groupName !== undefined && world.groups.get(groupName, snapshot.metadata.namespace)) {
    const message = `deletion of the individual volume snapshot ${key} is not allowed as it belongs to group snapshot ${snapshot.metadata.namespace}/${groupName}. Deleting the group snapshot will trigger the deletion of all the individual volume snapshots that are part of the group.`;
    tell('SnapshotDeletePending', message);
    throw new Error(message);
  }
  if (content) await markBeingDeleted(world, content);
  const contentGoes = content?.spec.deletionPolicy === 'Delete';
  if (content && contentGoes) {
    const { name } = content.metadata;
    try {
      await ignoreNotFound(world.client.delete(volumeSnapshotContents, { name }));
    } catch (error) {
      tell('SnapshotContentObjectDeleteError', 'Failed to delete snapshot content API object');
      const why = JSON.stringify(errorMessage(error));
      throw new Error(`failed to delete VolumeSnapshotContent ${name} from API server: ${why}`);
    }
  }
  await removeFinalizers(world, snapshot, [
    FINALIZER_SNAPSHOT_AS_SOURCE,
    // Kept until the content is gone, and the snapshot in the storage system with it.
    ...(contentGoes ? [] : [FINALIZER_SNAPSHOT_BOUND]),
    ...(groupName === undefined ? [] : [FINALIZER_SNAPSHOT_IN_GROUP]),
  ]);
  if (!content || !contentGoes) return undefined;
  // Of one that only the server knows its going may never be heard of: upstream waits for its next resync.
  return world.contents.get(content.metadata.name) ? undefined : UNHEARD_OF_MS;
}

/** Takes down a content whose snapshot has gone without it: nobody else would. */
export async function deleteOrphan(world: World, content: Content): Promise<void> {
  if (content.spec.deletionPolicy !== 'Delete') return;
  await markBeingDeleted(world, content);
  await ignoreNotFound(world.client.delete(volumeSnapshotContents, { name: content.metadata.name }));
}

/** Whether a volume is being made of the snapshot. Source: isVolumeBeingCreatedFromSnapshot. */
function isRestored({ claims }: World, snapshot: Snapshot): boolean {
  return claims
    .byIndex(CLAIMS_BY_SNAPSHOT, keyOf(snapshot))
    .some(({ status }) => status?.phase === 'Pending');
}

/** Source: removeSnapshotFinalizer. */
async function removeFinalizers(
  world: World,
  snapshot: Snapshot,
  finalizers: readonly string[],
): Promise<void> {
  const next = finalizers.reduce((left, finalizer) => withoutFinalizer(left, finalizer), snapshot);
  try {
    // Before: once the snapshot is gone nothing reminds of the claim.
    await releaseClaim(world, snapshot, { leaving: true });
    if (finalizers.some((finalizer) => hasFinalizer(snapshot, finalizer)))
      await ignoreNotFound(world.client.update(volumeSnapshots, next));
  } catch (error) {
    throw updateFailed(snapshot.metadata.name, error);
  }
}

/** Tells the sidecar that the content's snapshot is on its way out. Source: setAnnVolumeSnapshotBeingDeleted. */
export async function markBeingDeleted({ client }: World, content: Content): Promise<void> {
  if (annotation(content, ANN_SNAPSHOT_BEING_DELETED) !== undefined) return;
  const { name } = content.metadata;
  const body = { metadata: { annotations: { [ANN_SNAPSHOT_BEING_DELETED]: 'yes' } } };
  try {
    await client.patch(volumeSnapshotContents, { name }, { type: 'merge', body });
  } catch (error) {
    throw updateFailed(name, error);
  }
}
