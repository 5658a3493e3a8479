import { type Clock, errorMessage } from '../../base/index.ts';
import {
  FINALIZER_IN_TREE_PROVISIONER,
  hasFinalizer,
  isNotFound,
  keyOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type StorageClass,
  type Stored,
  withoutFinalizer,
} from '../../kube/index.ts';
import {
  type Deleter,
  PendingOperations,
  type Provisioner,
  type Recycler,
  specFromPersistentVolume,
  VolumeInUseError,
} from '../../volume/index.ts';
import type { Announcer } from './announcer.ts';
import { withoutClaim, withVolumePhase } from './bind.ts';
import type { Writes } from './binder.ts';
import { type EventText, normal, warning } from './decision.ts';
import { type ProvisionWorld, provisionVolume } from './provision-volume.ts';
import { recyclerPod } from './recycler-pod.ts';

type Volume = Stored<PersistentVolume>;

/** What the operations on in-tree volumes read and write. */
export interface InTreeWorld extends ProvisionWorld, Pick<Writes, 'saveVolume'> {
  /** Whether the volume, as it is now, is one that nobody claims any more. */
  isReleased(volume: Volume): Promise<boolean>;
  deleteVolume(name: string): Promise<void>;
  /** Runs a recycler pod to its end; rejects with why it failed. */
  runRecycler(
    pod: Pod,
    tell: (type: 'Normal' | 'Warning', message: string) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

export interface InTreeOptions {
  readonly world: InTreeWorld;
  readonly announcer: Announcer;
  readonly clock: Clock;
  /** Has the claim or the volume looked at again after so long: an operation on it failed. */
  retryClaim?(key: string, afterMs: number): void;
  retryVolume?(name: string, afterMs: number): void;
}

/**
 * Makes, deletes and scrubs the volumes of in-tree plugins, beside the workers, since that may take minutes: one
 * operation a volume or claim at a time, one that failed again after a back-off, when the object is looked at next.
 */
export class InTreeVolumes {
  readonly #options: InTreeOptions;
  readonly #operations: PendingOperations;
  /** By operation. */
  readonly #retries = new Map<string, (afterMs: number) => void>();
  readonly #stopping = new AbortController();

  constructor(options: InTreeOptions) {
    this.#options = options;
    this.#operations = new PendingOperations({
      clock: options.clock,
      settled: ({ volume: operation }, error, { retryAfterMs }) => {
        const retry = this.#retries.get(operation);
        this.#retries.delete(operation);
        if (error !== undefined && !this.#stopping.signal.aborted) retry?.(retryAfterMs);
      },
    });
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#operations.idle();
  }

  /** Breaks off what waits; resolves when nothing is under way. */
  stop(): Promise<void> {
    this.#stopping.abort();
    return this.idle();
  }

  provision(
    claim: Stored<PersistentVolumeClaim>,
    storageClass: StorageClass,
    plugin: string,
    provisioner: Provisioner,
  ): void {
    const { namespace, name, uid } = claim.metadata;
    const { world, announcer, clock } = this.#options;
    const tell = (event: EventText) => announcer.tell(claim, event);
    const { signal } = this.#stopping;
    this.#start(
      `provision-${namespace}/${name}[${uid}]`,
      () => provisionVolume(claim, { storageClass, plugin, provisioner, world, tell, clock, signal }),
      (afterMs) => this.#options.retryClaim?.(keyOf(claim), afterMs),
    );
  }

  recycle(volume: Volume, recycler: Recycler): void {
    this.#startOn('recycle', volume, () => this.#recycle(volume, recycler));
  }

  delete(volume: Volume, deleter: Deleter): void {
    this.#startOn('delete', volume, () => this.#delete(volume, deleter));
  }

  #startOn(verb: string, { metadata: { name, uid } }: Volume, operation: () => Promise<void>): void {
    const retry = (afterMs: number) => this.#options.retryVolume?.(name, afterMs);
    this.#start(`${verb}-${name}[${uid}]`, operation, retry);
  }

  #start(name: string, operation: () => Promise<void>, retry: (afterMs: number) => void): void {
    if (this.#operations.run({ volume: name }, name, operation)) this.#retries.set(name, retry);
  }

  async #recycle(given: Volume, recycler: Recycler): Promise<void> {
    const volume = await this.#stillReleased(given);
    if (!volume) return;
    const { world, announcer } = this.#options;
    const { signal } = this.#stopping;
    try {
      const tell = (type: 'Normal' | 'Warning', message: string) =>
        announcer.tell(volume, { type, reason: 'RecyclerPod', message: `Recycler pod: ${message}` });
      await world.runRecycler(recyclerPod(volume, recycler), tell, signal);
    } catch (error) {
      if (signal.aborted) return;
      const message = `Recycle failed: ${errorMessage(error)}`;
      return this.#fail(volume, warning('VolumeFailedRecycle', message));
    }
    announcer.tell(volume, normal('VolumeRecycled', 'Volume recycled'));
    const free = await world.saveVolume(withoutClaim(volume));
    const available = withVolumePhase(free, 'Available');
    if (available) await world.saveVolume(available, 'status');
  }

  async #delete(given: Volume, deleter: Deleter): Promise<void> {
    const volume = await this.#stillReleased(given);
    if (!volume) return;
    const { world, announcer } = this.#options;
    try {
      await deleter.delete(specFromPersistentVolume(volume, false));
      await this.#allowToGo(volume.metadata.name);
    } catch (error) {
      const message = errorMessage(error);
      if (error instanceof VolumeInUseError) announcer.tell(volume, normal('VolumeDelete', message));
      else await this.#fail(volume, warning('VolumeFailedDelete', message));
      throw error;
    }
    await world.deleteVolume(volume.metadata.name).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }

  /** Data is at stake: the server is asked, and a volume that changed hands meanwhile is left alone. */
  async #stillReleased({ metadata }: Volume): Promise<Volume | undefined> {
    const { world } = this.#options;
    const volume = await world.liveVolume(metadata.name);
    if (volume?.metadata.uid !== metadata.uid) return undefined;
    return (await world.isReleased(volume)) ? volume : undefined;
  }

  async #allowToGo(name: string): Promise<void> {
    const { world } = this.#options;
    const volume = await world.liveVolume(name);
    if (!volume || !hasFinalizer(volume, FINALIZER_IN_TREE_PROVISIONER)) return;
    await world.saveVolume(withoutFinalizer(volume, FINALIZER_IN_TREE_PROVISIONER));
  }

  /** Failed stays to be seen; every later look tries again. */
  async #fail(volume: Volume, event: EventText): Promise<void> {
    const { world, announcer } = this.#options;
    const failed = withVolumePhase(volume, 'Failed', event.message);
    if (!failed) return;
    announcer.tell(await world.saveVolume(failed, 'status'), event);
  }
}
