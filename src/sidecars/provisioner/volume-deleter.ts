import { errorMessage } from '../../base/index.ts';
import { type ComponentContext, Controller, type EventRecorder, type Informer } from '../../client/index.ts';
import { type CsiClient, rpcErrorText } from '../../csi/index.ts';
import {
  ANN_PROVISIONER_DELETION_SECRET_NAME,
  ANN_PROVISIONER_DELETION_SECRET_NAMESPACE,
  annotation,
  FINALIZER_EXTERNAL_PROVISIONER,
  hasFinalizer,
  isNotFound,
  joinKey,
  type PersistentVolume,
  persistentVolumes,
  type SecretReference,
  type StorageClass,
  type Stored,
  storageClasses,
  type VolumeAttachment,
  volumeAttachments,
  volumeClass,
  withFinalizer,
  withoutFinalizer,
} from '../../kube/index.ts';
import { translateVolume } from '../../volume/migration/index.ts';
import { credentialsOf } from '../shared/credentials.ts';
import type { Driver } from '../shared/driver.ts';
import { checkCapabilities } from './driver.ts';
import { classForDriver } from './migrated-class.ts';
import type { Flags } from './options.ts';
import { secretReference } from './secrets.ts';
import { shared } from './shared.ts';
import { finalizerChange, isVolumeOf, shouldDelete } from './should-delete.ts';
import type { VolumeObserver } from './volume-observer.ts';

const ATTACHMENTS_BY_VOLUME = 'va-persistent-volume-name';
/** Should the news of the detach be missed. */
const ATTACHED_RETRY_MS = 15_000;

type Volume = Stored<PersistentVolume>;

export interface VolumeDeleterOptions {
  readonly csi: CsiClient;
  readonly driver: Driver;
  readonly flags: Flags;
  readonly recorder: EventRecorder;
  readonly observer: Required<VolumeObserver>;
  /** Whether the driver can delete the volume from here: where there is a provisioner on each node, its own ones only. */
  isReachable(volume: PersistentVolume): boolean;
}

/**
 * Deletes the volumes that were released, and keeps their objects until that is done. Source: ProvisionController of
 * sig-storage-lib-external-provisioner, volume queue, and Delete of external-provisioner.
 */
export class VolumeDeleter {
  readonly #context: ComponentContext;
  readonly #csi: CsiClient;
  readonly #driver: Driver;
  readonly #flags: Flags;
  readonly #recorder: EventRecorder;
  readonly #observer: Required<VolumeObserver>;
  readonly #isReachable: (volume: PersistentVolume) => boolean;
  readonly #volumes: Informer<PersistentVolume>;
  readonly #classes: Informer<StorageClass>;
  readonly #attachments: Informer<VolumeAttachment> | undefined;
  readonly #attachmentsNow: () => Promise<readonly VolumeAttachment[]>;
  readonly #queue: Controller;
  /** Uids of volumes that are deleted and whose objects the cache still has. */
  readonly #done = new Set<string>();

  constructor(context: ComponentContext, options: VolumeDeleterOptions) {
    const { driver, flags, recorder } = options;
    this.#context = context;
    this.#csi = options.csi;
    this.#driver = driver;
    this.#flags = flags;
    this.#recorder = recorder;
    this.#observer = options.observer;
    this.#isReachable = options.isReachable;
    const { informers, clock, log } = context;
    this.#volumes = informers.of(persistentVolumes);
    this.#classes = informers.of(storageClasses);
    if (driver.controller.has('PUBLISH_UNPUBLISH_VOLUME')) {
      this.#attachments = informers.of(volumeAttachments).addIndex(ATTACHMENTS_BY_VOLUME, volumeOf);
    }
    this.#attachmentsNow = shared(async () => (await context.client.list(volumeAttachments)).items);
    this.#queue = new Controller({
      name: `deleter of ${driver.name}`,
      clock,
      log,
      workers: flags.workerThreads,
      backoff: flags.backoff,
      observer: context.queues?.('volumes'),
      reconcile: (name, signal) => this.#reconcile(name, signal),
    });
  }

  get informers(): readonly { synced: Promise<void> }[] {
    return [this.#volumes, this.#classes, ...(this.#attachments ? [this.#attachments] : [])];
  }

  /** Works until the signal aborts. The informers must be synced. */
  async run(signal: AbortSignal): Promise<void> {
    const changed = (volume: Volume) => {
      const hasWork = shouldDelete(volume) || finalizerChange(volume) !== undefined;
      if (hasWork && isVolumeOf(volume, this.#driver.name)) this.#queue.enqueue(volume.metadata.name);
    };
    const stops = [
      this.#volumes.on({
        added: changed,
        updated: changed,
        deleted: ({ metadata }) => this.#done.delete(metadata.uid),
      }),
    ];
    // A volume that could not be deleted because it was attached need not wait for its back-off.
    const detached = (attachment: VolumeAttachment) => {
      for (const volume of volumeOf(attachment).flatMap((name) => this.#volumes.get(name) ?? [])) {
        changed(volume);
      }
    };
    if (this.#attachments) stops.push(this.#attachments.on({ deleted: detached }));
    await this.#queue.run(signal);
    for (const stop of stops) stop();
  }

  async #reconcile(name: string, signal: AbortSignal): Promise<number | undefined> {
    let volume = this.#volumes.get(name);
    if (!volume || this.#done.has(volume.metadata.uid) || !isVolumeOf(volume, this.#driver.name))
      return undefined;
    const add = finalizerChange(volume);
    if (add !== undefined) {
      const change = add ? withFinalizer : withoutFinalizer;
      volume = await this.#writeFinalizers(change(volume, FINALIZER_EXTERNAL_PROVISIONER));
    }
    if (!shouldDelete(volume) || !this.#isReachable(volume)) return undefined;
    const { clock } = this.#context;
    const startedMs = clock.monotonic();
    const attachment = await this.#attachmentOf(name);
    if (attachment) {
      // Its detach wakes us: this is a wait, not a failure, though upstream's event is a warning.
      const message = `persistentvolume ${name} is still attached to node ${attachment.spec.nodeName}`;
      this.#recorder.event(volume, 'Warning', 'VolumeFailedDelete', message);
      this.#observer.notDeleted(volume);
      return ATTACHED_RETRY_MS;
    }
    const { claimRef } = volume.spec ?? {};
    const journey = joinKey(claimRef?.namespace, claimRef?.name ?? name);
    const span = this.#context.trace.begin('external-provisioner', 'delete', journey, {
      volume: name,
      driver: this.#driver.name,
    });
    try {
      await this.#deleteVolume(volume, signal);
      this.#observer.deleted(volume);
    } catch (error) {
      const message = rpcErrorText(error);
      span.fail(message);
      if (!signal.aborted) {
        this.#recorder.event(volume, 'Warning', 'VolumeFailedDelete', message);
        this.#observer.notDeleted(volume);
      }
      throw new Error(message, { cause: error });
    }
    try {
      await this.#deleteObject(volume);
      span.ok();
      this.#observer.gone(volume, clock.monotonic() - startedMs);
      return undefined;
    } catch (error) {
      this.#observer.notDeleted(volume);
      span.fail(errorMessage(error));
      throw error;
    }
  }

  /**
   * What attaches the volume. The cache may lag behind, and a volume that is deleted under a node is lost: so the server
   * has the last word, one question for all volumes that wait for it.
   */
  async #attachmentOf(name: string): Promise<VolumeAttachment | undefined> {
    if (!this.#attachments) return undefined;
    const [cached] = this.#attachments.byIndex(ATTACHMENTS_BY_VOLUME, name);
    return cached ?? (await this.#attachmentsNow()).find((one) => volumeOf(one).includes(name));
  }

  async #deleteVolume(volume: Volume, signal: AbortSignal): Promise<void> {
    const source = translateVolume(volume).spec?.csi;
    if (!source) throw new Error('invalid CSI PV');
    checkCapabilities(this.#driver);
    const secrets = await this.#secretsFor(volume);
    await this.#csi.controller.deleteVolume(
      { volumeId: source.volumeHandle, secrets },
      { timeoutMs: this.#flags.timeoutMs, signal },
    );
  }

  /** The object goes once pv-protection lets it; our finalizer is removed after the deletion has begun. */
  async #deleteObject(volume: Volume): Promise<void> {
    const { client } = this.#context;
    const { name, uid } = volume.metadata;
    try {
      const going = await client.delete(persistentVolumes, { name }, { preconditions: { uid } });
      this.#done.add(uid);
      if (hasFinalizer(going, FINALIZER_EXTERNAL_PROVISIONER)) {
        // Whatever version the object is of by now: others let go of it at the same time.
        const metadata = { uid, '$deleteFromPrimitiveList/finalizers': [FINALIZER_EXTERNAL_PROVISIONER] };
        await client.patch(persistentVolumes, { name }, { type: 'strategic', body: { metadata } });
      }
    } catch (error) {
      if (isNotFound(error)) return;
      this.#done.delete(uid);
      throw error;
    } finally {
      // The cache may have heard of the end before we did.
      if (!this.#volumes.get(name)) this.#done.delete(uid);
    }
  }

  /** Only finalizers, and only of the version that was seen: its role has no update of volumes. */
  #writeFinalizers({ metadata }: Volume): Promise<Volume> {
    const { name, resourceVersion, finalizers = [] } = metadata;
    const body = { metadata: { resourceVersion, finalizers } };
    return this.#context.client.patch(persistentVolumes, { name }, { type: 'merge', body });
  }

  /** The secrets that the volume was made with. When they are gone, the driver is asked to do without. */
  async #secretsFor(volume: Volume): Promise<Record<string, string>> {
    const reference = this.#secretReferenceFor(volume);
    try {
      return await credentialsOf(this.#context.client, reference);
    } catch (error) {
      this.#context.log.warn(`volume ${volume.metadata.name} is deleted without secrets`, {
        error: errorMessage(error),
      });
      return {};
    }
  }

  #secretReferenceFor(volume: Volume): SecretReference | undefined {
    const name = annotation(volume, ANN_PROVISIONER_DELETION_SECRET_NAME);
    const namespace = annotation(volume, ANN_PROVISIONER_DELETION_SECRET_NAMESPACE);
    if (name !== undefined && namespace !== undefined) {
      return name && namespace ? { name, namespace } : undefined;
    }
    const { claimRef } = volume.spec ?? {};
    const storageClass = this.#classes.get(volumeClass(volume));
    const parameters = storageClass && classForDriver(storageClass, this.#driver.name).parameters;
    if (!claimRef || !parameters) return undefined;
    const claim = { metadata: { name: claimRef.name, namespace: claimRef.namespace } };
    return secretReference('provisioner', parameters, volume.metadata.name, claim);
  }
}

function volumeOf(attachment: VolumeAttachment): readonly string[] {
  const name = attachment.spec.source.persistentVolumeName;
  return name ? [name] : [];
}
