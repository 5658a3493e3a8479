import { type BackoffPolicy, sleep } from '../../../base/index.ts';
import {
  type Client,
  type ComponentContext,
  Controller,
  Informer,
  ignoreNotFound,
  runControllers,
} from '../../../client/index.ts';
import type { CsiClient } from '../../../csi/index.ts';
import {
  type CSIStorageCapacity,
  csiStorageCapacities,
  type PersistentVolume,
  type StorageClass,
  type Stored,
  storageClasses,
} from '../../../kube/index.ts';
import type { TopologyTerm } from '../topology-term.ts';
import type { Counts } from './capacity-metrics.ts';
import { changedCapacity, type Management, managedLabels, newCapacity } from './capacity-object.ts';
import { KnownObjects, type Work } from './known-objects.ts';
import { type Item, takesFrom, wantedItems } from './wanted.ts';

/** Where volumes of the driver can be, and when that changes. */
export interface Segments {
  readonly informers: Readonly<Record<string, { readonly synced: Promise<void> }>>;
  list(): readonly TopologyTerm[];
  /** Returns what ends it. */
  onChange(changed: () => void): () => void;
}

export interface CapacityControllerOptions {
  readonly csi: CsiClient;
  readonly management: Management;
  readonly segments: Segments;
  readonly timeoutMs: number;
  readonly pollIntervalMs: number;
  readonly threads: number;
  readonly immediateBinding: boolean;
  readonly backoff: BackoffPolicy;
}

const SURVEY = 'survey';
/** What the keys of objects that must go begin with; those of items are JSON. */
const OBSOLETE = 'obsolete ';

/**
 * Makes CSIStorageCapacity objects for the scheduler, and keeps them true: one for each class in each segment of the
 * cluster. Source: pkg/capacity of external-provisioner.
 */
export class CapacityController {
  readonly #context: ComponentContext;
  readonly #options: CapacityControllerOptions;
  readonly #classes: Informer<StorageClass>;
  readonly #capacities: Informer<CSIStorageCapacity>;
  readonly #known = new KnownObjects();
  readonly #surveys: Controller;
  readonly #queue: Controller;

  constructor(context: ComponentContext, options: CapacityControllerOptions) {
    const { clock, random, log, informers, client } = context;
    const { management, threads, backoff } = options;
    this.#context = context;
    this.#options = options;
    this.#classes = informers.of(storageClasses);
    // One of its own: its role lets it see the objects of its namespace only, and other drivers' are nothing to it.
    this.#capacities = new Informer(csiStorageCapacities, {
      client: ownObjectsOnly(client, management),
      clock,
      random,
      log,
    });
    const { driver } = management;
    this.#surveys = new Controller({
      name: `topology of ${driver}`,
      clock,
      log,
      workers: 1,
      observer: context.queues?.('csitopology'),
      reconcile: async () => this.#do(this.#known.want(this.#wanted())),
    });
    this.#queue = new Controller({
      name: `capacity of ${driver}`,
      clock,
      log,
      workers: threads,
      backoff,
      observer: context.queues?.('csistoragecapacity'),
      reconcile: (key, signal) => (key.startsWith(OBSOLETE) ? this.#delete(key) : this.#sync(key, signal)),
    });
  }

  /** Works until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { segments } = this.#options;
    const [classes, capacities] = [this.#classes, this.#capacities];
    await Promise.all([
      capacities.run(signal),
      runControllers(signal, {
        informers: { classes, capacities, ...segments.informers },
        listen: () => {
          // What there should be, before what there is: else all of it would be obsolete.
          this.#do(this.#known.want(this.#wanted()));
          const changed = ({ metadata }: Stored<StorageClass>) => {
            this.#survey();
            this.#refresh(({ storageClass }) => storageClass === metadata.name);
          };
          return [
            classes.on({ added: changed, updated: changed, deleted: () => this.#survey() }),
            segments.onChange(() => this.#survey()),
            capacities.on({
              added: (object) => this.#do(this.#known.heard(object)),
              updated: (object) => this.#do(this.#known.heard(object)),
              deleted: (object) => this.#do(this.#known.gone(object)),
            }),
          ];
        },
        loops: [this.#surveys, this.#queue, { run: (stopped) => this.#poll(stopped) }],
      }),
    ]);
  }

  /** A volume was made or deleted: the storage that it is of has another capacity now. Source: provisionWrapper. */
  volumeChanged({ spec }: PersistentVolume, className?: string): void {
    const terms = spec?.nodeAffinity?.required?.nodeSelectorTerms;
    if (terms) this.#refresh(({ segment }) => takesFrom(segment, terms));
    else if (className !== undefined) this.volumeFailed(className);
  }

  /** A volume could not be made: perhaps for want of room. */
  volumeFailed(className: string): void {
    this.#refresh(({ storageClass }) => storageClass === className);
  }

  get counts(): Counts {
    const obsolete = [...this.#capacities.values()].filter((object) => this.#known.isObsolete(object));
    return { ...this.#known.counts, obsolete: obsolete.length };
  }

  #wanted(): readonly Item[] {
    const { management, segments, immediateBinding } = this.#options;
    return wantedItems(management.driver, this.#classes.values(), segments.list(), { immediateBinding });
  }

  #survey(): void {
    this.#surveys.enqueue(SURVEY);
  }

  #refresh(test?: (item: Item) => boolean): void {
    for (const key of this.#known.keys(test)) this.#queue.enqueue(key);
  }

  #do({ items, obsolete }: Work): void {
    for (const key of items) this.#queue.enqueue(key);
    for (const { metadata } of obsolete) this.#queue.enqueue(`${OBSOLETE}${metadata.name} ${metadata.uid}`);
  }

  /** What others take from the storage, nobody tells us. */
  async #poll(signal: AbortSignal): Promise<void> {
    const { clock } = this.#context;
    while (!signal.aborted) {
      this.#refresh();
      await sleep(clock, this.#options.pollIntervalMs, signal).catch(() => undefined);
    }
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const item = this.#known.item(key);
    const storageClass = item && this.#classes.get(item.storageClass);
    if (!item || !storageClass) return;
    const { csi, management, timeoutMs } = this.#options;
    const told = await csi.controller.getCapacity(
      {
        parameters: { ...storageClass.parameters },
        accessibleTopology: { segments: Object.fromEntries(item.segment) },
      },
      { timeoutMs, signal },
    );
    // It may have changed during the call.
    if (!this.#known.item(key)) return;
    const { availableCapacity, maximumVolumeSize } = told;
    const capacity = { availableCapacity, maximumVolumeSize };
    const { client } = this.#context;
    const object = this.#known.objectOf(key);
    const next = object
      ? changedCapacity(management, object, capacity)
      : newCapacity(management, item, capacity);
    if (!next) return;
    const saved = object
      ? await client.update(csiStorageCapacities, next)
      : await client.create(csiStorageCapacities, next);
    this.#do(this.#known.heard(saved));
  }

  async #delete(key: string): Promise<void> {
    const [name = '', uid = ''] = key.slice(OBSOLETE.length).split(' ');
    const { namespace } = this.#options.management;
    const object = { namespace, name };
    await ignoreNotFound(
      this.#context.client.delete(csiStorageCapacities, object, { preconditions: { uid } }),
    );
  }
}

/** Lists and watches of these objects only. */
function ownObjectsOnly(client: Client, management: Management): Client {
  const { namespace } = management;
  const labelSelector = Object.entries(managedLabels(management))
    .map((label) => label.join('='))
    .join(',');
  const scope = { namespace, labelSelector };
  return {
    ...client,
    list: (resource, options) => client.list(resource, { ...options, ...scope }),
    watch: (resource, options) => client.watch(resource, { ...options, ...scope }),
  };
}
