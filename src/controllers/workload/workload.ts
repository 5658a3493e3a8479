import {
  type Client,
  type ComponentContext,
  Controller,
  type Informer,
  type InformerHandler,
} from '../../client/index.ts';
import { controllerOf, type KubeObject, keyOf, type Resource, type Stored } from '../../kube/index.ts';
import {
  BY_CONTROLLER,
  type ClaimOptions,
  claimObjects,
  controllerIndex,
  type Selecting,
  selects,
} from './ownership.ts';

export interface WorkloadOptions<O extends KubeObject> {
  readonly name: string;
  readonly resource: Resource<O>;
  /** Objects worked on at a time. */
  readonly workers: number;
  /** As that of a Controller, with the object as the cache has it; one that is gone needs no work. */
  reconcile(object: Stored<O>, signal: AbortSignal): Promise<number | undefined>;
  /** Whatever is remembered of the object need not be any more. */
  forget?(object: Stored<O>): void;
}

/**
 * What every controller of objects with a selector does alike: it looks at an object when the object changes and when
 * something changes that the object controls or might adopt, and sees to whose such a thing is.
 */
export class Workload<O extends Selecting> {
  readonly informer: Informer<O>;
  readonly #options: WorkloadOptions<O>;
  readonly #client: Client;
  readonly #controller: Controller;

  constructor({ client, informers, clock, log }: ComponentContext, options: WorkloadOptions<O>) {
    const { name, workers, reconcile } = options;
    this.#options = options;
    this.#client = client;
    this.informer = informers.of(options.resource);
    this.#controller = new Controller({
      name,
      clock,
      log,
      workers,
      reconcile: async (key, signal) => {
        const object = this.informer.byKey(key);
        return object && (await reconcile(object, signal));
      },
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#controller.run(signal);
  }

  /** Looks at the object soon. */
  look(object: Stored<O>): void {
    this.#controller.enqueue(keyOf(object));
  }

  /** Looks at objects as they change; the returned function ends it. */
  listen(): () => void {
    const look = (object: Stored<O>) => this.look(object);
    return this.informer.on({
      added: look,
      updated: look,
      deleted: (object) => {
        this.#options.forget?.(object);
        look(object);
      },
    });
  }

  /** For the informer of what is controlled. `also`: told of every state, too. */
  dependents<T extends KubeObject>(also?: (dependent: Stored<T>) => void): InformerHandler<Stored<T>> {
    const changed = (dependent: Stored<T>) => {
      also?.(dependent);
      this.lookAtOwnersOf(dependent);
    };
    return {
      added: changed,
      updated: (dependent, previous) => {
        if (controllerOf(dependent)?.uid !== controllerOf(previous)?.uid) this.lookAtOwnersOf(previous);
        changed(dependent);
      },
      deleted: changed,
    };
  }

  /** Looks at those whom an object concerns: its controller, or whoever might adopt it. */
  lookAtOwnersOf(dependent: Stored<KubeObject>): void {
    if (controllerOf(dependent)) {
      const owner = this.controllerOf(dependent);
      if (owner) this.look(owner);
      return;
    }
    for (const object of this.informer.values()) {
      const inReach = object.metadata.namespace === dependent.metadata.namespace;
      if (inReach && selects(object.spec?.selector, dependent)) this.look(object);
    }
  }

  /** The object of this kind that controls another, if it is the one that the other means. */
  controllerOf(dependent: Stored<KubeObject>): Stored<O> | undefined {
    const reference = controllerOf(dependent);
    if (reference?.kind !== this.#options.resource.kind) return undefined;
    const found = this.informer.get(reference.name, dependent.metadata.namespace);
    return found?.metadata.uid === reference.uid ? found : undefined;
  }

  /** What of `candidates` is the object's, after adoptions and releases are written; see claimObjects. */
  claim<T extends KubeObject>(
    object: Stored<O>,
    resource: Resource<T>,
    candidates: readonly Stored<T>[],
    signal: AbortSignal,
    options?: ClaimOptions<T>,
  ): Promise<Stored<T>[]> {
    const owner = { resource: this.#options.resource, object, selector: object.spec?.selector };
    return claimObjects(this.#client, resource, owner, candidates, signal, options);
  }
}

/** The informer of what workloads control, with the index that finds it by its controller. */
export function controlled<T extends KubeObject>(
  { informers }: ComponentContext,
  resource: Resource<T>,
): Informer<T> {
  return informers.of(resource).addIndex(BY_CONTROLLER, controllerIndex);
}
