import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { pluginDirectory } from '../../paths.ts';

export const CSI_PLUGIN = 'kubernetes.io/csi';
const SEPARATOR = '^';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** `DRIVER^HANDLE`: what tells CSI volumes apart on any node. */
export function csiVolumeName(driver: string, handle: string): string {
  return `${driver}${SEPARATOR}${handle}`;
}

/** @throws Error if the name was not made by csiVolumeName. */
export function splitCsiVolumeName(volumeName: string): { driver: string; handle: string } {
  const parts = volumeName.split(SEPARATOR);
  if (parts.length !== 2) throw new Error(`volumeName missing expected data: ${JSON.stringify(volumeName)}`);
  return { driver: parts[0]!, handle: parts[1]! };
}

/** The name of the VolumeAttachment that attaches a volume to a node (getAttachmentName). */
export function attachmentName(handle: string, driver: string, nodeName: string): string {
  return `csi-${sha256(`${handle}${driver}${nodeName}`)}`;
}

/** Whether a VolumeAttachment is called as `attachmentName` calls them; what others make has other names. */
export function isAttachmentName(name: string): boolean {
  return /^csi-[0-9a-f]{64}$/.test(name);
}

/** The handle of a volume that is written in a pod and lives with it (makeVolumeHandle). */
export function ephemeralHandle(podUid: string, volumeName: string): string {
  return `csi-${sha256(`${podUid}${volumeName}`)}`;
}

/** Below a volume's directory: where it is staged. */
export const GLOBAL_MOUNT = 'globalmount';

/** plugins/kubernetes.io/csi/DRIVER/SHA256(HANDLE)/globalmount */
export function deviceMountPath(nodeRoot: string, driver: string, handle: string): string {
  return join(pluginDirectory(nodeRoot, CSI_PLUGIN), driver, sha256(handle), GLOBAL_MOUNT);
}
