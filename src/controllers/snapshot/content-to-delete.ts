import { ignoreNotFound } from '../../client/index.ts';
import {
  contentNameFor,
  parentGroupOf,
  refersTo,
  type Stored,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  volumeSnapshotContents,
} from '../../kube/index.ts';
import { memberContentName } from './group-content.ts';
import type { World } from './world.ts';

type Snapshot = Stored<VolumeSnapshot>;
type Content = Stored<VolumeSnapshotContent>;

/** The content that goes with a snapshot: one that is the snapshot's, as both say. */
export async function contentToDelete(
  { client, contents }: World,
  snapshot: Snapshot,
): Promise<Content | undefined> {
  const isMember = parentGroupOf(snapshot) !== undefined;
  const isDynamic = snapshot.spec.source.persistentVolumeClaimName !== undefined;
  // A content may have been made without the snapshot's status telling yet.
  const made = isMember ? memberContentName(snapshot) : contentNameFor(snapshot);
  const name = snapshot.status?.boundVolumeSnapshotContentName || (isDynamic ? made : '');
  // One that has just been made is not in the cache yet: upstream leaves it for ever.
  const content =
    contents.get(name) ??
    (name ? await ignoreNotFound(client.get(volumeSnapshotContents, { name })) : undefined);
  if (!content) return undefined;
  return refersTo(content, snapshot) || (isMember && isHalfMade(content, snapshot)) ? content : undefined;
}

/** Whether the content of a member does not say so yet, as it is made first: upstream leaves it when the member goes. */
function isHalfMade({ metadata, spec: { volumeSnapshotRef } }: Content, snapshot: Snapshot): boolean {
  const { name, namespace, uid } = volumeSnapshotRef;
  const isNamed = name === snapshot.metadata.name && namespace === snapshot.metadata.namespace;
  return !uid && isNamed && metadata.name === memberContentName(snapshot);
}
