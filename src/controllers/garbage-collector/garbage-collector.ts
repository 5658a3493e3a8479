import {
  type Component,
  type ComponentContext,
  Controller,
  type Informer,
  Informers,
} from '../../client/index.ts';
import {
  resources as allResources,
  events,
  FINALIZER_FOREGROUND,
  FINALIZER_ORPHAN,
  hasFinalizer,
  isBeingDeleted,
  isConflict,
  isNotFound,
  type KubeObject,
  keyOf,
  type OwnerReference,
  qualifiedName,
  type Resource,
  splitKey,
} from '../../kube/index.ts';
import {
  blocks,
  isDeletingDependents,
  isOrphaningDependents,
  judge,
  type Kept,
  matters,
  type OwnerState,
  ownerUids,
  resourceOfReference,
  withoutOwners,
  withUnblockedOwners,
} from './references.ts';

export interface GarbageCollectorOptions {
  /** The resources whose objects own or are owned. @default all but events */
  readonly resources?: readonly Resource[];
  /** Objects worked on at a time (--concurrent-gc-syncs). @default 20 */
  readonly workers?: number;
}

const BY_OWNER = 'garbage-collector/owner';
const BY_UID = 'garbage-collector/uid';
/** How many owners that are known not to exist are remembered. */
const MAX_ABSENT = 500;
const FINALIZER_ATTEMPTS = 5;

/** Deletes what has lost its owners; sees to foreground deletion and orphaning. */
export function createGarbageCollector(
  context: ComponentContext,
  options: GarbageCollectorOptions = {},
): Component {
  return new GarbageCollector(context, options);
}

/** An object and where it is kept. */
interface Found {
  readonly resource: Resource;
  readonly object: Kept;
}

class GarbageCollector implements Component {
  readonly name = 'garbage-collector';
  readonly #context: ComponentContext;
  readonly #resources: readonly Resource[];
  readonly #informers: ReadonlyMap<string, Informer<KubeObject>>;
  readonly #controller: Controller;
  /** Owners that a look-up has shown not to exist. A uid never comes back. */
  readonly #absent = new Set<string>();

  constructor(context: ComponentContext, options: GarbageCollectorOptions) {
    this.#context = context;
    this.#resources =
      options.resources ?? allResources.filter((resource) => resource.plural !== events.plural);
    this.#informers = new Map(
      this.#resources.map((resource) => [
        qualifiedName(resource),
        context.informers
          .of(resource)
          .addIndex(BY_OWNER, ownerUids)
          .addIndex(BY_UID, ({ metadata }) => [metadata.uid]),
      ]),
    );
    this.#controller = new Controller({
      name: this.name,
      clock: context.clock,
      log: context.log,
      workers: options.workers ?? 20,
      reconcile: (key, signal) => this.#reconcile(key, signal),
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    await Informers.synced(signal, ...this.#informers.values());
    if (signal.aborted) return;
    const stops = this.#resources.map((resource) =>
      this.#informer(resource).on({
        added: (object) => this.#changed(resource, object),
        updated: (object, previous) => {
          if (!matters(object, previous)) return;
          this.#changed(resource, object);
          // It may have been the last to block an owner.
          this.#enqueueWaitingOwners(previous);
        },
        deleted: (object) => {
          for (const dependent of this.#dependents(object.metadata.uid)) this.#enqueue(dependent);
          this.#enqueueWaitingOwners(object);
        },
      }),
    );
    try {
      await this.#controller.run(signal);
    } finally {
      for (const stop of stops) stop();
    }
  }

  #changed(resource: Resource, object: Kept): void {
    if (isBeingDeleted(object)) {
      if (isDeletingDependents(object) || isOrphaningDependents(object)) this.#enqueue({ resource, object });
      return;
    }
    const references = object.metadata.ownerReferences ?? [];
    if (references.some((reference) => this.#cachedState(reference, object) !== 'solid')) {
      this.#enqueue({ resource, object });
    }
  }

  #enqueueWaitingOwners(object: KubeObject): void {
    for (const uid of ownerUids(object)) {
      for (const owner of this.#byUid(uid)) if (isDeletingDependents(owner.object)) this.#enqueue(owner);
    }
  }

  #enqueue({ resource, object }: Found): void {
    this.#controller.enqueue(`${qualifiedName(resource)} ${keyOf(object)}`);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<void> {
    const space = key.indexOf(' ');
    const resource = this.#resources.find((candidate) => qualifiedName(candidate) === key.slice(0, space))!;
    const object = this.#informer(resource).byKey(key.slice(space + 1));
    if (!object) return;
    if (isOrphaningDependents(object)) return this.#orphanDependents({ resource, object }, signal);
    if (isDeletingDependents(object)) return this.#deleteDependents({ resource, object }, signal);
    // Whatever else it waits for, its dependents are looked at when it is gone.
    if (isBeingDeleted(object)) return;
    await this.#collect({ resource, object }, signal);
  }

  /** Deletes the object if none of its owners lives. */
  async #collect({ resource, object }: Found, signal: AbortSignal): Promise<void> {
    const { client, log } = this.#context;
    const name = splitKey(keyOf(object));
    // The cache may lag: only what the server says now decides a deletion.
    const latest = await this.#live(resource, name, signal);
    if (!latest || latest.metadata.uid !== object.metadata.uid || isBeingDeleted(latest)) return;
    const references = latest.metadata.ownerReferences ?? [];
    const owners = await Promise.all(
      references.map(async (reference) => ({
        uid: reference.uid,
        state: await this.#stateOf(reference, latest, signal),
      })),
    );
    const dependents = this.#dependents(latest.metadata.uid).map((found) => found.object);
    const verdict = judge(latest, owners, dependents);
    if (verdict.action === 'keep') return;
    if (verdict.action === 'drop-references') {
      await this.#setOwners({ resource, object: latest }, withoutOwners(latest, verdict.uids), signal);
      return;
    }
    let { resourceVersion } = latest.metadata;
    if (verdict.unblock) {
      const found = { resource, object: latest };
      const unblocked = await this.#setOwners(found, withUnblockedOwners(latest), signal);
      if (!unblocked) return;
      resourceVersion = unblocked.metadata.resourceVersion;
    }
    log.info('deleting an object whose owners are gone', { object: `${resource.plural}/${keyOf(latest)}` });
    await ignoringNotFound(
      client.delete(resource, name, {
        propagationPolicy: verdict.policy,
        preconditions: { uid: latest.metadata.uid, resourceVersion },
        signal,
      }),
    );
  }

  /** Foreground: the finalizer goes when nothing blocks any more; until then each dependent is deleted. */
  async #deleteDependents(owner: Found, signal: AbortSignal): Promise<void> {
    const { uid } = owner.object.metadata;
    const dependents = this.#dependents(uid);
    const blocking = dependents.filter(({ object }) => blocks(object, uid));
    for (const dependent of dependents) {
      if (!isBeingDeleted(dependent.object)) this.#enqueue(dependent);
    }
    if (blocking.length === 0) await this.#removeFinalizer(owner, FINALIZER_FOREGROUND, signal);
  }

  async #orphanDependents(owner: Found, signal: AbortSignal): Promise<void> {
    const uids = new Set([owner.object.metadata.uid]);
    await Promise.all(
      this.#dependents(owner.object.metadata.uid).map((dependent) =>
        this.#setOwners(dependent, withoutOwners(dependent.object, uids), signal),
      ),
    );
    await this.#removeFinalizer(owner, FINALIZER_ORPHAN, signal);
  }

  async #removeFinalizer({ resource, object }: Found, finalizer: string, signal: AbortSignal): Promise<void> {
    const { client } = this.#context;
    const name = splitKey(keyOf(object));
    for (let attempt = 1; ; attempt++) {
      const latest = await this.#live(resource, name, signal);
      if (!latest || latest.metadata.uid !== object.metadata.uid || !hasFinalizer(latest, finalizer)) return;
      const { resourceVersion } = latest.metadata;
      const finalizers = latest.metadata.finalizers?.filter((other) => other !== finalizer);
      const body = { metadata: { resourceVersion, finalizers } };
      try {
        await ignoringNotFound(client.patch(resource, name, { type: 'merge', body }, { signal }));
        return;
      } catch (error) {
        if (!isConflict(error) || attempt === FINALIZER_ATTEMPTS) throw error;
      }
    }
  }

  /** Writes the references if the object is still as seen; undefined when it is gone. */
  #setOwners(
    { resource, object }: Found,
    ownerReferences: readonly OwnerReference[],
    signal: AbortSignal,
  ): Promise<Kept | undefined> {
    const { uid, resourceVersion } = object.metadata;
    const owners = ownerReferences.length > 0 ? ownerReferences : null;
    const body = { metadata: { uid, resourceVersion, ownerReferences: owners } };
    const name = splitKey(keyOf(object));
    return ignoringNotFound(this.#context.client.patch(resource, name, { type: 'merge', body }, { signal }));
  }

  /** What the caches say of an owner; 'dangling' when they do not know it. */
  #cachedState(reference: OwnerReference, object: KubeObject): OwnerState {
    const resource = resourceOfReference(this.#resources, reference);
    // An owner of a kind nobody here watches is nobody's here to declare dead.
    if (!resource) return 'solid';
    const { namespace } = object.metadata ?? {};
    // A cluster-scoped object cannot be owned by a namespaced one; upstream leaves such an object alone, too.
    if (resource.namespaced && namespace === undefined) return 'solid';
    const owner = this.#informer(resource).get(reference.name, resource.namespaced ? namespace : undefined);
    if (owner?.metadata.uid !== reference.uid) return 'dangling';
    return isDeletingDependents(owner) ? 'waiting' : 'solid';
  }

  /** As `#cachedState`; an owner that the cache does not know is asked for at the server. */
  async #stateOf(reference: OwnerReference, object: Kept, signal: AbortSignal): Promise<OwnerState> {
    const cached = this.#cachedState(reference, object);
    if (cached !== 'dangling') return cached;
    const resource = resourceOfReference(this.#resources, reference)!;
    const namespace = resource.namespaced ? object.metadata.namespace : undefined;
    const key = [reference.apiVersion, reference.kind, namespace, reference.name, reference.uid].join(' ');
    if (this.#absent.has(key)) return 'dangling';
    const owner = await this.#live(resource, { namespace, name: reference.name }, signal);
    if (owner?.metadata.uid === reference.uid) return isDeletingDependents(owner) ? 'waiting' : 'solid';
    this.#absent.add(key);
    if (this.#absent.size > MAX_ABSENT) this.#absent.delete(this.#absent.values().next().value!);
    return 'dangling';
  }

  #live(
    resource: Resource,
    name: { namespace?: string; name: string },
    signal: AbortSignal,
  ): Promise<Kept | undefined> {
    return ignoringNotFound(this.#context.client.get(resource, name, { signal }));
  }

  #dependents(uid: string): Found[] {
    return this.#find(BY_OWNER, uid);
  }

  #byUid(uid: string): Found[] {
    return this.#find(BY_UID, uid);
  }

  #find(index: string, uid: string): Found[] {
    return this.#resources.flatMap((resource) =>
      this.#informer(resource)
        .byIndex(index, uid)
        .map((object) => ({ resource, object })),
    );
  }

  #informer(resource: Resource): Informer<KubeObject> {
    return this.#informers.get(qualifiedName(resource))!;
  }
}

async function ignoringNotFound<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
