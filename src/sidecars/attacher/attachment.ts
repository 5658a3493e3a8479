import { isDeepStrictEqual } from 'node:util';
import { errorMessage } from '../../base/index.ts';
import {
  type CSINode,
  type CSIPersistentVolumeSource,
  driverOf,
  type PersistentVolume,
  type PersistentVolumeSpec,
  type Stored,
  type VolumeAttachment,
} from '../../kube/index.ts';
import { translateVolume } from '../../volume/migration/index.ts';

/** Where a VolumeAttachment remembers the node's id at the driver, for when its CSINode is gone. */
export const ANN_NODE_ID = 'csi.alpha.kubernetes.io/node-id';

/** What a VolumeAttachment attaches. */
export interface AttachmentSource {
  /** Absent for a volume that is written into the VolumeAttachment itself. */
  readonly persistentVolume?: Stored<PersistentVolume>;
  readonly spec: PersistentVolumeSpec;
  readonly csi: CSIPersistentVolumeSource;
}

/**
 * What a VolumeAttachment attaches.
 * @throws Error when its source is none, both, missing or no CSI volume.
 */
export function attachmentSource(
  attachment: VolumeAttachment,
  persistentVolume: Stored<PersistentVolume> | undefined,
): AttachmentSource {
  const { persistentVolumeName, inlineVolumeSpec } = attachment.spec?.source ?? {};
  if (persistentVolumeName !== undefined) {
    if (inlineVolumeSpec) {
      throw new Error('both InlineCSIVolumeSource and PersistentVolumeName specified in VA source');
    }
    if (!persistentVolume) throw new Error(`persistentvolume "${persistentVolumeName}" not found`);
    const spec = translatedSpec(persistentVolume);
    if (!spec.csi) throw new Error('pv spec contained non-csi source that was not migrated');
    return { persistentVolume, spec, csi: spec.csi };
  }
  if (!inlineVolumeSpec) {
    throw new Error('neither InlineCSIVolumeSource nor PersistentVolumeName specified in VA source');
  }
  if (!inlineVolumeSpec.csi) throw new Error('inline volume spec contains nil CSI source');
  return { spec: inlineVolumeSpec, csi: inlineVolumeSpec.csi };
}

/** As the driver sees the volume, if an in-tree plugin's volumes became its. */
function translatedSpec(persistentVolume: Stored<PersistentVolume>): PersistentVolumeSpec {
  try {
    return translateVolume(persistentVolume).spec ?? {};
  } catch (error) {
    throw new Error(`failed to translate in tree pv to CSI: ${errorMessage(error)}`, { cause: error });
  }
}

/**
 * The node's id at the driver: from its CSINode, else from what the attachment remembers (only a detach may go by
 * that: the driver may be down or the node gone).
 * @throws Error when neither knows it.
 */
export function nodeIdOf(
  driver: string,
  nodeName: string,
  csiNode: CSINode | undefined,
  attachment?: VolumeAttachment,
): string {
  const registered = driverOf(csiNode, driver);
  if (registered) return registered.nodeID;
  const remembered = attachment?.metadata?.annotations?.[ANN_NODE_ID];
  if (remembered !== undefined) return remembered;
  throw new Error(
    csiNode
      ? `CSINode ${nodeName} does not contain driver ${driver}`
      : `csinode.storage.k8s.io "${nodeName}" not found`,
  );
}

/**
 * Whether a change of a VolumeAttachment needs work. One of its errors only is this sidecar's own doing: to act on it
 * would defeat the back-off.
 */
export function needsWork(next: Stored<VolumeAttachment>, previous: Stored<VolumeAttachment>): boolean {
  return !isDeepStrictEqual(withoutErrors(next), withoutErrors(previous));
}

function withoutErrors(attachment: Stored<VolumeAttachment>): unknown {
  const { resourceVersion: _, managedFields: __, ...metadata } = attachment.metadata;
  const { attachError: ___, detachError: ____, ...status } = attachment.status ?? { attached: false };
  return { spec: attachment.spec, metadata, status };
}

/** The merge patch of the status of an attached volume: `publishContext` replaces what was there. */
export function attachedStatus(
  attachment: VolumeAttachment,
  publishContext: Readonly<Record<string, string>>,
): object {
  const keys = Object.keys(publishContext);
  const dropped = Object.keys(attachment.status?.attachmentMetadata ?? {}).filter(
    (key) => !keys.includes(key),
  );
  const metadata = { ...Object.fromEntries(dropped.map((key) => [key, null])), ...publishContext };
  return {
    status: { attached: true, attachmentMetadata: keys.length > 0 ? metadata : null, attachError: null },
  };
}

/** The merge patch of the status of a detached volume. */
export const DETACHED_STATUS = { status: { attached: false, detachError: null, attachmentMetadata: null } };

/** The API takes no more bytes of an error's message. */
const MAX_MESSAGE_BYTES = 1024;

/** The message, cut if the API would refuse it for its length. */
export function shortened(message: string): string {
  if (Buffer.byteLength(message) <= MAX_MESSAGE_BYTES) return message;
  const cut = Buffer.from(message).subarray(0, MAX_MESSAGE_BYTES - 3);
  // A character that was cut through is left out.
  return `${new TextDecoder().decode(cut).replace(/\uFFFD+$/, '')}...`;
}
