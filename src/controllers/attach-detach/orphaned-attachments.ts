import { errorMessage, type Logger } from '../../base/index.ts';
import type { Client, Informer, Lister } from '../../client/index.ts';
import {
  isBeingDeleted,
  isNotFound,
  type PersistentVolume,
  persistentVolumes,
  type Stored,
  type VolumeAttachment,
  volumeAttachments,
} from '../../kube/index.ts';
import type { VolumeSpec } from '../../volume/index.ts';
import { isAttachmentName } from '../../volume/plugins/csi/index.ts';

/** A volume that the controller has, or wants, on a node. */
interface Placed {
  readonly spec: VolumeSpec | undefined;
  readonly nodeName: string;
}

export interface OrphanedAttachmentsOptions {
  readonly client: Client;
  readonly log: Logger;
  readonly volumes: Pick<Lister<Stored<PersistentVolume>>, 'get'>;
  readonly attachments: Pick<Informer<VolumeAttachment>, 'values'>;
  /** What the reconciler attaches and detaches. */
  placed(): Iterable<Placed>;
}

/**
 * Deletes VolumeAttachments whose volume was gone before anybody attached it: a leader with an old cache made them. No
 * state of the world can have them, for without the PersistentVolume nobody knows what to detach. Upstream's stay for ever.
 */
export class OrphanedAttachments {
  readonly #options: OrphanedAttachmentsOptions;

  constructor(options: OrphanedAttachmentsOptions) {
    this.#options = options;
  }

  async discard(signal: AbortSignal): Promise<void> {
    const { attachments, volumes, placed, log } = this.#options;
    const suspects = [...attachments.values()].filter((attachment) => {
      const volumeName = volumeNameOf(attachment);
      return volumeName && !volumes.get(volumeName) && isUntouched(attachment);
    });
    if (suspects.length === 0) return;
    const ours = [...placed()];
    for (const attachment of suspects) {
      if (signal.aborted) return;
      // The reconciler would make it anew.
      if (ours.some((one) => isOf(attachment, one))) continue;
      await this.#discard(attachment, signal).catch((error) => {
        if (signal.aborted || isNotFound(error)) return;
        log.warn(
          'a VolumeAttachment of a volume that is gone could not be deleted; the next sync tries again',
          {
            attachment: attachment.metadata.name,
            error: errorMessage(error),
          },
        );
      });
    }
  }

  async #discard(attachment: Stored<VolumeAttachment>, signal: AbortSignal): Promise<void> {
    const { client, log } = this.#options;
    const { name, uid, resourceVersion } = attachment.metadata;
    // The cache may be too old to have the volume. The controller's role may list volumes, but not get one.
    const fieldSelector = `metadata.name=${volumeNameOf(attachment)}`;
    const { items } = await client.list(persistentVolumes, { fieldSelector, signal });
    if (items.length > 0) return;
    // An attacher that has begun with it since has changed it.
    await client.delete(volumeAttachments, { name }, { preconditions: { uid, resourceVersion }, signal });
    log.info('deleted a VolumeAttachment whose volume is gone', { attachment: name });
  }
}

function volumeNameOf({ spec }: VolumeAttachment): string | undefined {
  return spec?.source.persistentVolumeName;
}

/**
 * Whether an attach/detach controller has made it and no attacher has acted on it: one puts its finalizer on it before it
 * attaches anything. What users make for volumes that are not there is theirs.
 */
export function isUntouched(attachment: Stored<VolumeAttachment>): boolean {
  const { metadata, status } = attachment;
  return (
    isAttachmentName(metadata.name) &&
    !metadata.finalizers?.length &&
    !status?.attached &&
    !isBeingDeleted(attachment)
  );
}

function isOf(attachment: VolumeAttachment, { spec, nodeName }: Placed): boolean {
  return (
    attachment.spec?.nodeName === nodeName &&
    volumeNameOf(attachment) === spec?.persistentVolume?.metadata.name
  );
}
