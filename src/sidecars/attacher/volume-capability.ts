import { csi } from '../../csi/index.ts';
import type { PersistentVolumeSpec } from '../../kube/index.ts';

const { VolumeCapability_AccessMode_Mode: Mode } = csi;

/** The init form of csi.VolumeCapability. */
export interface VolumeCapabilityInit {
  readonly accessType:
    | { readonly case: 'block'; readonly value: Record<string, never> }
    | { readonly case: 'mount'; readonly value: { readonly fsType: string; readonly mountFlags: string[] } };
  readonly accessMode: { readonly mode: csi.VolumeCapability_AccessMode_Mode };
}

/**
 * What a PersistentVolume asks of its driver.
 * @param singleNodeMultiWriter the driver has SINGLE_NODE_MULTI_WRITER and tells one writer on a node from several.
 * @throws Error for access modes that CSI cannot express. Source: GetVolumeCapabilities of external-attacher.
 */
export function volumeCapability(
  spec: PersistentVolumeSpec,
  singleNodeMultiWriter: boolean,
  defaultFsType = '',
): VolumeCapabilityInit {
  const accessMode = { mode: csiAccessMode(spec.accessModes ?? [], singleNodeMultiWriter) };
  if (spec.volumeMode === 'Block') return { accessType: { case: 'block', value: {} }, accessMode };
  const fsType = spec.csi?.fsType || defaultFsType;
  return {
    accessType: { case: 'mount', value: { fsType, mountFlags: [...(spec.mountOptions ?? [])] } },
    accessMode,
  };
}

/** The CSI access mode of a PersistentVolume's modes (csi-lib-utils, accessmodes). */
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
