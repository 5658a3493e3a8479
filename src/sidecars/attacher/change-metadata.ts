import type { Client } from '../../client/index.ts';
import {
  isConflict,
  type KubeObject,
  keyOf,
  type Resource,
  type Stored,
  splitKey,
} from '../../kube/index.ts';

const ATTEMPTS = 5;

/** The metadata that the attacher writes. */
export interface MetadataChange {
  readonly finalizers?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * Changes finalizers and annotations without ever bringing back what somebody else has removed: the write holds only
 * for the version that `change` saw; on a conflict it is computed anew from the live object. `change` returns
 * undefined when nothing is to do.
 */
export async function changeMetadata<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: Stored<T>,
  change: (object: Stored<T>) => MetadataChange | undefined,
  signal: AbortSignal,
): Promise<Stored<T>> {
  const name = splitKey(keyOf(object));
  let latest = object;
  for (let attempt = 1; ; attempt++) {
    const metadata = change(latest);
    if (!metadata) return latest;
    const { resourceVersion } = latest.metadata;
    const body = { metadata: { ...metadata, resourceVersion } };
    try {
      return await client.patch(resource, name, { type: 'merge', body }, { signal });
    } catch (error) {
      if (!isConflict(error) || attempt === ATTEMPTS) throw error;
      latest = await client.get(resource, name, { signal });
    }
  }
}

export function addFinalizer(finalizer: string): (object: KubeObject) => MetadataChange | undefined {
  return ({ metadata }) => {
    const finalizers = metadata?.finalizers ?? [];
    return finalizers.includes(finalizer) ? undefined : { finalizers: [...finalizers, finalizer] };
  };
}

export function removeFinalizer(finalizer: string): (object: KubeObject) => MetadataChange | undefined {
  return ({ metadata }) => {
    const finalizers = metadata?.finalizers ?? [];
    if (!finalizers.includes(finalizer)) return undefined;
    return { finalizers: finalizers.filter((name) => name !== finalizer) };
  };
}
