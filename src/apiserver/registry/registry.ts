import { type Clock, type Logger, type Random, silentLogger } from '../../base/index.ts';
import type { DeleteOptions, ListOptions, ObjectName, Patch, WatchOptions } from '../../client/index.ts';
import {
  events,
  isNotFound,
  joinKey,
  type KubeObject,
  notFound,
  qualifiedName,
  type Resource,
  type Stored,
  statusFailure,
} from '../../kube/index.ts';
import type { AdmissionReader } from '../admission/index.ts';
import type { AppliedWrite, Store, Table } from '../store/index.ts';
import { ensureNamespaces, SYSTEM } from './bootstrap.ts';
import type {
  Entry,
  EntryEvent,
  EntryList,
  Registry,
  RequestContext,
  ResourceDefinition,
} from './contract.ts';
import { builtInDefinitions } from './definitions/index.ts';
import { EVENT_TTL_MS, EventExpiry } from './event-expiry.ts';
import { list } from './list.ts';
import { applyPatch } from './patch/index.ts';
import { watch } from './watch.ts';
import { Writes } from './writes.ts';

export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Logger;
  /** How long events stay after they were last written, in milliseconds. @default 3600000 */
  readonly eventTtlMs?: number;
}

/** The registry over an open store, with the system's namespaces in place. */
export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const registry = new StoreRegistry(options);
  await ensureNamespaces(registry);
  return registry;
}

class StoreRegistry implements Registry {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #writes: Writes;
  readonly #definitions = new Map<string, ResourceDefinition>();
  /** What each resource that callers name has been found to be. */
  readonly #found = new WeakMap<Resource<never>, ResourceDefinition>();
  readonly #tables = new Map<ResourceDefinition, Table>();
  readonly #eventExpiry: EventExpiry;
  readonly failed: Promise<Error>;

  constructor({ store, clock, random, log = silentLogger, eventTtlMs }: RegistryOptions) {
    this.#store = store;
    this.#clock = clock;
    this.failed = store.failed;
    void store.failed.then((error) =>
      log.error('the store has failed; the API server refuses everything', { error }),
    );
    for (const definition of builtInDefinitions) {
      this.#definitions.set(
        definitionKey(definition.group, definition.version, definition.plural),
        definition,
      );
    }
    const reader: AdmissionReader = {
      get: (resource, namespace, name) => {
        const found = this.#find(resource);
        return this.#table(found).head(joinKey(namespace, name))?.object as Stored<never> | undefined;
      },
      list: (resource) => this.#objects(resource),
    };
    this.#writes = new Writes({ store, clock, random, reader });
    this.#eventExpiry = new EventExpiry({
      table: this.#table(this.#find(events)),
      clock,
      log,
      ttlMs: eventTtlMs ?? EVENT_TTL_MS,
      remove: ({ metadata }) => {
        const { resourceVersion } = metadata;
        return this.delete(events, metadata, { preconditions: { resourceVersion } }, SYSTEM);
      },
    });
  }

  definitions(): readonly ResourceDefinition[] {
    return [...this.#definitions.values()];
  }

  find(group: string, version: string, plural: string): ResourceDefinition | undefined {
    return this.#definitions.get(definitionKey(group, version, plural));
  }

  revision(): number {
    return this.#store.revision;
  }

  close(): Promise<void> {
    this.#eventExpiry.stop();
    return this.#store.close();
  }

  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): Entry<T> {
    this.#store.assertServing();
    const definition = this.#find(resource);
    const entry = this.#table(definition).get(keyFor(definition, name));
    if (!entry) throw notFound(definition, name.name);
    return entry as Entry<T>;
  }

  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): EntryList<T> {
    this.#store.assertServing();
    const definition = this.#find(resource);
    return list(this.#store, this.#table(definition), definition, options) as EntryList<T>;
  }

  watch<T extends KubeObject>(
    resource: Resource<T>,
    options?: WatchOptions,
  ): AsyncIterable<readonly EntryEvent<T>[]> {
    const definition = this.#find(resource);
    const events = watch(this.#store, this.#table(definition), definition, this.#clock, options);
    return events as AsyncGenerator<readonly EntryEvent<T>[]>;
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    context: RequestContext,
  ): Promise<Entry<T>> {
    const definition = this.#find(resource);
    return durable(this.#writes.create(this.#table(definition), definition, object, context)) as Promise<
      Entry<T>
    >;
  }

  async update<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    object: T,
    context: RequestContext,
    subresource?: string,
  ): Promise<Entry<T>> {
    const definition = this.#find(resource);
    checkUpdatable(definition, subresource);
    return this.#change<T>(definition, name, (table, key) =>
      this.#writes.update(table, definition, key, name.name, { context, subresource, build: () => object }),
    );
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    patch: Patch,
    context: RequestContext,
    options: { subresource?: string; force?: boolean } = {},
  ): Promise<Entry<T>> {
    const definition = this.#find(resource);
    checkUpdatable(definition, options.subresource);
    if (patch.type === 'apply') {
      const { subresource, force = false } = options;
      const request = { context, subresource, config: patch.body, force };
      return this.#change<T>(definition, name, (table, key) =>
        this.#writes.apply(table, definition, key, name, request),
      );
    }
    // Read, patched and written in one go: nothing can come between, so there is no conflict to retry.
    return this.#change<T>(definition, name, (table, key) =>
      this.#writes.update(table, definition, key, name.name, {
        context,
        subresource: options.subresource,
        build: (previous) => applyPatch(definition, previous, patch),
      }),
    );
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    options: DeleteOptions,
    context: RequestContext,
  ): Promise<{ entry: Entry<T>; finished: boolean }> {
    const definition = this.#find(resource);
    let finished = false;
    const entry = await this.#change<T>(definition, name, (table, key) => {
      const outcome = this.#writes.delete(table, definition, key, name.name, options, context);
      finished = outcome.finished;
      return outcome;
    });
    return { entry, finished };
  }

  async deleteCollection<T extends KubeObject>(
    resource: Resource<T>,
    selection: Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>,
    options: DeleteOptions,
    context: RequestContext,
  ): Promise<readonly Entry<T>[]> {
    const { entries } = this.list(resource, selection);
    const outcomes = await Promise.all(
      entries.map(({ object: { metadata } }) =>
        this.delete(resource, metadata, options, context).then(
          ({ entry }) => [entry],
          (error) => {
            // Somebody else was faster.
            if (isNotFound(error)) return [];
            throw error;
          },
        ),
      ),
    );
    return outcomes.flat();
  }

  async createSubresource(
    resource: Resource,
    name: ObjectName,
    subresource: string,
    body: KubeObject,
    context: RequestContext,
  ): Promise<object> {
    const definition = this.#find(resource);
    const action = definition.actions?.[subresource];
    if (!action) throw unsupported(definition, subresource);
    await this.#change(definition, name, (table, key) =>
      this.#writes.update(table, definition, key, name.name, {
        context,
        subresource,
        build: (previous) => action(previous, body, this.#clock.now()),
      }),
    );
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
  }

  /** Runs a write on an object that exists and waits until it is durable. */
  async #change<T extends KubeObject>(
    definition: ResourceDefinition,
    name: ObjectName,
    write: (table: Table, key: string) => AppliedWrite | Promise<AppliedWrite>,
  ): Promise<Entry<T>> {
    this.#store.assertServing();
    const table = this.#table(definition);
    const key = keyFor(definition, name);
    try {
      return (await durable(write(table, key))) as Entry<T>;
    } catch (error) {
      // The refusal may rest on a write that readers cannot see yet: answer once they can.
      await table.settled(key);
      throw error;
    }
  }

  #find(resource: Resource): ResourceDefinition {
    const known = this.#found.get(resource as Resource<never>);
    if (known) return known;
    const found = this.find(resource.group, resource.version, resource.plural);
    if (found) {
      this.#found.set(resource as Resource<never>, found);
      return found;
    }
    throw statusFailure(404, 'NotFound', 'the server could not find the requested resource', {
      group: resource.group || undefined,
      kind: resource.plural,
    });
  }

  #table(definition: ResourceDefinition): Table {
    let table = this.#tables.get(definition);
    if (!table) {
      table = this.#store.table(qualifiedName(definition));
      this.#tables.set(definition, table);
    }
    return table;
  }

  *#objects<T extends KubeObject>(resource: Resource<T>): Iterable<Stored<T>> {
    for (const [, entry] of this.#table(this.#find(resource)).entries()) yield entry.object as Stored<T>;
  }
}

async function durable(write: AppliedWrite | Promise<AppliedWrite>): Promise<Entry> {
  const { entry, durable } = await write;
  await durable;
  return entry;
}

function definitionKey(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}

function keyFor(definition: ResourceDefinition, { namespace, name }: ObjectName): string {
  return joinKey(definition.namespaced ? namespace : undefined, name);
}

function checkUpdatable(definition: ResourceDefinition, subresource: string | undefined): void {
  if (subresource === undefined || definition.updatable?.[subresource]) return;
  if (subresource === 'status' && definition.subresources.includes('status')) return;
  throw unsupported(definition, subresource);
}

function unsupported(definition: ResourceDefinition, subresource: string) {
  return statusFailure(404, 'NotFound', 'the server could not find the requested resource', {
    group: definition.group || undefined,
    kind: `${definition.plural}/${subresource}`,
  });
}
