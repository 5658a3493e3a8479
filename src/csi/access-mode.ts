import * as csi from './generated/csi_pb.js';

const { VolumeCapability_AccessMode_Mode: Mode } = csi;

/** The init form of csi.VolumeCapability. */
export interface VolumeCapabilityInit {
  readonly accessType:
    | { readonly case: 'block'; readonly value: Record<string, never> }
    | { readonly case: 'mount'; readonly value: { readonly fsType: string; readonly mountFlags: string[] } };
  readonly accessMode: { readonly mode: csi.VolumeCapability_AccessMode_Mode };
}

/**
 * The CSI access mode for access modes of Kubernetes.
 * @param singleNodeMultiWriter the driver has SINGLE_NODE_MULTI_WRITER: it tells one writer on a node from several.
 * @throws Error for modes that CSI cannot express together.
 * Source: csi-lib-utils, accessmodes.
 */
export function csiAccessMode(
  modes: readonly string[],
  singleNodeMultiWriter: boolean,
): csi.VolumeCapability_AccessMode_Mode {
  const has = new Set(modes);
  if (has.has('ReadWriteOncePod')) {
    if (has.size > 1) {
      throw new Error(
        'Kubernetes does not support use of ReadWriteOncePod with other access modes on the same PersistentVolume',
      );
    }
    return singleNodeMultiWriter ? Mode.SINGLE_NODE_SINGLE_WRITER : Mode.SINGLE_NODE_WRITER;
  }
  if (has.has('ReadWriteMany')) return Mode.MULTI_NODE_MULTI_WRITER;
  if (has.has('ReadOnlyMany') && has.has('ReadWriteOnce')) {
    throw new Error('CSI does not support ReadOnlyMany and ReadWriteOnce on the same PersistentVolume');
  }
  if (has.has('ReadOnlyMany')) return Mode.MULTI_NODE_READER_ONLY;
  if (has.has('ReadWriteOnce')) {
    return singleNodeMultiWriter ? Mode.SINGLE_NODE_MULTI_WRITER : Mode.SINGLE_NODE_WRITER;
  }
  throw new Error(`unsupported AccessMode combination: [${modes.join(' ')}]`);
}
