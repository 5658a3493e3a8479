import {
  type Component,
  type ComponentContext,
  Controller,
  type Informer,
  type InformerHandler,
  Informers,
} from '../../client/index.ts';
import {
  resources as allResources,
  type CustomResourceDefinition,
  customResourceDefinitions,
  events,
  FINALIZER_FOREGROUND,
  FINALIZER_ORPHAN,
  isBeingDeleted,
  type KubeObject,
  keyOf,
  qualifiedName,
  type Resource,
  resourcesOfDefinition,
  splitKey,
} from '../../kube/index.ts';
import { type Found, Monitors } from './monitors.ts';
import { Objects } from './objects.ts';
import { OwnerStates } from './owner-states.ts';
import {
  blocks,
  isDeletingDependents,
  isOrphaningDependents,
  judge,
  type Kept,
  matters,
  ownerUids,
  withoutOwners,
  withUnblockedOwners,
} from './references.ts';

export interface GarbageCollectorOptions {
  /** The resources whose objects own or are owned. @default all but events */
  readonly resources?: readonly Resource[];
  /** Objects worked on at a time (--concurrent-gc-syncs). @default 20 */
  readonly workers?: number;
}

/** How soon orphaning and foreground deletion look again while a resource is still being listed. */
const UNSETTLED_MS = 100;

/** Deletes what has lost its owners; sees to foreground deletion and orphaning. */
export function createGarbageCollector(
  context: ComponentContext,
  options: GarbageCollectorOptions = {},
): Component {
  return new GarbageCollector(context, options);
}

class GarbageCollector implements Component {
  readonly name = 'garbage-collector';
  readonly #context: ComponentContext;
  readonly #resources: readonly Resource[];
  readonly #monitors: Monitors;
  readonly #objects: Objects;
  readonly #owners: OwnerStates;
  readonly #controller: Controller;

  constructor(context: ComponentContext, options: GarbageCollectorOptions) {
    this.#context = context;
    this.#resources =
      options.resources ?? allResources.filter((resource) => resource.plural !== events.plural);
    // Informers are asked for here: they are listed together with those of the other components.
    for (const resource of this.#resources) context.informers.of(resource);
    this.#objects = new Objects(context.client);
    this.#monitors = new Monitors(context, (resource) => this.#handler(resource));
    this.#owners = new OwnerStates(this.#monitors, this.#objects);
    this.#controller = new Controller({
      name: this.name,
      clock: context.clock,
      log: context.log,
      workers: options.workers ?? 20,
      reconcile: (key, signal) => this.#reconcile(key, signal),
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    const { informers } = this.#context;
    await Informers.synced(signal, ...this.#resources.map((resource) => informers.of(resource)));
    if (signal.aborted) return;
    this.#monitors.add(new Map(this.#resources.map((resource) => [resource, informers.of(resource)])));
    const off = this.#resources.includes(customResourceDefinitions)
      ? this.#followDefinitions(informers.of(customResourceDefinitions))
      : undefined;
    try {
      await this.#controller.run(signal);
    } finally {
      off?.();
      await this.#monitors.stop();
    }
  }

  /** Custom resources come and go with their definitions. */
  #followDefinitions(definitions: Informer<CustomResourceDefinition>): () => void {
    const follow = (definition: CustomResourceDefinition, versions = resourcesOfDefinition(definition)) => {
      this.#monitors.follow(
        qualifiedName({ group: definition.spec.group, plural: definition.spec.names.plural }),
        versions,
      );
      // What is owned by a kind that was not known before is looked at again.
      const kinds = new Set(versions.map(({ kind }) => kind));
      for (const { resource, object } of kinds.size > 0 ? this.#monitors.all() : [])
        if (object.metadata.ownerReferences?.some(({ kind }) => kinds.has(kind)))
          this.#changed(resource, object);
    };
    return definitions.on({
      added: (definition) => follow(definition),
      updated: (definition) => follow(definition),
      deleted: (definition) => follow(definition, []),
    });
  }

  #handler(resource: Resource): InformerHandler<Kept> {
    return {
      added: (object) => this.#changed(resource, object),
      updated: (object, previous) => {
        if (!matters(object, previous)) return;
        this.#changed(resource, object);
        // It may have been the last to block an owner.
        this.#enqueueWaitingOwners(previous);
      },
      deleted: (object) => {
        const dependents = this.#monitors.dependents(object.metadata.uid);
        if (dependents.length > 0) this.#owners.remember(object.metadata.uid);
        for (const dependent of dependents) this.#enqueue(dependent);
        this.#enqueueWaitingOwners(object);
      },
    };
  }

  #changed(resource: Resource, object: Kept): void {
    if (isBeingDeleted(object)) {
      if (isDeletingDependents(object) || isOrphaningDependents(object)) this.#enqueue({ resource, object });
      return;
    }
    const references = object.metadata.ownerReferences ?? [];
    if (references.some((reference) => this.#owners.cached(reference, object) !== 'solid')) {
      this.#enqueue({ resource, object });
    }
  }

  #enqueueWaitingOwners(object: KubeObject): void {
    for (const uid of ownerUids(object)) {
      for (const owner of this.#monitors.byUid(uid))
        if (isDeletingDependents(owner.object)) this.#enqueue(owner);
    }
  }

  #enqueue({ resource, object }: Found): void {
    this.#controller.enqueue(`${qualifiedName(resource)} ${keyOf(object)}`);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const space = key.indexOf(' ');
    const resource = this.#monitors.resource(key.slice(0, space));
    const object = resource && this.#monitors.get(resource, key.slice(space + 1));
    if (!object) return undefined;
    const found = { resource, object };
    if (isOrphaningDependents(object) || isDeletingDependents(object)) {
      // A dependent that is not seen would be deleted instead of orphaned, or outlive its owner.
      if (!this.#monitors.isSettled) return UNSETTLED_MS;
      await (isOrphaningDependents(object)
        ? this.#orphanDependents(found, signal)
        : this.#deleteDependents(found, signal));
    }
    // Whatever else it waits for, its dependents are looked at when it is gone.
    else if (!isBeingDeleted(object)) await this.#collect(found, signal);
    return undefined;
  }

  /** Deletes the object if none of its owners lives. */
  async #collect({ resource, object }: Found, signal: AbortSignal): Promise<void> {
    const { log } = this.#context;
    const name = splitKey(keyOf(object));
    // The cache may lag: only what the server says now decides a deletion.
    const latest = await this.#objects.get(resource, name, signal);
    if (!latest || latest.metadata.uid !== object.metadata.uid || isBeingDeleted(latest)) return;
    const references = latest.metadata.ownerReferences ?? [];
    const owners = await Promise.all(
      references.map(async (reference) => ({
        uid: reference.uid,
        state: await this.#owners.live(reference, latest, signal),
      })),
    );
    const dependents = this.#monitors.dependents(latest.metadata.uid).map((found) => found.object);
    const verdict = judge(latest, owners, dependents);
    if (verdict.action === 'keep') return;
    if (verdict.action === 'drop-references') {
      await this.#objects.setOwners(
        { resource, object: latest },
        withoutOwners(latest, verdict.uids),
        signal,
      );
      return;
    }
    let { resourceVersion } = latest.metadata;
    if (verdict.unblock) {
      const found = { resource, object: latest };
      const unblocked = await this.#objects.setOwners(found, withUnblockedOwners(latest), signal);
      if (!unblocked) return;
      resourceVersion = unblocked.metadata.resourceVersion;
    }
    log.info('deleting an object whose owners are gone', { object: `${resource.plural}/${keyOf(latest)}` });
    const preconditions = { uid: latest.metadata.uid, resourceVersion };
    await this.#objects.delete(resource, name, { propagationPolicy: verdict.policy, preconditions, signal });
  }

  /** Foreground: the finalizer goes when nothing blocks any more; until then each dependent is deleted. */
  async #deleteDependents(owner: Found, signal: AbortSignal): Promise<void> {
    const { uid } = owner.object.metadata;
    const dependents = this.#monitors.dependents(uid);
    const blocking = dependents.filter(({ object }) => blocks(object, uid));
    for (const dependent of dependents) {
      if (!isBeingDeleted(dependent.object)) this.#enqueue(dependent);
    }
    if (blocking.length === 0) await this.#objects.removeFinalizer(owner, FINALIZER_FOREGROUND, signal);
  }

  async #orphanDependents(owner: Found, signal: AbortSignal): Promise<void> {
    const uids = new Set([owner.object.metadata.uid]);
    await Promise.all(
      this.#monitors
        .dependents(owner.object.metadata.uid)
        .map((dependent) =>
          this.#objects.setOwners(dependent, withoutOwners(dependent.object, uids), signal),
        ),
    );
    await this.#objects.removeFinalizer(owner, FINALIZER_ORPHAN, signal);
  }
}
