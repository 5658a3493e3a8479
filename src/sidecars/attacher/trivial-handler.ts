import type { Client } from '../../client/index.ts';
import { volumeAttachments } from '../../kube/index.ts';
import { attachedStatus } from './attachment.ts';
import type { AttachmentHandler } from './handler.ts';

/** For a driver that has nothing to attach: every VolumeAttachment is attached at once. */
export function createTrivialHandler(client: Client): AttachmentHandler {
  return {
    async syncAttachment(attachment, signal) {
      if (attachment.status?.attached) return;
      await client.patch(
        volumeAttachments,
        { name: attachment.metadata.name },
        { type: 'merge', body: attachedStatus(attachment, {}) },
        { subresource: 'status', signal },
      );
    },
    async syncPersistentVolume() {},
  };
}
