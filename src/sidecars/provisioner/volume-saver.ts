import { errorMessage } from '../../base/index.ts';
import { type ComponentContext, Controller, type EventRecorder, type Lister } from '../../client/index.ts';
import {
  isAlreadyExists,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumes,
  type Stored,
} from '../../kube/index.ts';

/** Claims by uid. */
export const UID_INDEX = 'uid';

interface Unsaved {
  readonly volume: PersistentVolume;
  readonly onSaved: () => void;
}

/**
 * Writes the objects of new volumes. A volume that was made is always saved, even when its claim is gone: only as an
 * object can it be deleted again. Source: queueStore of sig-storage-lib-external-provisioner.
 */
export class VolumeSaver {
  readonly #context: ComponentContext;
  readonly #claims: Lister<Stored<PersistentVolumeClaim>>;
  readonly #recorder: EventRecorder;
  readonly #unsaved = new Map<string, Unsaved>();
  /** Saved, but not yet in the cache. */
  readonly #fresh = new Set<string>();
  readonly #retries: Controller;

  constructor(
    context: ComponentContext,
    claims: Lister<Stored<PersistentVolumeClaim>>,
    recorder: EventRecorder,
  ) {
    this.#context = context;
    this.#claims = claims;
    this.#recorder = recorder;
    this.#retries = new Controller({
      name: 'volume saver',
      clock: context.clock,
      log: context.log,
      reconcile: (name) => this.#retry(name),
    });
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#retries.run(signal);
  }

  /** Whether the volume's object is written, or will be. */
  has(name: string): boolean {
    return this.#fresh.has(name) || this.#unsaved.has(name);
  }

  /** The cache has the volume: it need not be remembered. */
  heard(name: string): void {
    this.#fresh.delete(name);
  }

  /** An object of this name has gone: another that waits for that takes its place. */
  gone(name: string): void {
    if (this.#unsaved.has(name)) this.#retries.enqueue(name);
  }

  /** Saves the volume, now or in the background. `onSaved` is called once it is. */
  async save(volume: PersistentVolume, onSaved: () => void): Promise<void> {
    const name = volume.metadata?.name ?? '';
    try {
      await this.#save(volume);
      onSaved();
    } catch (error) {
      this.#context.log.warn(`volume ${name} was made but could not be saved; trying again`, {
        error: errorMessage(error),
      });
      this.#unsaved.set(name, { volume, onSaved });
      this.#retries.enqueue(name);
    }
  }

  async #retry(name: string): Promise<void> {
    const unsaved = this.#unsaved.get(name);
    if (!unsaved) return;
    await this.#save(unsaved.volume);
    this.#unsaved.delete(name);
    unsaved.onSaved();
  }

  /**
   * Whoever acts on an old claim may have its volume made anew while the object of the first is on its way out, and that
   * would be the end of the only one who knows of it; upstream takes any object for its own.
   * @throws Error when it goes: tried again, until it is gone.
   */
  async #checkStays(name: string): Promise<void> {
    const { deletionTimestamp } = (await this.#context.client.get(persistentVolumes, { name })).metadata;
    if (deletionTimestamp) throw new Error('another object of its name is being deleted');
  }

  async #save(volume: PersistentVolume): Promise<void> {
    const name = volume.metadata?.name ?? '';
    // Before the write: the cache may hear of it before the answer is here.
    this.#fresh.add(name);
    try {
      await this.#context.client.create(persistentVolumes, volume);
    } catch (error) {
      this.#fresh.delete(name);
      if (!isAlreadyExists(error)) throw error;
      await this.#checkStays(name);
    }
    const [claim] = this.#claims.byIndex(UID_INDEX, volume.spec?.claimRef?.uid ?? '');
    if (claim) {
      this.#recorder.event(
        claim,
        'Normal',
        'ProvisioningSucceeded',
        `Successfully provisioned volume ${name}`,
      );
    }
  }
}
