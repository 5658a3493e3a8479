import type { Stored, VolumeAttachment } from '../../../kube/index.ts';

/**
 * Whether a VolumeAttachment says that the volume is attached. `undefined`: the object has gone.
 * @throws Error with the attacher's words if it cannot become so. Source: verifyAttachmentStatus, pkg/volume/csi.
 */
export function isAttached(attachment: Stored<VolumeAttachment> | undefined): boolean {
  if (!attachment) throw new Error('volume attachment has been deleted');
  if (attachment.metadata.deletionTimestamp) throw new Error('volume attachment is being deleted');
  if (attachment.status?.attached) return true;
  const failure = attachment.status?.attachError;
  if (failure) throw new Error(failure.message ?? 'attach failed without a message');
  return false;
}

/**
 * Whether the volume is detached: its VolumeAttachment has gone.
 * @throws Error with the attacher's words if detaching failed. Source: verifyDetachmentStatus, pkg/volume/csi.
 */
export function isDetached(attachment: Stored<VolumeAttachment> | undefined): boolean {
  if (!attachment) return true;
  const failure = attachment.status?.detachError;
  if (failure) throw new Error(failure.message ?? 'detach failed without a message');
  return false;
}
