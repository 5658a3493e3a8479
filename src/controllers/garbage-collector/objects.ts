import { type Client, type DeleteOptions, ignoreNotFound, type ObjectName } from '../../client/index.ts';
import {
  hasFinalizer,
  isConflict,
  keyOf,
  type OwnerReference,
  type Resource,
  splitKey,
} from '../../kube/index.ts';
import type { Found } from './monitors.ts';
import type { Kept } from './references.ts';

const FINALIZER_ATTEMPTS = 5;

/** The collector's reads and writes. An object that is gone is what it wants, never an error. */
export class Objects {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  get(resource: Resource, name: ObjectName, signal: AbortSignal): Promise<Kept | undefined> {
    return ignoreNotFound(this.#client.get(resource, name, { signal }));
  }

  async delete(resource: Resource, name: ObjectName, options: DeleteOptions): Promise<void> {
    await ignoreNotFound(this.#client.delete(resource, name, options));
  }

  async removeFinalizer({ resource, object }: Found, finalizer: string, signal: AbortSignal): Promise<void> {
    const name = splitKey(keyOf(object));
    for (let attempt = 1; ; attempt++) {
      const latest = await this.get(resource, name, signal);
      if (!latest || latest.metadata.uid !== object.metadata.uid || !hasFinalizer(latest, finalizer)) return;
      const { resourceVersion } = latest.metadata;
      const finalizers = latest.metadata.finalizers?.filter((other) => other !== finalizer);
      const body = { metadata: { resourceVersion, finalizers } };
      try {
        await ignoreNotFound(this.#client.patch(resource, name, { type: 'merge', body }, { signal }));
        return;
      } catch (error) {
        if (!isConflict(error) || attempt === FINALIZER_ATTEMPTS) throw error;
      }
    }
  }

  /** Writes the references if the object is still as seen; undefined when it is gone. */
  setOwners(
    { resource, object }: Found,
    ownerReferences: readonly OwnerReference[],
    signal: AbortSignal,
  ): Promise<Kept | undefined> {
    const { uid, resourceVersion } = object.metadata;
    const owners = ownerReferences.length > 0 ? ownerReferences : null;
    const body = { metadata: { uid, resourceVersion, ownerReferences: owners } };
    const name = splitKey(keyOf(object));
    return ignoreNotFound(this.#client.patch(resource, name, { type: 'merge', body }, { signal }));
  }
}
