import { csiAccessMode, type VolumeCapabilityInit } from '../../csi/index.ts';
import type { PersistentVolumeSpec } from '../../kube/index.ts';

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
