import {
  FINALIZER_SNAPSHOT_AS_SOURCE,
  FINALIZER_SNAPSHOT_BOUND,
  FINALIZER_SNAPSHOT_CONTENT,
  hasFinalizer,
  isBeingDeleted,
  joinKey,
  refersTo,
  type Stored,
  type VolumeSnapshotContent,
  volumeSnapshotContents,
  withFinalizer,
} from '../../kube/index.ts';
import { markBeingDeleted } from './delete-snapshot.ts';
import { isBehind } from './status.ts';
import { updateFailed, type World } from './world.ts';

type Content = Stored<VolumeSnapshotContent>;

/** The snapshot that a content names. */
export function snapshotKeyOf({ spec: { volumeSnapshotRef } }: VolumeSnapshotContent): string {
  return joinKey(volumeSnapshotRef.namespace, volumeSnapshotRef.name ?? '');
}

/**
 * What a content asks of its snapshot. A content whose snapshot is missing is left alone: its author may have copied
 * manifests, and the data is still there. Source: syncContent of external-snapshotter's common controller.
 */
export async function syncContent(
  world: World,
  content: Content,
  wakeSnapshot: (key: string) => void,
): Promise<void> {
  const { source, volumeSnapshotRef } = content.spec;
  if ((source.volumeHandle === undefined) === (source.snapshotHandle === undefined)) {
    const message = 'Exactly one of VolumeHandle and SnapshotHandle should be specified';
    world.recorder.event(content, 'Warning', 'ContentValidationError', message);
    throw new Error(message);
  }
  // Still to be bound, which is the snapshot's affair.
  if (!volumeSnapshotRef.uid) return;
  if (!isBeingDeleted(content) && !hasFinalizer(content, FINALIZER_SNAPSHOT_CONTENT)) {
    await addFinalizer(world, content);
    return;
  }
  const key = snapshotKeyOf(content);
  const snapshot = world.snapshots.byKey(key);
  // One of the same name that was made later is another.
  if (!snapshot || !refersTo(content, snapshot)) return;
  if (isBehind(snapshot, content)) wakeSnapshot(key);
  const isHeld = [FINALIZER_SNAPSHOT_AS_SOURCE, FINALIZER_SNAPSHOT_BOUND].some((finalizer) =>
    hasFinalizer(snapshot, finalizer),
  );
  if (isBeingDeleted(snapshot) && isHeld) await markBeingDeleted(world, content);
}

async function addFinalizer({ client }: World, content: Content): Promise<void> {
  const { name, resourceVersion } = content.metadata;
  const { metadata } = withFinalizer(content, FINALIZER_SNAPSHOT_CONTENT);
  const body = { metadata: { resourceVersion, finalizers: metadata.finalizers } };
  try {
    await client.patch(volumeSnapshotContents, { name }, { type: 'merge', body });
  } catch (error) {
    throw updateFailed(name, error);
  }
}
