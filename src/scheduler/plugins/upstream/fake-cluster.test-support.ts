import type { Client, InformerHandler, Informers } from '../../../client/index.ts';
import {
  type KubeObject,
  keyOf,
  notFound,
  type Resource,
  type Stored,
  staleObject,
} from '../../../kube/index.ts';

type Object = Stored<KubeObject>;
type IndexFunction = (object: Object) => readonly string[];

/** A cache that holds what a test puts into it. */
class FakeInformer {
  readonly #objects = new Map<string, Object>();
  readonly #handlers = new Set<InformerHandler<Object>>();
  readonly #indexes = new Map<string, IndexFunction>();

  addIndex(name: string, of: IndexFunction): this {
    this.#indexes.set(name, of);
    return this;
  }

  get(name: string, namespace?: string): Object | undefined {
    return this.#objects.get(namespace ? `${namespace}/${name}` : name);
  }

  byKey(key: string): Object | undefined {
    return this.#objects.get(key);
  }

  byIndex(index: string, value: string): readonly Object[] {
    return [...this.#objects.values()].filter((object) => this.#indexes.get(index)!(object).includes(value));
  }

  values(): IterableIterator<Object> {
    return this.#objects.values();
  }

  on(handler: InformerHandler<Object>): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  put(object: Object): void {
    const before = this.#objects.get(keyOf(object));
    this.#objects.set(keyOf(object), object);
    for (const handler of this.#handlers) {
      if (before) handler.updated?.(object, before);
      else handler.added?.(object);
    }
  }

  remove(object: Object): void {
    if (!this.#objects.delete(keyOf(object))) return;
    for (const handler of this.#handlers) handler.deleted?.(object);
  }
}

/** Caches, and a server whose objects may be ahead of them: it takes updates of the version that it has. */
export class FakeCluster {
  readonly #caches = new Map<string, FakeInformer>();
  readonly #server = new Map<string, Object>();
  readonly written: Object[] = [];

  readonly informers = { of: (resource: Resource<never>) => this.#cache(resource) } as unknown as Informers;

  readonly client = {
    update: async (resource: Resource<never>, object: Object) => {
      const key = `${resource.plural}/${keyOf(object)}`;
      const current = this.#server.get(key);
      if (!current) throw notFound(resource, object.metadata.name);
      const { resourceVersion } = object.metadata;
      if (current.metadata.resourceVersion !== resourceVersion)
        throw staleObject(resource, object.metadata.name);
      const metadata = { ...object.metadata, resourceVersion: String(Number(resourceVersion) + 1) };
      const next = { ...object, metadata };
      this.#server.set(key, next);
      this.written.push(next);
      this.#cache(resource).put(next);
      return next;
    },
    get: async (resource: Resource<never>, { namespace, name }: { namespace?: string; name: string }) => {
      const found = this.#server.get(`${resource.plural}/${namespace ? `${namespace}/` : ''}${name}`);
      if (!found) throw notFound(resource, name);
      return found;
    },
  } as unknown as Client;

  #cache(resource: Resource<never>): FakeInformer {
    let cache = this.#caches.get(resource.plural);
    if (!cache) {
      cache = new FakeInformer();
      this.#caches.set(resource.plural, cache);
    }
    return cache;
  }

  /** The caches and the server have these. */
  put<T extends KubeObject>(resource: Resource<T>, ...objects: readonly Stored<T>[]): void {
    for (const object of objects) {
      this.putOnServer(resource, object);
      this.#cache(resource as Resource<never>).put(object);
    }
  }

  /** Only the server has these. */
  putOnServer<T extends KubeObject>(resource: Resource<T>, ...objects: readonly Stored<T>[]): void {
    for (const object of objects) this.#server.set(`${resource.plural}/${keyOf(object)}`, object);
  }

  remove<T extends KubeObject>(resource: Resource<T>, ...objects: readonly Stored<T>[]): void {
    for (const object of objects) {
      this.#server.delete(`${resource.plural}/${keyOf(object)}`);
      this.#cache(resource as Resource<never>).remove(object);
    }
  }

  onServer<T extends KubeObject>(resource: Resource<T>, key: string): Stored<T> | undefined {
    return this.#server.get(`${resource.plural}/${key}`) as Stored<T> | undefined;
  }
}
