import { type Clock, deepFreeze } from '../../base/index.ts';
import type { DeleteOptions, ObjectName } from '../../client/index.ts';
import {
  alreadyExists,
  badRequest,
  joinKey,
  type KubeObject,
  keyOf,
  notFound,
  type Resource,
  type StatusError,
  type Stored,
} from '../../kube/index.ts';
import { type Authorization, forbiddenFor } from '../auth/authorization/index.ts';
import { type AppliedWrite, type Store, StoredEntry, type Table } from '../store/index.ts';
import { Admitting, type AdmittingParts, type ManagedFields, withManagedFields } from './admitting.ts';
import {
  type Entry,
  type RequestContext,
  type ResourceDefinition,
  type ScaleView,
  storedForm,
} from './contract.ts';
import { readInput } from './input.ts';
import {
  applyConfiguration,
  keepTimes,
  type ManagedFieldsEntry,
  type TrackedWrite,
  trackCreate,
  trackUpdate,
  unconverted,
} from './managed-fields/index.ts';
import { atName, checkNew, inScope, refuseRevision } from './new-objects.ts';
import { decideDeletion, finishesDeletion } from './operations/delete.ts';
import { checkUpdatePreconditions } from './operations/metadata.ts';
import { withOwnersOnce } from './operations/owner-references.ts';
import { revisionOf } from './revision-text.ts';
import { SCALE, type ScaleRequest, scaledObject } from './scale.ts';
import { copyFrozen } from './schema/index.ts';

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
  /** What is wrong with what `build` gave, where it is not the client's own object (a patch). */
  refuse?(built: KubeObject, why: string): StatusError;
  /** The object that `build` gives carries its new managedFields (server-side apply). */
  readonly carriesManagedFields?: boolean;
}

/** How an object is made that is not made by POST. */
type OtherVerb = Pick<UpdateRequest, 'refuse' | 'carriesManagedFields'>;

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
  readonly #admitting: Admitting;
  readonly #authorization: Authorization;
  readonly #tableOf: (resource: Resource<never>) => Table;

  constructor(parts: AdmittingParts & { store: Store; tableOf: (resource: Resource<never>) => Table }) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#admitting = new Admitting(parts);
    this.#authorization = parts.authorization;
    this.#tableOf = parts.tableOf;
  }

  /** The body of a POST to a subresource as it is admitted; it is what is created. @throws StatusError */
  admitSubresource(...request: Parameters<Admitting['admitSubresource']>): KubeObject {
    return this.#admitting.admitSubresource(...request);
  }

  async create(
    table: Table,
    definition: ResourceDefinition,
    sent: KubeObject,
    context: RequestContext,
    other?: OtherVerb,
  ): Promise<AppliedWrite> {
    this.#store.assertServing();
    const refuse = other?.refuse && ((why: string) => other.refuse!(sent, why));
    const read = readInput(definition, sent, undefined, context, refuse);
    const input = inScope(definition, withOwnersOnce(read, context, refuse !== undefined));
    checkNew(definition, input);
    const wait = this.#admitting.waitBefore(definition, input, context);
    if (wait) await wait;
    const own = (defaulted: KubeObject) => {
      if (other?.carriesManagedFields) return input.metadata?.managedFields;
      // The components' own objects are tracked from their first apply on: most are never applied.
      if (!context.fieldManager) return undefined;
      const write = this.#tracked(definition, context.fieldManager);
      return trackCreate(write, defaulted, input.metadata?.managedFields) as ManagedFields;
    };
    const generates = !input.metadata?.name && Boolean(input.metadata?.generateName);
    for (let attempt = 1; ; attempt++) {
      const object = this.#admitting.admitNew(definition, input, context, own);
      const { name, namespace } = object.metadata!;
      const key = joinKey(namespace, name!);
      if (!table.head(key)) {
        if (!other) refuseRevision(input);
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
    const refuse = request.refuse && ((why: string) => request.refuse!(built, why));
    const input = withOwnersOnce(
      readInput(definition, built, previous, context, refuse),
      context,
      refuse !== undefined,
    );
    // Only a client's own object has its uid as a precondition; that a patch changes it is found by validation.
    const { uid, ...metadata } = input.metadata ?? {};
    checkUpdatePreconditions(
      definition,
      refuse || request.carriesManagedFields ? metadata : { ...metadata, uid },
      previous.metadata,
    );

    const changed = this.#admitting.admitUpdate(definition, input, previous, context, subresource);
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
    const refuse = (_: unknown, why: string) => unconverted(config, why);
    if (table.head(key) || subresource !== undefined) {
      const build = (live: Stored<KubeObject>) => applyConfiguration(write, live, config, force);
      const update = { context, subresource, build, refuse, carriesManagedFields: true };
      return this.update(table, definition, key, name.name, update);
    }
    const object = atName(definition, applyConfiguration(write, undefined, config, force), name);
    return this.createByOther(table, definition, object, context, { refuse, carriesManagedFields: true });
  }

  /** Sets an object's replicas by its Scale. */
  scale(
    table: Table,
    definition: ResourceDefinition,
    view: ScaleView,
    key: string,
    name: string,
    request: ScaleRequest,
  ): AppliedWrite {
    const { context } = request;
    const write = this.#tracked(SCALE, context.fieldManager || COMPONENT_MANAGER, 'scale');
    return this.update(table, definition, key, name, {
      context,
      subresource: 'scale',
      build: (object) => scaledObject(definition, view, object, request, write),
      carriesManagedFields: true,
    });
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
    this.#admitting.admitDeletion(definition, previous, context);
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
    for (const beside of this.#admitting.takeBeside())
      this.#store.put(this.#tableOf(beside.resource), keyOf(beside.object), beside.object);
    return this.#store.put(table, key, storedForm(definition)?.write(object) ?? object);
  }

  #tracked(resource: TrackedWrite['resource'], manager: string, subresource?: string): TrackedWrite {
    return { resource, manager, subresource, nowMs: this.#clock.now() };
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
    other: OtherVerb = {},
  ): Promise<AppliedWrite> {
    const { group, plural } = definition;
    const { namespace, name, resourceVersion } = object.metadata ?? {};
    // Its revision does not matter, but has to be one.
    revisionOf(resourceVersion);
    const attributes = { verb: 'create', group, resource: plural, namespace, name };
    const { allowed, reason } = this.#authorization.authorizer.decide(context.user, attributes);
    if (!allowed) throw forbiddenFor(context.user, attributes, reason);
    return this.create(table, definition, object, context, other);
  }
}

/** Whether writing an object that did not change would store what is stored (it would not, after a new storage version). */
function isStored(definition: ResourceDefinition, object: KubeObject, stored: KubeObject): boolean {
  const form = storedForm(definition);
  if (!form || object === stored) return true;
  return copyFrozen(form.write(object), stored) === stored;
}

function unsaved(object: KubeObject): Entry {
  return new StoredEntry(object as Stored<KubeObject>, Number(object.metadata?.resourceVersion ?? 0));
}

/** What was written, once it is durable. */
export async function durable(write: AppliedWrite | Promise<AppliedWrite>): Promise<Entry> {
  const { entry, durable } = await write;
  await durable;
  return entry;
}
