import { type Client, ignoreNotFound } from '../../client/index.ts';
import {
  type ControllerRevision,
  controllerOf,
  controllerRevisions,
  isAlreadyExists,
  type KubeObject,
  keyOf,
  type Stored,
  splitKey,
} from '../../kube/index.ts';
import { canonical } from './canonical.ts';

type NewRevision = ControllerRevision & { readonly metadata: { readonly name: string } };

/**
 * The revision as made now, or as made before the cache could show it; undefined when its name is taken by a revision
 * with another content and the same hash, or by another's.
 */
export async function createRevision(
  client: Client,
  owner: Stored<KubeObject>,
  revision: NewRevision,
  signal: AbortSignal,
): Promise<Stored<ControllerRevision> | undefined> {
  try {
    return await client.create(controllerRevisions, revision, { signal });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const found = await client.get(controllerRevisions, splitKey(keyOf(revision)), { signal });
    const ours = controllerOf(found)?.uid === owner.metadata.uid;
    return ours && canonical(found.data) === canonical(revision.data) ? found : undefined;
  }
}

export async function deleteRevisions(
  client: Client,
  revisions: readonly Stored<ControllerRevision>[],
  signal: AbortSignal,
): Promise<void> {
  for (const revision of revisions) {
    const preconditions = { uid: revision.metadata.uid };
    await ignoreNotFound(
      client.delete(controllerRevisions, splitKey(keyOf(revision)), { preconditions, signal }),
    );
  }
}
