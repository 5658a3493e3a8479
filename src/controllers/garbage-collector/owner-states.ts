import { joinKey, type KubeObject, type OwnerReference } from '../../kube/index.ts';
import type { Monitors } from './monitors.ts';
import type { Objects } from './objects.ts';
import { isDeletingDependents, type Kept, type OwnerState } from './references.ts';

/** How many owners that are known not to exist are remembered. */
const MAX_ABSENT = 500;

/** Finds out what the owners are whom references name. */
export class OwnerStates {
  readonly #monitors: Monitors;
  readonly #objects: Objects;
  /** Owners that are known not to exist: their uids, or the references that named them. A uid never comes back. */
  readonly #absent = new Set<string>();

  constructor(monitors: Monitors, objects: Objects) {
    this.#monitors = monitors;
    this.#objects = objects;
  }

  /** What the caches say of an owner; 'dangling' when they do not know it. */
  cached(reference: OwnerReference, object: KubeObject): OwnerState {
    const resource = this.#monitors.ofReference(reference);
    // An owner of a kind that the server does not have is nobody's here to declare dead, if it was not seen to go.
    if (!resource) return this.#absent.has(reference.uid) ? 'dangling' : 'solid';
    const { namespace } = object.metadata ?? {};
    // A cluster-scoped object cannot be owned by a namespaced one; upstream leaves such an object alone, too.
    if (resource.namespaced && namespace === undefined) return 'solid';
    const key = joinKey(resource.namespaced ? namespace : undefined, reference.name);
    const owner = this.#monitors.get(resource, key);
    if (owner?.metadata.uid !== reference.uid) return 'dangling';
    return isDeletingDependents(owner) ? 'waiting' : 'solid';
  }

  /** As `cached`; an owner that the cache does not know is asked for at the server. */
  async live(reference: OwnerReference, object: Kept, signal: AbortSignal): Promise<OwnerState> {
    const cached = this.cached(reference, object);
    if (cached !== 'dangling') return cached;
    const resource = this.#monitors.ofReference(reference);
    if (!resource || this.#absent.has(reference.uid)) return 'dangling';
    const namespace = resource.namespaced ? object.metadata.namespace : undefined;
    const key = [reference.apiVersion, reference.kind, namespace, reference.name, reference.uid].join(' ');
    if (this.#absent.has(key)) return 'dangling';
    const owner = await this.#objects.get(resource, { namespace, name: reference.name }, signal);
    if (owner?.metadata.uid === reference.uid) return isDeletingDependents(owner) ? 'waiting' : 'solid';
    this.remember(key);
    return 'dangling';
  }

  /** @param absent the uid of an object that was seen to go */
  remember(absent: string): void {
    this.#absent.add(absent);
    if (this.#absent.size > MAX_ABSENT) this.#absent.delete(this.#absent.values().next().value!);
  }
}
