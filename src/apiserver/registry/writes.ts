import { type Clock, deepFreeze, type Random } from '../../base/index.ts';
import type { DeleteOptions, ObjectName } from '../../client/index.ts';
import {
  alreadyExists,
  apiVersionOf,
  badRequest,
  conflict,
  invalid,
  joinKey,
  type KubeObject,
  keyOf,
  notFound,
  type ObjectMeta,
  type Resource,
  type StatusCause,
  type Stored,
} from '../../kube/index.ts';
import {
  type AdmissionPlugin,
  type AdmissionReader,
  admit,
  prepareAdmission,
  validateAdmission,
} from '../admission/index.ts';
import { type Authorization, forbiddenFor } from '../auth/authorization/index.ts';
import { type AppliedWrite, type Store, StoredEntry, type Table } from '../store/index.ts';
import { type Entry, type RequestContext, type ResourceDefinition, storedForm } from './contract.ts';
import { readInput } from './input.ts';
import {
  applyConfiguration,
  keepTimes,
  type ManagedFieldsEntry,
  type TrackedWrite,
  trackCreate,
  trackUpdate,
} from './managed-fields/index.ts';
import { decideDeletion, finishesDeletion } from './operations/delete.ts';
import { carriedMetadata, checkUpdatePreconditions, newMetadata } from './operations/metadata.ts';
import { copyFrozen, freezeRest } from './schema/index.ts';
import { isDNS1123Subdomain, validateMetadata, validateMetadataUpdate } from './validation/index.ts';

/** Who writes without saying so, for managedFields: this system's own components. */
const COMPONENT_MANAGER = 'stowage';
/** Upstream gives up after as many names that are all taken. */
const GENERATE_NAME_ATTEMPTS = 8;
const DURABLE = Promise.resolve();

export interface UpdateRequest {
  readonly context: RequestContext;
  readonly subresource?: string;
  /** The object that the client wants, from the present one. */
  build(previous: Stored<KubeObject>): KubeObject;
  /** The object that `build` gives carries its new managedFields (server-side apply). */
  readonly carriesManagedFields?: boolean;
}

export interface ApplyRequest {
  readonly context: RequestContext;
  readonly subresource?: string;
  /** The applied configuration, as it was sent. */
  readonly config: unknown;
  /** Takes over what others own instead of failing with a conflict. */
  readonly force: boolean;
}

/**
 * The writes of any resource, from what the client sent to what the store gets. All of it runs in one turn on the
 * newest state, so nothing can come between a check and its write.
 */
export class Writes {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #reader: AdmissionReader;
  readonly #admission: readonly AdmissionPlugin[];
  readonly #authorization: Authorization;
  readonly #tableOf: (resource: Resource<never>) => Table;
  /** What admission wants written together with the object that it has just admitted. */
  #beside: { readonly table: Table; readonly object: KubeObject }[] = [];

  constructor(parts: {
    store: Store;
    clock: Clock;
    random: Random;
    reader: AdmissionReader;
    admission: readonly AdmissionPlugin[];
    authorization: Authorization;
    tableOf: (resource: Resource<never>) => Table;
  }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#reader = parts.reader;
    this.#admission = parts.admission;
    this.#authorization = parts.authorization;
    this.#tableOf = parts.tableOf;
  }

  async create(
    table: Table,
    definition: ResourceDefinition,
    sent: KubeObject,
    context: RequestContext,
    carriesManagedFields = false,
  ): Promise<AppliedWrite> {
    this.#store.assertServing();
    const input = readInput(definition, sent, undefined, context);
    checkNew(definition, input);
    const wait = this.#waitBefore(definition, input, context);
    if (wait) await wait;
    const generates = !input.metadata?.name && Boolean(input.metadata?.generateName);
    for (let attempt = 1; ; attempt++) {
      const object = this.#admitNew(definition, input, context, carriesManagedFields);
      const { name, namespace } = object.metadata!;
      const key = joinKey(namespace, name!);
      if (!table.head(key)) {
        if (context.dryRun) return { entry: unsaved(object), durable: DURABLE };
        return this.#put(definition, table, key, object);
      }
      if (generates && attempt < GENERATE_NAME_ATTEMPTS) continue;
      // The one that is in the way may not be visible yet.
      await table.settled(key);
      throw alreadyExists(definition, name!);
    }
  }

  update(
    table: Table,
    definition: ResourceDefinition,
    key: string,
    name: string,
    request: UpdateRequest,
  ): AppliedWrite {
    const { context, subresource } = request;
    const head = table.head(key);
    if (!head) throw notFound(definition, name);
    const previous = (storedForm(definition)?.read(head) ?? head).object;
    const built = request.build(previous);
    const input = readInput(definition, built, previous, context);
    checkUpdatePreconditions(definition, input.metadata ?? {}, previous.metadata);

    const changed = this.#admitUpdate(definition, input, previous, context, subresource);
    // Reading drops an empty list, but here it says something: forget every owner.
    const sent = built.metadata?.managedFields?.length === 0 ? [] : input.metadata?.managedFields;
    const managedFields = this.#managedFieldsAfter(definition, previous, changed, sent, request);
    const next = deepFreeze(withManagedFields(changed, managedFields));
    if (next === previous && isStored(definition, next, head.object))
      return { entry: head, durable: table.settled(key) ?? DURABLE };
    if (context.dryRun) return { entry: unsaved(next), durable: DURABLE };
    if (finishesDeletion(definition, next, previous)) return this.#store.remove(table, key, next);
    return this.#put(definition, table, key, next);
  }

  /** Server-side apply: makes the object when there is none. */
  apply(
    table: Table,
    definition: ResourceDefinition,
    key: string,
    name: ObjectName,
    request: ApplyRequest,
  ): AppliedWrite | Promise<AppliedWrite> {
    const { context, subresource, config, force } = request;
    if (!context.fieldManager) throw badRequest('fieldManager: Required value: is required for apply patch');
    const write = this.#tracked(definition, context.fieldManager, subresource);
    if (table.head(key) || subresource !== undefined) {
      const build = (live: Stored<KubeObject>) => applyConfiguration(write, live, config, force);
      const update = { context, subresource, build, carriesManagedFields: true };
      return this.update(table, definition, key, name.name, update);
    }
    const object = atName(definition, applyConfiguration(write, undefined, config, force), name);
    return this.createByOther(table, definition, object, context, true);
  }

  delete(
    table: Table,
    definition: ResourceDefinition,
    key: string,
    name: string,
    options: DeleteOptions,
    context: RequestContext,
  ): AppliedWrite & { readonly finished: boolean } {
    const head = table.head(key);
    if (!head) throw notFound(definition, name);
    const previous = head.object;
    validateAdmission(this.#admission, {
      operation: 'DELETE',
      resource: definition,
      namespace: previous.metadata.namespace,
      name,
      previous,
      user: context.user,
      ...this.#forAdmission(),
    });
    const decision = decideDeletion(definition, previous, options, this.#clock.now());
    const unchanged = { entry: head, durable: table.settled(key) ?? DURABLE };
    const dryRun = options.dryRun || context.dryRun;
    switch (decision.action) {
      case 'wait':
        return { ...unchanged, finished: false };
      case 'remove':
        if (dryRun) return { ...unchanged, finished: true };
        return { ...this.#store.remove(table, key, previous), finished: true };
      case 'mark': {
        const next = copyFrozen(decision.object, previous) as KubeObject;
        if (next === previous) return { ...unchanged, finished: false };
        if (dryRun) return { entry: unsaved(next), durable: DURABLE, finished: false };
        return { ...this.#store.put(table, key, next), finished: false };
      }
    }
  }

  /** What is stored of an object that was defined at run time is its storage version. */
  #put(definition: ResourceDefinition, table: Table, key: string, object: KubeObject): AppliedWrite {
    for (const one of this.#beside.splice(0)) this.#store.put(one.table, keyOf(one.object), one.object);
    return this.#store.put(table, key, storedForm(definition)?.write(object) ?? object);
  }

  /** What every admission request has. What is to be written beside its object is held until that is written. */
  #forAdmission() {
    this.#beside = [];
    return {
      reader: this.#reader,
      random: this.#random,
      authorization: this.#authorization,
      nowMs: this.#clock.now(),
      alsoWrite: (resource: Resource<never>, object: KubeObject) => {
        this.#beside.push({ table: this.#tableOf(resource), object });
      },
    };
  }

  #tracked(definition: ResourceDefinition, manager: string, subresource?: string): TrackedWrite {
    return { resource: definition, manager, subresource, nowMs: this.#clock.now() };
  }

  /** The managedFields after an update; the previous ones themselves when nobody owns more or less than before. */
  #managedFieldsAfter(
    definition: ResourceDefinition,
    previous: Stored<KubeObject>,
    next: KubeObject,
    sent: unknown,
    { context, subresource, carriesManagedFields }: UpdateRequest,
  ): ManagedFields {
    const before = previous.metadata.managedFields;
    if (carriesManagedFields) {
      const entries = sent as readonly ManagedFieldsEntry[] | undefined;
      return (next === previous ? keepTimes(entries, before) : entries) as ManagedFields;
    }
    // What a binding does is not tracked upstream.
    if (subresource !== undefined && definition.actions?.[subresource]) return before;
    const write = this.#tracked(definition, context.fieldManager || COMPONENT_MANAGER, subresource);
    return trackUpdate(write, previous, next, sent) as ManagedFields;
  }

  /** Makes an object by PUT or apply, whose own verb does not allow it. @throws StatusError 403 */
  createByOther(
    table: Table,
    definition: ResourceDefinition,
    object: KubeObject,
    context: RequestContext,
    carriesManagedFields = false,
  ): Promise<AppliedWrite> {
    const { group, plural } = definition;
    const { namespace, name } = object.metadata ?? {};
    const attributes = { verb: 'create', group, resource: plural, namespace, name };
    const { allowed, reason } = this.#authorization.authorizer.decide(context.user, attributes);
    if (!allowed) throw forbiddenFor(context.user, attributes, reason);
    return this.create(table, definition, object, context, carriesManagedFields);
  }

  /** Whether a POST to a subresource is admitted; its body is what is created. @throws StatusError */
  admitSubresource(
    definition: ResourceDefinition,
    { namespace, name }: ObjectName,
    subresource: string,
    body: KubeObject,
    context: RequestContext,
  ): void {
    const request = {
      operation: 'CREATE',
      resource: definition,
      subresource,
      namespace,
      name,
      object: body,
      user: context.user,
      ...this.#forAdmission(),
    } as const;
    validateAdmission(this.#admission, { ...request, object: admit(this.#admission, request) });
  }

  /** Most creates need not wait, and then do not. */
  #waitBefore(
    definition: ResourceDefinition,
    input: KubeObject,
    context: RequestContext,
  ): Promise<void> | undefined {
    return prepareAdmission(this.#admission, {
      operation: 'CREATE',
      resource: definition,
      namespace: input.metadata?.namespace,
      name: input.metadata?.name ?? '',
      object: input,
      user: context.user,
      ...this.#forAdmission(),
    });
  }

  #admitNew(
    definition: ResourceDefinition,
    input: KubeObject,
    context: RequestContext,
    carriesManagedFields: boolean,
  ): KubeObject {
    const { strategy } = definition;
    const metadata = newMetadata(
      input.metadata ?? {},
      this.#clock,
      this.#random,
      strategy.tracksGeneration === true,
    );
    const named = inOrder(definition, input, metadata);
    const request = {
      operation: 'CREATE',
      resource: definition,
      namespace: metadata.namespace,
      name: metadata.name ?? '',
      user: context.user,
      ...this.#forAdmission(),
    } as const;
    // Upstream's order: defaults when decoding, mutation by admission, preparation, validation, admission's own.
    const defaulted = strategy.defaults?.(named) ?? named;
    const admitted = admit(this.#admission, { ...request, object: defaulted });
    const prepared = strategy.prepareForCreate?.(admitted, this.#clock.now()) ?? admitted;
    const sent = input.metadata?.managedFields;
    // The components' own objects are tracked from their first apply on: most are never applied.
    const managedFields = carriesManagedFields
      ? sent
      : context.fieldManager
        ? trackCreate(this.#tracked(definition, context.fieldManager), defaulted, sent)
        : undefined;
    const object = freezeRest(withManagedFields(prepared, managedFields as ManagedFields)) as KubeObject;
    const nameRule = (text: string) => strategy.validateName?.(text) ?? isDNS1123Subdomain(text);
    refuse(definition, object, [
      ...validateMetadata(object.metadata!, nameRule),
      ...(strategy.validate?.(object) ?? []),
      ...(strategy.validateNew?.(object) ?? []),
    ]);
    validateAdmission(this.#admission, { ...request, object });
    warn(context, strategy.warnings?.(object, undefined));
    return object;
  }

  /** `previous` itself when nothing would change. */
  #admitUpdate(
    definition: ResourceDefinition,
    input: KubeObject,
    previous: Stored<KubeObject>,
    context: RequestContext,
    subresource: string | undefined,
  ): KubeObject {
    const { strategy } = definition;
    const metadata = carriedMetadata(input.metadata ?? {}, previous.metadata);
    const request = {
      operation: 'UPDATE',
      resource: definition,
      subresource,
      namespace: previous.metadata.namespace,
      name: previous.metadata.name,
      previous,
      user: context.user,
      ...this.#forAdmission(),
    } as const;
    const sent = inOrder(definition, input, metadata);
    const defaulted = strategy.defaults?.(sent) ?? sent;
    const admitted = admit(this.#admission, { ...request, object: defaulted });
    const prepared = prepareForUpdate(definition, admitted, previous, subresource, this.#clock.now());
    let next = copyFrozen(prepared, previous) as KubeObject;
    if (next === previous) return previous;
    const counts = specOf(next) !== specOf(previous) || strategy.alsoInGeneration?.(next, previous);
    if (strategy.tracksGeneration && subresource !== 'status' && counts) {
      const generation = (previous.metadata.generation ?? 0) + 1;
      next = deepFreeze({ ...next, metadata: { ...next.metadata, generation } });
    }
    refuse(definition, next, [
      ...validateMetadataUpdate(next.metadata!, previous.metadata),
      ...(subresource === undefined || (subresource === 'scale' && definition.custom)
        ? [...(strategy.validate?.(next) ?? []), ...(strategy.validateUpdate?.(next, previous) ?? [])]
        : subresource === 'status'
          ? (strategy.validateStatusUpdate?.(next, previous) ?? [])
          : []),
    ]);
    validateAdmission(this.#admission, { ...request, object: next });
    if (subresource === undefined) warn(context, strategy.warnings?.(next, previous));
    return next;
  }
}

function prepareForUpdate(
  definition: ResourceDefinition,
  next: KubeObject,
  previous: Stored<KubeObject>,
  subresource: string | undefined,
  nowMs: number,
): KubeObject {
  const { strategy } = definition;
  if (subresource === undefined) {
    const kept = definition.subresources.includes('status')
      ? withField(next, 'status', (previous as { status?: unknown }).status)
      : next;
    return strategy.prepareForUpdate?.(kept, previous) ?? kept;
  }
  if (subresource === 'status') {
    const kept = withField(next, 'spec', specOf(previous));
    return strategy.prepareForStatusUpdate?.(kept, previous, nowMs) ?? kept;
  }
  return definition.updatable?.[subresource]?.(next, previous) ?? next;
}

type ManagedFields = ObjectMeta['managedFields'];

/** The object itself when they are its managedFields already. */
function withManagedFields(object: KubeObject, managedFields: ManagedFields): KubeObject {
  const { managedFields: before, ...metadata } = object.metadata ?? {};
  if (before === managedFields) return object;
  return { ...object, metadata: managedFields ? { ...metadata, managedFields } : metadata };
}

/** What an apply makes of nothing, at the name that the request gives. @throws StatusError 400, 409 */
function atName(
  definition: ResourceDefinition,
  object: KubeObject,
  { namespace, name }: ObjectName,
): KubeObject {
  const { metadata } = object;
  if (!metadata?.name)
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  if (metadata.name !== name)
    throw badRequest(
      `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
    );
  if (metadata.namespace && metadata.namespace !== (namespace ?? ''))
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (metadata.uid)
    throw conflict(
      definition,
      name,
      `uid mismatch: the provided object specified uid ${metadata.uid}, and no existing object was found`,
    );
  return definition.namespaced ? { ...object, metadata: { ...metadata, namespace } } : object;
}

/** Whether writing an object that did not change would store what is stored (it would not, after a new storage version). */
function isStored(definition: ResourceDefinition, object: KubeObject, stored: KubeObject): boolean {
  const form = storedForm(definition);
  if (!form || object === stored) return true;
  return copyFrozen(form.write(object), stored) === stored;
}

function withField(object: KubeObject, name: string, value: unknown): KubeObject {
  return { ...object, [name]: value };
}

function specOf(object: KubeObject): unknown {
  return (object as { spec?: unknown }).spec;
}

/** The object with its kind and metadata in front, as upstream writes them. */
function inOrder(definition: ResourceDefinition, object: KubeObject, metadata: ObjectMeta): KubeObject {
  const { kind: _kind, apiVersion: _apiVersion, metadata: _metadata, ...rest } = object;
  return { kind: definition.kind, apiVersion: apiVersionOf(definition), metadata, ...rest };
}

function unsaved(object: KubeObject): Entry {
  return new StoredEntry(object as Stored<KubeObject>, Number(object.metadata?.resourceVersion ?? 0));
}

/** @throws StatusError 422 when there are causes. */
function refuse(definition: ResourceDefinition, object: KubeObject, causes: readonly StatusCause[]): void {
  if (causes.length > 0) throw invalid(definition, object.metadata?.name ?? '', causes);
}

function warn({ warn }: RequestContext, texts: readonly string[] = []): void {
  for (const text of texts) warn?.(text);
}

function checkNew(definition: ResourceDefinition, { metadata }: KubeObject): void {
  if (metadata?.resourceVersion)
    throw badRequest('resourceVersion should not be set on objects to be created');
  if (definition.namespaced && !metadata?.namespace) {
    throw badRequest(`an empty namespace may not be set during creation of a ${definition.kind}`);
  }
  if (!definition.namespaced && metadata?.namespace) {
    throw badRequest(`namespace may not be set on a ${definition.kind}: it belongs to the whole cluster`);
  }
}
