import type { Clock } from '../../base/index.ts';
import {
  joinKey,
  type KubeObject,
  qualifiedName,
  type Resource,
  type Stored,
  statusFailure,
} from '../../kube/index.ts';
import type { AdmissionReader } from '../admission/index.ts';
import type { ObjectSource } from '../auth/authorization/index.ts';
import type { Store, Table } from '../store/index.ts';
import type { ResourceDefinition } from './contract.ts';
import { builtInDefinitions } from './definitions/index.ts';
import { follow } from './follow.ts';

/** What the server serves at the moment, and where the objects of each kind are. */
export class Catalogue {
  readonly #store: Store;
  readonly #definitions = new Map<string, ResourceDefinition>();
  /** What each resource that callers name has been found to be. */
  #found = new WeakMap<Resource<never>, ResourceDefinition>();
  readonly #tables = new WeakMap<ResourceDefinition, Table>();
  readonly #builtIn = new Set(builtInDefinitions.map(qualifiedName));

  constructor(store: Store) {
    this.#store = store;
    this.replace([], builtInDefinitions);
  }

  all(): readonly ResourceDefinition[] {
    return [...this.#definitions.values()];
  }

  find(group: string, version: string, plural: string): ResourceDefinition | undefined {
    return this.#definitions.get(definitionKey(group, version, plural));
  }

  /** @throws StatusError 404 */
  of(resource: Resource): ResourceDefinition {
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

  isBuiltIn(group: string, plural: string): boolean {
    return this.#builtIn.has(qualifiedName({ group, plural }));
  }

  replace(old: readonly ResourceDefinition[], next: readonly ResourceDefinition[]): void {
    for (const { group, version, plural } of old)
      this.#definitions.delete(definitionKey(group, version, plural));
    for (const one of next) this.#definitions.set(definitionKey(one.group, one.version, one.plural), one);
    this.#found = new WeakMap();
  }

  table(definition: ResourceDefinition): Table {
    let table = this.#tables.get(definition);
    if (!table) {
      table = this.#store.table(qualifiedName(definition.view?.of ?? definition));
      this.#tables.set(definition, table);
    }
    return table;
  }

  tableOf(resource: Resource): Table {
    return this.table(this.of(resource));
  }

  /** The newest state, of a namespace or of all. */
  *newest<T extends KubeObject>(resource: Resource<T>, namespace?: string): Iterable<Stored<T>> {
    const prefix = namespace === undefined ? '' : joinKey(namespace, '');
    for (const entry of this.tableOf(resource).heads(prefix)) yield entry.object as Stored<T>;
  }
}

/** What admission reads: the newest state, which other requests may not see yet. */
export function admissionReader(catalogue: Catalogue, clock: Clock): AdmissionReader {
  return {
    get: (resource, namespace, name) =>
      catalogue.tableOf(resource).head(joinKey(namespace, name))?.object as Stored<never> | undefined,
    list: (resource, namespace) => catalogue.newest(resource, namespace),
    appears: (resource, namespace, name, limitMs) =>
      appears(catalogue.tableOf(resource), joinKey(namespace, name), clock, limitMs),
  };
}

/** What authorizers read: what is durable. */
export function authorizationSource(catalogue: Catalogue): ObjectSource {
  return {
    get: (resource, namespace, name) =>
      catalogue.tableOf(resource).get(joinKey(namespace, name))?.object as Stored<never> | undefined,
    follow: (resource, follower) => follow(catalogue.tableOf(resource), follower),
  };
}

/** Resolves once the object is there, or the time is over. */
function appears(table: Table, key: string, clock: Clock, limitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      stop();
      timer.cancel();
      resolve();
    };
    const stop = table.onChange(() => {
      if (table.get(key)) finish();
    });
    const timer = clock.after(limitMs, finish);
  });
}

function definitionKey(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}
