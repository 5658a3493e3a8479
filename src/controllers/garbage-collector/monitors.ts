import { Informer, type InformerHandler, type InformerOptions } from '../../client/index.ts';
import {
  apiVersionOf,
  type KubeObject,
  type OwnerReference,
  qualifiedName,
  type Resource,
} from '../../kube/index.ts';
import { type Kept, ownerUids } from './references.ts';

const BY_OWNER = 'garbage-collector/owner';
const BY_UID = 'garbage-collector/uid';

/** An object and where it is kept. */
export interface Found {
  readonly resource: Resource;
  readonly object: Kept;
}

/** What is watched of a resource. All of its versions show the same objects, so one is watched. */
interface Monitor {
  readonly resource: Resource;
  readonly apiVersions: ReadonlySet<string>;
  readonly informer: Informer<KubeObject>;
  /** When it began, on the monotonic clock. */
  readonly sinceMs: number;
  readonly stops: (() => void)[];
}

/** How long orphaning and foreground deletion wait for a resource that cannot be listed. */
const PATIENCE_MS = 30_000;

/** The objects that own or are owned, of every resource that the server has at the time. */
export class Monitors {
  readonly #monitors = new Map<string, Monitor>();
  readonly #options: InformerOptions;
  readonly #handler: (resource: Resource) => InformerHandler<Kept>;
  readonly #running = new Set<Promise<void>>();

  constructor(options: InformerOptions, handler: (resource: Resource) => InformerHandler<Kept>) {
    this.#options = options;
    this.#handler = handler;
  }

  /**
   * Watches resources through informers that run by themselves. Nothing is told of any before all are known: what has
   * lost its owner while nobody looked would pass for something whose owner is of an unknown kind.
   */
  add(informers: ReadonlyMap<Resource, Informer<KubeObject>>): void {
    const monitors = [...informers].map(([resource, informer]) =>
      this.#keep([resource], informer, () => undefined),
    );
    for (const monitor of monitors) this.#listen(monitor);
  }

  /**
   * Watches a resource for as long as the server has it: `versions` is one resource a version, none when the server
   * has it no more. The objects of a resource that went have gone with it.
   */
  follow(name: string, versions: readonly Resource[]): void {
    const known = this.#monitors.get(name);
    const isSame =
      known?.apiVersions.size === versions.length &&
      versions.every((one) => known.apiVersions.has(apiVersionOf(one)) && one.kind === known.resource.kind);
    if (isSame) return;
    if (known) this.#end(known);
    this.#monitors.delete(name);
    const [first] = versions;
    if (first) {
      const informer = new Informer(first, this.#options);
      const abort = new AbortController();
      this.#listen(this.#keep(versions, informer, () => abort.abort()));
      const run = informer.run(abort.signal).finally(() => this.#running.delete(run));
      this.#running.add(run);
    } else if (known) {
      const handler = this.#handler(known.resource);
      for (const object of known.informer.values()) handler.deleted?.(object);
    }
  }

  #keep(versions: readonly Resource[], informer: Informer<KubeObject>, end: () => void): Monitor {
    const resource = versions[0]!;
    informer.addIndex(BY_OWNER, ownerUids).addIndex(BY_UID, ({ metadata }) => [metadata.uid]);
    const monitor = {
      resource,
      apiVersions: new Set(versions.map(apiVersionOf)),
      informer,
      sinceMs: this.#options.clock.monotonic(),
      stops: [end],
    };
    this.#monitors.set(qualifiedName(resource), monitor);
    return monitor;
  }

  #listen({ resource, informer, stops }: Monitor): void {
    stops.push(informer.on(this.#handler(resource)));
  }

  #end({ stops }: Monitor): void {
    for (const stop of stops) stop();
  }

  /** Whether every resource is known, or has had its time to be. */
  get isSettled(): boolean {
    const now = this.#options.clock.monotonic();
    return [...this.#monitors.values()].every(
      ({ informer, sinceMs }) => informer.hasSynced || now - sinceMs >= PATIENCE_MS,
    );
  }

  async stop(): Promise<void> {
    for (const monitor of this.#monitors.values()) this.#end(monitor);
    this.#monitors.clear();
    await Promise.all(this.#running);
  }

  /** The resource that a reference names; `undefined` for one that the server does not have. */
  ofReference({ apiVersion, kind }: OwnerReference): Resource | undefined {
    for (const { resource, apiVersions } of this.#monitors.values())
      if (resource.kind === kind && apiVersions.has(apiVersion)) return resource;
    return undefined;
  }

  resource(name: string): Resource | undefined {
    return this.#monitors.get(name)?.resource;
  }

  get(resource: Resource, key: string): Kept | undefined {
    return this.#monitors.get(qualifiedName(resource))?.informer.byKey(key);
  }

  /** What the object with this uid owns. */
  dependents(uid: string): Found[] {
    return this.#find(BY_OWNER, uid);
  }

  byUid(uid: string): Found[] {
    return this.#find(BY_UID, uid);
  }

  *all(): Generator<Found> {
    for (const { resource, informer } of this.#monitors.values())
      for (const object of informer.values()) yield { resource, object };
  }

  #find(index: string, uid: string): Found[] {
    return [...this.#monitors.values()].flatMap(({ resource, informer }) =>
      informer.byIndex(index, uid).map((object) => ({ resource, object })),
    );
  }
}
