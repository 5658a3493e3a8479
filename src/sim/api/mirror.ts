import type { Client } from '../../client/index.ts';
import type { KubeObject, Resource, Stored } from '../../kube/index.ts';

/** The objects of one kind as the API server has them at this moment, told of by every write. */
export class Mirror<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly #objects = new Map<string, Stored<T>>();

  constructor(resource: Resource<T>) {
    this.resource = resource;
  }

  values(): Iterable<Stored<T>> {
    return this.#objects.values();
  }

  get(name: string): Stored<T> | undefined {
    return this.#objects.get(name);
  }

  /** What a write has made of an object. */
  wrote(verb: string, object: Stored<T>): void {
    const { name, resourceVersion, finalizers, deletionTimestamp } = object.metadata;
    const known = this.#objects.get(name);
    if (known && Number(known.metadata.resourceVersion) > Number(resourceVersion)) return;
    // Nothing holds it any more.
    const gone = !finalizers?.length && (verb === 'delete' || deletionTimestamp !== undefined);
    if (gone) this.#objects.delete(name);
    else this.#objects.set(name, object);
  }

  /** Begins anew: writes may have been done that nobody was told of. */
  async load(client: Client): Promise<void> {
    const { items } = await client.list(this.resource);
    this.#objects.clear();
    for (const object of items) this.#objects.set(object.metadata.name, object);
  }
}
