import type { Client } from '../../../client/index.ts';
import { isConflict, type KubeObject, type Resource, type Stored } from '../../../kube/index.ts';

const MAX_TRIES = 4;

/**
 * Updates an object that was changed from a cached version. When the cache was behind (somebody added a finalizer, say)
 * `redo` makes the change again on the latest version, or says by `undefined` that it no longer applies; that and every
 * other failure rejects.
 */
export async function writeHeld<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  held: Stored<T>,
  redo: (latest: Stored<T>) => Stored<T> | undefined,
  signal: AbortSignal,
): Promise<Stored<T>> {
  let wanted: Stored<T> = held;
  for (let tries = 1; ; tries++) {
    try {
      return await client.update<T>(resource, wanted, { signal });
    } catch (error) {
      if (!isConflict(error) || tries === MAX_TRIES) throw error;
      const { namespace, name } = held.metadata;
      const latest = await client.get<T>(resource, { namespace, name }, { signal });
      const again = latest.metadata.uid === held.metadata.uid ? redo(latest) : undefined;
      if (!again) throw error;
      wanted = again;
    }
  }
}
