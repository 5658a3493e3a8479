import { type Clock, type Logger, type Random, silentLogger } from '../../base/index.ts';
import type { DeleteOptions, ListOptions, ObjectName, Patch, WatchOptions } from '../../client/index.ts';
import {
  customResourceDefinitions,
  events,
  forbidden,
  isNotFound,
  joinKey,
  type KubeObject,
  keyOf,
  notFound,
  pods,
  type Resource,
  type Scale,
  type Stored,
} from '../../kube/index.ts';
import { type AdmissionReader, admissionPlugins } from '../admission/index.ts';
import { type Authorization, createAuthorization } from '../auth/authorization/index.ts';
import { CustomResources } from '../crd/custom-resources.ts';
import type { AppliedWrite, Store, Table } from '../store/index.ts';
import { Answers, checkUpdatable, unsupported } from './answers.ts';
import { ensureSystemObjects, SYSTEM } from './bootstrap.ts';
import { admissionReader, authorizationSource, Catalogue } from './catalogue.ts';
import {
  type Answer,
  type Entry,
  type EntryEvent,
  type EntryList,
  type Registry,
  type RequestContext,
  type ResourceDefinition,
  type ScaleView,
  storedForm,
} from './contract.ts';
import { customResourcesHost } from './custom-kinds.ts';
import { EVENT_TTL_MS, EventExpiry } from './event-expiry.ts';
import { list } from './list.ts';
import { evictions } from './operations/evict.ts';
import { applyPatch, misfit } from './patch/index.ts';
import { type ScaleRequest, scaleEntry } from './scale.ts';
import { watch } from './watch.ts';
import { durable, Writes } from './writes.ts';

export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Logger;
  /** How long events stay after they were last written, in milliseconds. @default 3600000 */
  readonly eventTtlMs?: number;
  /** Admission that counts on controllers beside the server: ServiceAccount. @default none */
  readonly enableAdmission?: readonly string[];
}

/** The registry over an open store, with the system's own objects in place. */
export async function createRegistry(options: RegistryOptions): Promise<Registry> {
  const registry = new StoreRegistry(options);
  await ensureSystemObjects(registry);
  await registry.startCustomResources();
  return registry;
}

class StoreRegistry implements Registry {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #writes: Writes;
  readonly #catalogue: Catalogue;
  readonly #custom: CustomResources;
  readonly #answers = new Answers();
  readonly #eventExpiry: EventExpiry;
  readonly failed: Promise<Error>;
  readonly authorization: Authorization;

  constructor(options: RegistryOptions) {
    const { store, clock, random, log = silentLogger, eventTtlMs } = options;
    this.#store = store;
    this.#clock = clock;
    this.failed = store.failed;
    void store.failed.then((error) =>
      log.error('the store has failed; the API server refuses everything', { error }),
    );
    this.#catalogue = new Catalogue(store);
    const reader = admissionReader(this.#catalogue, clock);
    this.authorization = createAuthorization(authorizationSource(this.#catalogue));
    this.#writes = new Writes({
      store,
      clock,
      random,
      reader,
      admission: admissionPlugins(options.enableAdmission),
      authorization: this.authorization,
      tableOf: (resource) => this.#catalogue.tableOf(resource),
    });
    this.#answers.set(pods, this.#evictions(reader), 'eviction');
    this.#custom = new CustomResources(
      customResourcesHost({
        catalogue: this.#catalogue,
        writes: this.#writes,
        registry: this,
        now: () => clock.now(),
        log,
      }),
    );
    this.#eventExpiry = new EventExpiry({
      table: this.#catalogue.tableOf(events),
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
    return this.#catalogue.all();
  }

  find(group: string, version: string, plural: string): ResourceDefinition | undefined {
    return this.#catalogue.find(group, version, plural);
  }

  startCustomResources(): Promise<void> {
    return this.#custom.start();
  }

  revision(): number {
    return this.#store.revision;
  }

  close(): Promise<void> {
    this.#eventExpiry.stop();
    return this.#store.close();
  }

  answerWith(resource: Resource, answer: Answer, subresource?: string): void {
    this.#answers.set(resource, answer, subresource);
  }

  get<T extends KubeObject>(resource: Resource<T>, name: ObjectName): Entry<T> {
    this.#store.assertServing();
    const definition = this.#catalogue.of(resource);
    const entry = this.#catalogue.table(definition).get(keyFor(definition, name));
    if (!entry) throw notFound(definition, name.name);
    return shown(definition, entry) as Entry<T>;
  }

  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): EntryList<T> {
    this.#store.assertServing();
    const definition = this.#catalogue.of(resource);
    return list(this.#store, this.#catalogue.table(definition), definition, options) as EntryList<T>;
  }

  count(resource: Resource): number {
    return this.#catalogue.table(this.#catalogue.of(resource)).size;
  }

  watch<T extends KubeObject>(
    resource: Resource<T>,
    options?: WatchOptions,
  ): AsyncIterable<readonly EntryEvent<T>[]> {
    const definition = this.#catalogue.of(resource);
    const events = watch(this.#store, this.#catalogue.table(definition), definition, this.#clock, options);
    return events as AsyncIterableIterator<readonly EntryEvent<T>[]>;
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    context: RequestContext,
  ): Promise<Entry<T>> {
    const definition = this.#catalogue.of(resource);
    if (!definition.verbs.includes('get')) return this.#answers.toCreate(definition, object, context);
    const entry = await durable(
      this.#writes.create(this.#catalogue.table(definition), definition, object, context),
    );
    const written = this.#written(definition, entry);
    if (written) await written;
    return shown(definition, entry) as Entry<T>;
  }

  async update<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    object: T,
    context: RequestContext,
    subresource?: string,
  ): Promise<Entry<T>> {
    const definition = this.#catalogue.of(resource);
    const { scale } = definition;
    if (subresource === 'scale' && scale)
      return this.#scale(definition, scale, name, { context, asked: object as KubeObject as Scale });
    checkUpdatable(definition, subresource);
    const mayCreate = subresource === undefined && definition.strategy.createsOnUpdate;
    return this.#change<T>(definition, name, (table, key) =>
      mayCreate && !table.head(key)
        ? this.#writes.createByOther(table, definition, object, context)
        : this.#writes.update(table, definition, key, name.name, {
            context,
            subresource,
            build: () => object,
          }),
    );
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    patch: Patch,
    context: RequestContext,
    options: { subresource?: string; force?: boolean } = {},
  ): Promise<Entry<T>> {
    const definition = this.#catalogue.of(resource);
    const { scale } = definition;
    if (options.subresource === 'scale' && scale)
      return this.#scale(definition, scale, name, { context, asked: patch, force: options.force });
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
        refuse: (patched, why) => misfit(patch, patched, definition.kind, why),
      }),
    );
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    name: ObjectName,
    options: DeleteOptions,
    context: RequestContext,
  ): Promise<{ entry: Entry<T>; finished: boolean }> {
    const definition = this.#catalogue.of(resource);
    const why = definition.strategy.whyKept?.(name.name);
    if (why !== undefined) throw forbidden(definition, name.name, why);
    return this.#delete(definition, name, options, context);
  }

  async #delete<T extends KubeObject>(
    definition: ResourceDefinition,
    name: ObjectName,
    options: DeleteOptions,
    context: RequestContext,
  ): Promise<{ entry: Entry<T>; finished: boolean }> {
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
    selection: ListOptions,
    options: DeleteOptions,
    context: RequestContext,
  ): Promise<readonly Entry<T>[]> {
    const { entries } = this.list<T>(resource, selection);
    const definition = this.#catalogue.of(resource);
    const outcomes = await Promise.all(
      entries.map(({ object: { metadata } }) =>
        this.#delete<T>(definition, metadata, options, context).then(
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
    sent: KubeObject,
    context: RequestContext,
  ): Promise<object> {
    const definition = this.#catalogue.of(resource);
    const body = this.#writes.admitSubresource(definition, name, subresource, sent, context);
    const answer = this.#answers.get(definition, subresource);
    if (answer) return answer({ name, body, context });
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

  /** Sets an object's replicas; what comes back is its Scale. */
  async #scale<T extends KubeObject>(
    definition: ResourceDefinition,
    view: ScaleView,
    name: ObjectName,
    request: ScaleRequest,
  ): Promise<Entry<T>> {
    const entry = await this.#change(definition, name, (table, key) =>
      this.#writes.scale(table, definition, view, key, name.name, request),
    );
    return scaleEntry(view, entry) as Entry<T>;
  }

  #evictions(reader: AdmissionReader): Answer {
    const update = (resource: Resource, object: Stored<KubeObject>, context: RequestContext) => {
      const definition = this.#catalogue.of(resource);
      const { name } = object.metadata;
      const request = { context, subresource: 'status', build: () => object };
      this.#writes.update(this.#catalogue.table(definition), definition, keyOf(object), name, request);
    };
    return evictions({
      reader,
      now: () => this.#clock.now(),
      updateStatus: update,
      deletePod: (name, options, context) => this.delete(pods, name, options, context),
    });
  }

  /** Runs a write on an object that exists and waits until it is durable. */
  async #change<T extends KubeObject>(
    definition: ResourceDefinition,
    name: ObjectName,
    write: (table: Table, key: string) => AppliedWrite | Promise<AppliedWrite>,
  ): Promise<Entry<T>> {
    this.#store.assertServing();
    const table = this.#catalogue.table(definition);
    const key = keyFor(definition, name);
    try {
      const entry = await durable(write(table, key));
      const written = this.#written(definition, entry);
      if (written) await written;
      return shown(definition, entry) as Entry<T>;
    } catch (error) {
      // The refusal may rest on a write that readers cannot see yet: answer once they can.
      await table.settled(key);
      throw error;
    }
  }

  /** A definition that was written is served before the write is answered; nothing else waits. */
  #written(definition: ResourceDefinition, entry: Entry): Promise<unknown> | undefined {
    if (definition.group !== customResourceDefinitions.group) return undefined;
    return this.#custom.sync(entry.object.metadata.name);
  }
}

/** A stored object as the version that was asked for shows it. */
function shown(definition: ResourceDefinition, entry: Entry): Entry {
  return storedForm(definition)?.read(entry) ?? entry;
}

function keyFor(definition: ResourceDefinition, { namespace, name }: ObjectName): string {
  return joinKey(definition.namespaced ? namespace : undefined, name);
}
