import { type Clock, errorMessage, type Logger, rfc3339 } from '../../base/index.ts';
import type { Client, Lister } from '../../client/index.ts';
import { type ControllerCapability, type CsiClient, CsiError, rpcErrorText } from '../../csi/index.ts';
import {
  attacherFinalizer,
  type CSINode,
  csiNodes,
  hasFinalizer,
  isBeingDeleted,
  isNotFound,
  type KubeObject,
  type PersistentVolume,
  persistentVolumes,
  type Resource,
  type Stored,
  secrets,
  secretText,
  type VolumeAttachment,
  volumeAttachments,
} from '../../kube/index.ts';
import { repairVolumeHandle } from '../../volume/migration/index.ts';
import { volumeCapability } from '../shared/volume-capability.ts';
import {
  ANN_NODE_ID,
  type AttachmentSource,
  attachedStatus,
  attachmentSource,
  DETACHED_STATUS,
  nodeIdOf,
  shortened,
} from './attachment.ts';
import { addFinalizer, changeMetadata, removeFinalizer } from './change-metadata.ts';
import type { AttachmentHandler } from './handler.ts';
import { publishedVolumes } from './published-volumes.ts';

export interface CsiHandlerOptions {
  readonly driver: CsiClient;
  readonly driverName: string;
  readonly capabilities: ReadonlySet<ControllerCapability>;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly volumes: Lister<Stored<PersistentVolume>>;
  readonly nodes: Lister<Stored<CSINode>>;
  /** The VolumeAttachments that name a PersistentVolume. */
  attachmentsOf(volumeName: string): readonly VolumeAttachment[];
  /** Milliseconds for each call of the driver. */
  readonly timeoutMs: number;
  readonly defaultFsType: string;
  /** Entries a page of ListVolumes; 0: no limit. */
  readonly maxEntries: number;
}

/** A volume at a node, as the driver was told: enough to take it back when volume and node are gone from the API. */
interface Publication {
  readonly source: AttachmentSource;
  readonly nodeId: string;
}

/** Attaches and detaches by ControllerPublishVolume and ControllerUnpublishVolume (external-attacher's csiHandler). */
export class CsiHandler implements AttachmentHandler {
  readonly #options: CsiHandlerOptions;
  readonly #finalizer: string;
  /** Attachments to be synced whatever their status says. */
  readonly #forced = new Set<string>();
  /** By attachment: what was published for it when it was gone by then. Nobody but this one would take it back. */
  readonly #inVain = new Map<string, Publication>();

  constructor(options: CsiHandlerOptions) {
    this.#options = options;
    this.#finalizer = attacherFinalizer(options.driverName);
  }

  async syncAttachment(attachment: Stored<VolumeAttachment>, signal: AbortSignal): Promise<void> {
    const forced = this.#forced.delete(attachment.metadata.name);
    if (isBeingDeleted(attachment)) {
      if (forced || hasFinalizer(attachment, this.#finalizer)) await this.#detach(attachment, signal);
    } else if (forced || !attachment.status?.attached) await this.#attach(attachment, signal);
  }

  /** Takes back what was published in vain for the attachment of that name. */
  async undo(name: string, signal: AbortSignal): Promise<void> {
    const publication = this.#inVain.get(name);
    if (!publication) return;
    // Whoever has made another of the same name wants the volume there.
    if (!(await this.#live(volumeAttachments, name, signal))) await this.#takeBack(publication, signal);
    this.#inVain.delete(name);
  }

  /** Lets a deleted PersistentVolume go once nothing attaches it any more. */
  async syncPersistentVolume(volume: Stored<PersistentVolume>, signal: AbortSignal): Promise<void> {
    if (!isBeingDeleted(volume) || !hasFinalizer(volume, this.#finalizer)) return;
    if (this.#options.attachmentsOf(volume.metadata.name).length > 0) return;
    try {
      await changeMetadata(
        this.#options.client,
        persistentVolumes,
        volume,
        removeFinalizer(this.#finalizer),
        signal,
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async reconcile(attachments: Iterable<Stored<VolumeAttachment>>, signal: AbortSignal): Promise<string[]> {
    const { driver, driverName, maxEntries, timeoutMs, log } = this.#options;
    const published = await publishedVolumes(driver, { maxEntries, timeoutMs, signal });
    const wrong: string[] = [];
    for (const attachment of attachments) {
      if (attachment.spec?.attacher !== driverName) continue;
      const { name } = attachment.metadata;
      try {
        const { csi, persistentVolume } = await this.#source(attachment, signal);
        const nodeId = await this.#nodeId(attachment, signal, true);
        const handle = persistentVolume?.spec?.csi
          ? csi.volumeHandle
          : repairVolumeHandle(csi.driver, csi.volumeHandle, nodeId);
        const found = published.get(handle)?.includes(nodeId) ?? false;
        if (found === (attachment.status?.attached ?? false)) continue;
        log.warn('a VolumeAttachment and the driver disagree; attaching or detaching again', {
          attachment: name,
          volumeHandle: csi.volumeHandle,
          published: found,
        });
        this.#forced.add(name);
        wrong.push(name);
      } catch (error) {
        log.warn('a VolumeAttachment could not be compared with the driver', {
          attachment: name,
          error: errorMessage(error),
        });
      }
    }
    return wrong;
  }

  async #attach(attachment: Stored<VolumeAttachment>, signal: AbortSignal): Promise<void> {
    const { client, log } = this.#options;
    const { name, uid } = attachment.metadata;
    let published: Publication & { readonly publishContext: Record<string, string> };
    try {
      // Another leader may have detached it while the cache was late: upstream attaches again, for nobody. One without the
      // finalizer need not be asked for: the write that gives it one fails.
      if (hasFinalizer(attachment, this.#finalizer)) {
        const latest = await this.#latest(attachment, signal);
        if (!latest || isBeingDeleted(latest)) {
          log.info('no longer to be attached', { attachment: name });
          return;
        }
      }
      published = await this.#publish(attachment, signal);
    } catch (error) {
      if (!signal.aborted) await this.#saveError(attachment, 'attachError', error);
      throw error;
    }
    try {
      await client.patch(
        volumeAttachments,
        { name },
        // Another of the same name, made meanwhile, has no finalizer yet: as an attached one it would go undetached.
        {
          type: 'merge',
          body: { metadata: { uid }, ...attachedStatus(attachment, published.publishContext) },
        },
        { subresource: 'status', signal },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
      // Detached and gone while the cache still had it: nobody else would undo what was done just now.
      log.info('attached in vain; detaching', { attachment: name });
      this.#inVain.set(name, published);
      return this.undo(name, signal);
    }
    log.info('attached', { attachment: name, node: attachment.spec?.nodeName });
  }

  async #publish(
    attachment: Stored<VolumeAttachment>,
    signal: AbortSignal,
  ): Promise<Publication & { readonly publishContext: Record<string, string> }> {
    const { client, driver, capabilities, timeoutMs, defaultFsType } = this.#options;
    // All that can be refused is refused before the finalizer, which holds back the deletion of the attachment.
    const source = await this.#source(attachment, signal);
    const { persistentVolume } = source;
    if (persistentVolume && isBeingDeleted(persistentVolume)) {
      throw new Error(`PersistentVolume "${persistentVolume.metadata.name}" is marked for deletion`);
    }
    const capability = volumeCapability(
      source.spec,
      capabilities.has('SINGLE_NODE_MULTI_WRITER'),
      defaultFsType,
    );
    const [credentials, nodeId] = await Promise.all([
      this.#secrets(source, signal),
      this.#nodeId(attachment, signal, false),
    ]);
    // The volume first: one that has begun to go since takes no finalizer, and an attachment that had one could not be
    // detached once the volume is gone. Upstream's stays for ever.
    if (persistentVolume)
      await changeMetadata(
        client,
        persistentVolumes,
        persistentVolume,
        addFinalizer(this.#finalizer),
        signal,
      );
    await changeMetadata(
      client,
      volumeAttachments,
      attachment,
      (latest) => this.#mark(latest, nodeId),
      signal,
    );
    const response = await driver.controller.controllerPublishVolume(
      {
        volumeId: source.csi.volumeHandle,
        nodeId,
        volumeCapability: capability,
        // Only a driver that knows it may be told (CSI, ControllerPublishVolumeRequest.readonly).
        readonly: capabilities.has('PUBLISH_READONLY') && (source.csi.readOnly ?? false),
        volumeContext: { ...source.csi.volumeAttributes },
        secrets: credentials,
      },
      { timeoutMs, signal },
    );
    return { source, nodeId, publishContext: response.publishContext };
  }

  #mark(attachment: Stored<VolumeAttachment>, nodeId: string) {
    const finalizer = addFinalizer(this.#finalizer)(attachment);
    if (attachment.metadata.annotations?.[ANN_NODE_ID] === nodeId) return finalizer;
    return { ...finalizer, annotations: { [ANN_NODE_ID]: nodeId } };
  }

  async #detach(attachment: Stored<VolumeAttachment>, signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const { name } = attachment.metadata;
    try {
      // A leader before this one may have detached it, and attached a new one of the same name, while the cache was late:
      // upstream takes that one's volume away, from under a pod.
      if (!(await this.#latest(attachment, signal))) {
        log.info('detached by somebody else', { attachment: name });
        return;
      }
      await this.#unpublish(attachment, signal);
    } catch (error) {
      if (!signal.aborted) await this.#saveError(attachment, 'detachError', error);
      throw error;
    }
    log.info('detached', { attachment: name, node: attachment.spec?.nodeName });
    await this.#markDetached(attachment, signal).catch((error) => {
      // Nothing held it any more.
      if (!isNotFound(error)) throw error;
    });
  }

  async #unpublish(attachment: Stored<VolumeAttachment>, signal: AbortSignal): Promise<void> {
    const [source, nodeId] = await Promise.all([
      this.#source(attachment, signal),
      this.#nodeId(attachment, signal, true),
    ]);
    await this.#takeBack({ source, nodeId }, signal);
  }

  async #takeBack({ source, nodeId }: Publication, signal: AbortSignal): Promise<void> {
    const { driver, timeoutMs } = this.#options;
    await driver.controller.controllerUnpublishVolume(
      { volumeId: source.csi.volumeHandle, nodeId, secrets: await this.#secrets(source, signal) },
      { timeoutMs, signal },
    );
  }

  /** The finalizer goes first: attached: false with the finalizer would mean a detach that may have timed out. */
  async #markDetached(attachment: Stored<VolumeAttachment>, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const released = await changeMetadata(
      client,
      volumeAttachments,
      attachment,
      removeFinalizer(this.#finalizer),
      signal,
    );
    if ((released.metadata.finalizers ?? []).length === 0) return;
    await client.patch(
      volumeAttachments,
      { name: attachment.metadata.name },
      { type: 'merge', body: DETACHED_STATUS },
      { subresource: 'status', signal },
    );
  }

  /** Tells in the VolumeAttachment's status what went wrong. That it cannot be told is logged only. */
  async #saveError(
    attachment: Stored<VolumeAttachment>,
    field: 'attachError' | 'detachError',
    error: unknown,
  ): Promise<void> {
    const { client, clock, log } = this.#options;
    const time = rfc3339(clock.now());
    // Only attach errors carry the gRPC code, as upstream (MutableCSINodeAllocatableCount).
    const errorCode = field === 'attachError' && error instanceof CsiError ? error.code : undefined;
    const body = { status: { [field]: { message: shortened(rpcErrorText(error)), time, errorCode } } };
    try {
      await client.patch(
        volumeAttachments,
        { name: attachment.metadata.name },
        { type: 'merge', body },
        { subresource: 'status' },
      );
    } catch (failure) {
      log.warn(`${field} of a VolumeAttachment could not be saved`, {
        attachment: attachment.metadata.name,
        error: errorMessage(failure),
      });
    }
  }

  async #source(attachment: VolumeAttachment, signal: AbortSignal): Promise<AttachmentSource> {
    const name = attachment.spec?.source.persistentVolumeName;
    const volume =
      name === undefined
        ? undefined
        : (this.#options.volumes.get(name) ?? (await this.#live(persistentVolumes, name, signal)));
    return attachmentSource(attachment, volume);
  }

  async #nodeId(attachment: VolumeAttachment, signal: AbortSignal, mayRemember: boolean): Promise<string> {
    const { driverName, nodes } = this.#options;
    const nodeName = attachment.spec?.nodeName ?? '';
    const node = nodes.get(nodeName) ?? (await this.#live(csiNodes, nodeName, signal));
    return nodeIdOf(driverName, nodeName, node, mayRemember ? attachment : undefined);
  }

  /** The attachment as the server has it; undefined: it is gone, be there another of the same name or not. */
  async #latest(
    { metadata: { name, uid } }: Stored<VolumeAttachment>,
    signal: AbortSignal,
  ): Promise<Stored<VolumeAttachment> | undefined> {
    const latest = await this.#live(volumeAttachments, name, signal);
    return latest?.metadata.uid === uid ? latest : undefined;
  }

  /** An object that the cache does not have: it may only be late. */
  async #live<T extends KubeObject>(
    resource: Resource<T>,
    name: string,
    signal: AbortSignal,
  ): Promise<Stored<T> | undefined> {
    try {
      return await this.#options.client.get(resource, { name }, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #secrets({ csi }: AttachmentSource, signal: AbortSignal): Promise<Record<string, string>> {
    const reference = csi.controllerPublishSecretRef;
    if (!reference) return {};
    const { namespace, name = '' } = reference;
    try {
      return secretText(await this.#options.client.get(secrets, { namespace, name }, { signal }));
    } catch (error) {
      throw new Error(`failed to load secret "${namespace}/${name}": ${errorMessage(error)}`, {
        cause: error,
      });
    }
  }
}
