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

  /** Many writes have been done at once, and nobody told which. Those that come meanwhile have told of themselves. */
  async catchUp(client: Client): Promise<void> {
    const { items, metadata } = await client.list(this.resource);
    const listed = new Set<string>();
    for (const object of items) {
      listed.add(object.metadata.name);
      this.wrote('list', object);
    }
    for (const [name, known] of this.#objects) {
      const isOlder = Number(known.metadata.resourceVersion) <= Number(metadata.resourceVersion);
      if (isOlder && !listed.has(name)) this.#objects.delete(name);
    }
  }

  /**
   * Begins anew: writes may have been done that nobody was told of. Returns what is older than it was said to be, in words;
   * undefined: nothing.
   */
  async load(client: Client): Promise<string | undefined> {
    const { items } = await client.list(this.resource);
    let older: string | undefined;
    for (const { metadata } of items) {
      const known = this.#objects.get(metadata.name)?.metadata.resourceVersion;
      if (known !== undefined && Number(known) > Number(metadata.resourceVersion))
        older = `${this.resource.kind} ${metadata.name} was @${known}, and is @${metadata.resourceVersion}`;
    }
    this.#objects.clear();
    for (const object of items) this.#objects.set(object.metadata.name, object);
    return older;
  }
}
