import { errorMessage } from '../../../base/index.ts';
import type { Client } from '../../../client/index.ts';
import {
  isAlreadyExists,
  isNotFound,
  type VolumeAttachment,
  volumeAttachments,
} from '../../../kube/index.ts';
import type { Attacher, VolumeSpec } from '../../plugin.ts';
import { isAttached, isDetached } from './attachment-status.ts';
import type { AttachmentWatch } from './attachment-watch.ts';
import { attachmentName, splitCsiVolumeName } from './names.ts';
import { persistentSource } from './source.ts';
import { CSI_TIMEOUT_MS } from './timeout.ts';

export interface CsiAttacherOptions {
  readonly client: Client;
  canAttach(spec: VolumeSpec): boolean;
  /** Absent on a node, where volumes are neither attached nor detached. */
  readonly attachments?: AttachmentWatch;
  /** Present on a node. */
  readonly verifyExhaustedResource?: Attacher['verifyExhaustedResource'];
}

/** Attaches by a VolumeAttachment object that the driver's attacher works on. */
export function createCsiAttacher(options: CsiAttacherOptions): Attacher {
  const { client, attachments } = options;
  return {
    canAttach: options.canAttach,
    verifyExhaustedResource: options.verifyExhaustedResource,

    async attach(spec, nodeName, signal) {
      if (!attachments) throw new Error('attaching volumes from the kubelet is not supported');
      const { handle, driver } = persistentSource(spec);
      const name = attachmentName(handle, driver, nodeName);
      await attachments.synced;
      if (!attachments.get(name)) await createAttachment(client, name, driver, spec, nodeName, signal);
      await attachments.until(name, isAttached, {
        ms: CSI_TIMEOUT_MS,
        error: () => timedOut(driver, 'attach', handle),
        signal,
      });
      return '';
    },

    async detach(volumeName, nodeName, signal) {
      if (!attachments) throw new Error('detaching volumes from the kubelet is not supported');
      const { driver, handle } = splitCsiVolumeName(volumeName);
      const name = attachmentName(handle, driver, nodeName);
      try {
        await client.delete(volumeAttachments, { name }, { signal });
      } catch (error) {
        if (isNotFound(error)) return;
        throw new Error(
          `kubernetes.io/csi: detacher.Detach failed to delete VolumeAttachment [${name}]: ${errorMessage(error)}`,
          { cause: error },
        );
      }
      await attachments.until(name, isDetached, {
        ms: CSI_TIMEOUT_MS,
        error: () => timedOut(driver, 'detach', handle),
        signal,
        probe: () => getAttachment(client, name, signal),
      });
    },

    async waitForAttach(spec, nodeName, _devicePath, signal) {
      const { handle, driver } = persistentSource(spec);
      const name = attachmentName(handle, driver, nodeName);
      let attachment: VolumeAttachment;
      try {
        attachment = await client.get(volumeAttachments, { name }, { signal });
      } catch (error) {
        throw new Error(
          `volume ${handle} has GET error for volume attachment ${name}: ${errorMessage(error)}`,
          { cause: error },
        );
      }
      if (!isAttached(attachment as Parameters<typeof isAttached>[0])) {
        throw new Error(`volume ${handle} is not attached for volume attachment ${name}`);
      }
      return name;
    },
  };
}

async function createAttachment(
  client: Client,
  name: string,
  driver: string,
  spec: VolumeSpec,
  nodeName: string,
  signal: AbortSignal,
): Promise<void> {
  const attachment: VolumeAttachment = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'VolumeAttachment',
    metadata: { name },
    spec: {
      attacher: driver,
      nodeName,
      source: sourceOfAttachment(spec),
    },
  };
  try {
    await client.create(volumeAttachments, attachment, { signal });
  } catch (error) {
    if (isAlreadyExists(error)) return;
    throw new Error(`kubernetes.io/csi: attacher.Attach failed: ${errorMessage(error)}`, { cause: error });
  }
}

function sourceOfAttachment({ persistentVolume, isInlineMigrated }: VolumeSpec) {
  return isInlineMigrated
    ? { inlineVolumeSpec: persistentVolume?.spec }
    : { persistentVolumeName: persistentVolume?.metadata.name };
}

async function getAttachment(client: Client, name: string, signal: AbortSignal) {
  try {
    return await client.get(volumeAttachments, { name }, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function timedOut(driver: string, what: string, handle: string): Error {
  return new Error(
    `timed out waiting for external-attacher of ${driver} CSI driver to ${what} volume ${handle}`,
  );
}
