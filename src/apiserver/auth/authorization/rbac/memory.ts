import type { Decision, ResourceAttributes } from '../contract.ts';

type Verbs = Map<string, Decision>;

/** Decisions that a client could ask for under names that do not exist must not fill the memory. */
const MAX_RESOURCES = 512;

/** What was allowed whatever the namespace and name. Four look-ups of short strings, and nothing is allocated. */
export class Memory {
  readonly #groups = new Map<string, Map<string, Map<string, Verbs>>>();
  #size = 0;

  get({ group, resource, subresource = '', verb }: ResourceAttributes): Decision | undefined {
    return this.#groups.get(group)?.get(resource)?.get(subresource)?.get(verb);
  }

  set({ group, resource, subresource = '', verb }: ResourceAttributes, decision: Decision): void {
    if (this.#size >= MAX_RESOURCES) {
      this.#groups.clear();
      this.#size = 0;
    }
    const resources = child(this.#groups, group, () => new Map());
    const subresources = child(resources, resource, () => new Map());
    const verbs = child<Verbs>(subresources, subresource, () => {
      this.#size++;
      return new Map();
    });
    // A client chooses the verb in a review.
    if (verbs.size >= 64) verbs.clear();
    verbs.set(verb, decision);
  }
}

function child<T>(parent: Map<string, T>, key: string, make: () => T): T {
  let found = parent.get(key);
  if (found === undefined) {
    found = make();
    parent.set(key, found);
  }
  return found;
}
