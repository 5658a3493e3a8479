import { type Client, ignoreNotFound } from '../client/index.ts';
import {
  type DeletionPolicy,
  isBeingDeleted,
  type KubeObject,
  type ObjectReference,
  type Resource,
  type Stored,
  volumeGroupSnapshotContents,
  volumeGroupSnapshots,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../kube/index.ts';
import type { UserRequests } from './user-requests.ts';

interface Content extends KubeObject {
  readonly spec: { readonly deletionPolicy: DeletionPolicy };
}

interface Kind<T extends Content> {
  readonly contents: Resource<T>;
  readonly snapshots: Resource<KubeObject>;
  snapshotOf(content: Stored<T>): ObjectReference;
}

/** Deletes snapshots, and groups of them, that were to outlive their objects. */
export async function deleteRetainedSnapshots(client: Client, requests: UserRequests): Promise<void> {
  await deleteRetained(client, requests, {
    contents: volumeGroupSnapshotContents,
    snapshots: volumeGroupSnapshots as Resource<KubeObject>,
    snapshotOf: ({ spec }) => spec.volumeGroupSnapshotRef,
  });
  await deleteRetained(client, requests, {
    contents: volumeSnapshotContents,
    snapshots: volumeSnapshots as Resource<KubeObject>,
    snapshotOf: ({ spec }) => spec.volumeSnapshotRef,
  });
}

async function deleteRetained<T extends Content>(
  client: Client,
  requests: UserRequests,
  kind: Kind<T>,
): Promise<void> {
  const { contents, snapshots, snapshotOf } = kind;
  for (const content of (await client.list(contents)).items) {
    if (isBeingDeleted(content) || content.spec.deletionPolicy === 'Delete') continue;
    const { name, namespace } = snapshotOf(content);
    const there = await ignoreNotFound(client.get(snapshots, { name: name!, namespace }));
    if (there) continue;
    const body = { spec: { deletionPolicy: 'Delete' } };
    await requests.patch('patch', contents as Resource, content.metadata.name, body);
    await requests.delete(contents, content.metadata.name);
  }
}
