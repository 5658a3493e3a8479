import { aborted } from '../../base/index.ts';
import { Informer, type InformerOptions, Informers } from '../../client/index.ts';
import {
  apiVersionOf,
  type CustomResourceDefinition,
  type KubeObject,
  qualifiedName,
  type Resource,
  resourcesOfDefinition,
  type Stored,
} from '../../kube/index.ts';

/** A kind under way. */
interface Watched {
  readonly resource: Resource;
  readonly informer: Informer<KubeObject>;
  readonly abort: AbortController;
}

/**
 * The namespaced kinds that the server has by CustomResourceDefinitions at the time. Each is watched from when it is
 * first counted until its definition goes or shows it otherwise: most are in no quota.
 */
export class CustomKinds {
  readonly #definitions: { values(): Iterable<CustomResourceDefinition> };
  readonly #options: InformerOptions;
  /** Told of every object of a watched kind that comes, changes or goes. */
  readonly #changed: (resource: Resource, object: Stored<KubeObject>) => void;
  readonly #watched = new Map<string, Watched>();
  readonly #running = new Set<Promise<void>>();

  constructor(
    definitions: { values(): Iterable<CustomResourceDefinition> },
    options: InformerOptions,
    changed: (resource: Resource, object: Stored<KubeObject>) => void,
  ) {
    this.#definitions = definitions;
    this.#options = options;
    this.#changed = changed;
  }

  /** One resource a kind: all of its versions show the same objects. */
  *resources(): Generator<Resource> {
    for (const definition of this.#definitions.values()) {
      const [first] = resourcesOfDefinition(definition);
      if (first?.namespaced) yield first;
    }
  }

  /** The objects of a kind, once they are known; `undefined` when it went before. */
  async objects(resource: Resource, signal: AbortSignal): Promise<Informer<KubeObject> | undefined> {
    const { informer, abort } = this.#watched.get(qualifiedName(resource)) ?? this.#watch(resource);
    if (!informer.hasSynced) await Promise.race([Informers.synced(signal, informer), aborted(abort.signal)]);
    return abort.signal.aborted ? undefined : informer;
  }

  #watch(resource: Resource): Watched {
    const informer = new Informer(resource, this.#options);
    const tell = (object: Stored<KubeObject>) => this.#changed(resource, object);
    informer.on({ added: tell, updated: tell, deleted: tell });
    const abort = new AbortController();
    const run = informer.run(abort.signal).finally(() => this.#running.delete(run));
    this.#running.add(run);
    const watched = { resource, informer, abort };
    this.#watched.set(qualifiedName(resource), watched);
    return watched;
  }

  /** A definition came, changed or went. */
  follow({ spec }: CustomResourceDefinition, versions: readonly Resource[]): void {
    const name = qualifiedName({ group: spec.group, plural: spec.names.plural });
    const known = this.#watched.get(name);
    const [first] = versions;
    if (!known || (first && isSame(first, known.resource))) return;
    known.abort.abort();
    this.#watched.delete(name);
  }

  async stop(): Promise<void> {
    for (const { abort } of this.#watched.values()) abort.abort();
    this.#watched.clear();
    await Promise.all(this.#running);
  }
}

function isSame(one: Resource, other: Resource): boolean {
  return apiVersionOf(one) === apiVersionOf(other) && one.kind === other.kind;
}
