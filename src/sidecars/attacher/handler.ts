import type { PersistentVolume, Stored, VolumeAttachment } from '../../kube/index.ts';

/** What to do about the objects of one driver. Rejections are retried with back-off. */
export interface AttachmentHandler {
  syncAttachment(attachment: Stored<VolumeAttachment>, signal: AbortSignal): Promise<void>;
  /** Tries again to take back what was done for an attachment that was gone by then. It may be gone from the cache too. */
  undo?(name: string, signal: AbortSignal): Promise<void>;
  syncPersistentVolume(volume: Stored<PersistentVolume>, signal: AbortSignal): Promise<void>;
  /** The attachments whose state at the driver is another than their status says; they are synced by force next. */
  reconcile?(attachments: Iterable<Stored<VolumeAttachment>>, signal: AbortSignal): Promise<string[]>;
}
