import { aborted, type Clock, errorMessage, type Logger, type Random, sleep } from '../base/index.ts';
import { isExpired, joinKey, type KubeObject, keyOf, type Resource, type Stored } from '../kube/index.ts';
import type { Client } from './client.ts';

/** What to call when the cache changes. Calls come after the cache holds the change, in the order of the changes. */
export interface InformerHandler<T> {
  added?(object: T): void;
  updated?(object: T, previous: T): void;
  /** `object` is the last state known. */
  deleted?(object: T): void;
}

/** The values under which an index finds an object. */
export type IndexFunction<T> = (object: T) => readonly string[];

/** A read-only view of a cache. */
export interface Lister<T> {
  get(name: string, namespace?: string): T | undefined;
  /** By `namespace/name` or `name`. */
  byKey(key: string): T | undefined;
  /** By an index that was added before. */
  byIndex(index: string, value: string): readonly T[];
  values(): IterableIterator<T>;
  readonly size: number;
}

/** Those objects that an index, added before, finds under a value: before a change or after it. */
export interface Narrowed {
  readonly index: string;
  readonly value: string;
}

interface Index<T> {
  readonly of: IndexFunction<T>;
  readonly values: Map<string, Map<string, T>>;
}

/** The cache itself: objects by key, and indexes. */
class Cache<T extends KubeObject> {
  readonly objects = new Map<string, T>();
  readonly indexes = new Map<string, Index<T>>();

  addIndex(name: string, of: IndexFunction<T>): void {
    if (this.indexes.has(name)) return;
    const index: Index<T> = { of, values: new Map() };
    this.indexes.set(name, index);
    for (const [key, object] of this.objects) insert(index, key, object, of(object));
  }

  set(key: string, object: T): void {
    const previous = this.objects.get(key);
    this.objects.set(key, object);
    for (const index of this.indexes.values()) {
      const values = index.of(object);
      if (previous) {
        const before = index.of(previous);
        // Mostly it stays where it was.
        if (!sameValues(before, values)) remove(index, key, before);
      }
      insert(index, key, object, values);
    }
  }

  delete(key: string): void {
    const previous = this.objects.get(key);
    if (!previous) return;
    this.objects.delete(key);
    for (const index of this.indexes.values()) remove(index, key, index.of(previous));
  }
}

function sameValues(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((value, at) => value === b[at]);
}

function insert<T>(index: Index<T>, key: string, object: T, values: readonly string[]): void {
  for (const value of values) {
    let bucket = index.values.get(value);
    if (!bucket) {
      bucket = new Map();
      index.values.set(value, bucket);
    }
    bucket.set(key, object);
  }
}

function remove<T>(index: Index<T>, key: string, values: readonly string[]): void {
  for (const value of values) {
    const bucket = index.values.get(value);
    bucket?.delete(key);
    if (bucket?.size === 0) index.values.delete(value);
  }
}

export interface InformerOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/**
 * Keeps a cache of one resource equal to the server's by list and watch, and tells handlers of every change. After a
 * break it resumes from the last version it saw, or lists again when that is too old; handlers then get the difference.
 */
export class Informer<T extends KubeObject> implements Lister<Stored<T>> {
  readonly #resource: Resource<T>;
  readonly #options: InformerOptions;
  readonly #cache = new Cache<Stored<T>>();
  readonly #handlers = new Set<InformerHandler<Stored<T>>>();
  /** Handlers that want to hear of few objects only, by index and value. */
  readonly #narrow = new Map<string, Map<string, Set<InformerHandler<Stored<T>>>>>();
  readonly #synced = Promise.withResolvers<void>();
  #hasSynced = false;
  /** The version of the last list or event; undefined: a list is needed. */
  #seen: string | undefined;

  constructor(resource: Resource<T>, options: InformerOptions) {
    this.#resource = resource;
    this.#options = options;
  }

  /** Resolves once the first list is in the cache and its handlers have been called. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get size(): number {
    return this.#cache.objects.size;
  }

  get(name: string, namespace?: string): Stored<T> | undefined {
    return this.#cache.objects.get(joinKey(namespace, name));
  }

  byKey(key: string): Stored<T> | undefined {
    return this.#cache.objects.get(key);
  }

  byIndex(index: string, value: string): readonly Stored<T>[] {
    const found = this.#cache.indexes.get(index);
    if (!found) throw new Error(`informer of ${this.#resource.plural} has no index ${JSON.stringify(index)}`);
    return [...(found.values.get(value)?.values() ?? [])];
  }

  values(): IterableIterator<Stored<T>> {
    return this.#cache.objects.values();
  }

  /** Adds an index; one that is there already under this name is kept. */
  addIndex(name: string, of: IndexFunction<Stored<T>>): this {
    this.#cache.addIndex(name, of);
    return this;
  }

  /**
   * Calls the handler for what is in the cache (as added) and for every change, until the returned function is called.
   * With `only`, a change of any other object costs this handler nothing.
   */
  on(handler: InformerHandler<Stored<T>>, only?: Narrowed): () => void {
    const handlers = only ? this.#narrowed(only) : this.#handlers;
    handlers.add(handler);
    const known = only ? this.byIndex(only.index, only.value) : this.#cache.objects.values();
    for (const object of known) this.#tell(() => handler.added?.(object));
    return () => {
      const wasLast = handlers.delete(handler) && handlers.size === 0;
      if (only && wasLast) this.#narrow.get(only.index)?.delete(only.value);
    };
  }

  #narrowed({ index, value }: Narrowed): Set<InformerHandler<Stored<T>>> {
    let byValue = this.#narrow.get(index);
    if (!byValue) {
      byValue = new Map();
      this.#narrow.set(index, byValue);
    }
    let handlers = byValue.get(value);
    if (!handlers) {
      handlers = new Set();
      byValue.set(value, handlers);
    }
    return handlers;
  }

  /** Who hears of a change between these states of an object. */
  #audience(...states: readonly Stored<T>[]): Iterable<InformerHandler<Stored<T>>> {
    if (this.#narrow.size === 0) return this.#handlers;
    const audience = [...this.#handlers];
    for (const [name, byValue] of this.#narrow) {
      const { of } = this.#cache.indexes.get(name)!;
      for (const value of new Set(states.flatMap((state) => of(state)))) {
        audience.push(...(byValue.get(value) ?? []));
      }
    }
    return audience;
  }

  /** Lists and watches until the signal aborts. Never rejects: failures are logged and retried with back-off. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        const since = this.#seen ?? (await this.#relist(signal));
        this.#seen = since;
        const startedAt = clock.monotonic();
        await this.#follow(since, signal);
        // A server that ends watches at once and without news must not be asked in a tight loop.
        const useless = this.#seen === since && clock.monotonic() - startedAt < 1_000;
        failures = useless ? failures + 1 : 0;
      } catch (error) {
        if (signal.aborted) return;
        if (isExpired(error)) {
          this.#seen = undefined;
          continue;
        }
        failures++;
        log.warn(`list and watch of ${this.#resource.plural} failed; trying again`, {
          error: errorMessage(error),
        });
      }
      const delayMs =
        failures === 0 ? 0 : Math.min(30_000, 100 * 2 ** Math.min(failures - 1, 9)) * (1 + random.next() / 2);
      if (delayMs > 0) await sleep(clock, delayMs, signal).catch(() => undefined);
    }
  }

  async #relist(signal: AbortSignal): Promise<string> {
    const list = await this.#options.client.list(this.#resource, { signal });
    const present = new Set<string>();
    for (const object of list.items) {
      present.add(keyOf(object));
      this.#put(object);
    }
    for (const [key, object] of this.#cache.objects) if (!present.has(key)) this.#drop(key, object);
    if (!this.#hasSynced) {
      this.#hasSynced = true;
      this.#synced.resolve();
    }
    return list.metadata.resourceVersion;
  }

  /** Applies changes until the watch ends or breaks off. The next goes on from what was seen, never from before. */
  async #follow(resourceVersion: string, signal: AbortSignal): Promise<void> {
    const watch = this.#options.client.watch(this.#resource, {
      resourceVersion,
      allowWatchBookmarks: true,
      signal,
    });
    for await (const event of watch) {
      this.#seen = event.object.metadata.resourceVersion;
      if (event.type === 'DELETED') this.#drop(keyOf(event.object), event.object);
      else if (event.type !== 'BOOKMARK') this.#put(event.object);
    }
  }

  #put(object: Stored<T>): void {
    const key = keyOf(object);
    const previous = this.#cache.objects.get(key);
    if (previous?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.#cache.set(key, object);
    for (const handler of this.#audience(object, ...(previous ? [previous] : []))) {
      this.#tell(() => (previous ? handler.updated?.(object, previous) : handler.added?.(object)));
    }
  }

  #drop(key: string, object: Stored<T>): void {
    if (!this.#cache.objects.has(key)) return;
    this.#cache.delete(key);
    for (const handler of this.#audience(object)) this.#tell(() => handler.deleted?.(object));
  }

  #tell(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#options.log.error(`a handler of ${this.#resource.plural} failed`, { error });
    }
  }
}

/** One informer a resource, shared by every component of a process. */
export class Informers {
  readonly #options: InformerOptions;
  readonly #informers = new Map<Resource<never>, Informer<never>>();
  #signal: AbortSignal | undefined;
  readonly #running = new Set<Promise<void>>();

  constructor(options: InformerOptions) {
    this.#options = options;
  }

  /** The informer of a resource; it runs as soon as the set is started. */
  of<T extends KubeObject>(resource: Resource<T>): Informer<T> {
    const found = this.#informers.get(resource as Resource<never>);
    if (found) return found as unknown as Informer<T>;
    const informer = new Informer(resource, this.#options);
    this.#informers.set(resource as Resource<never>, informer as unknown as Informer<never>);
    if (this.#signal) this.#run(informer);
    return informer;
  }

  /** Runs every informer, present and future, until the signal aborts; resolves when all have ended. */
  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const informer of this.#informers.values()) this.#run(informer);
    await aborted(signal);
    await Promise.all(this.#running);
  }

  /** Resolves once all of `informers` hold their first list, or the signal aborts. */
  static async synced(
    signal: AbortSignal,
    ...informers: readonly { synced: Promise<void> }[]
  ): Promise<void> {
    await Promise.race([aborted(signal), Promise.all(informers.map((informer) => informer.synced))]);
  }

  #run(informer: { run(signal: AbortSignal): Promise<void> }): void {
    const run = informer.run(this.#signal!).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }
}
