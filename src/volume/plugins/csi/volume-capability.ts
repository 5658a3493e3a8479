import { csiAccessMode, type NodeCapability } from '../../../csi/index.ts';

export interface MountWish {
  /** The first of the volume's access modes. */
  readonly accessMode: string;
  readonly fsType: string;
  readonly mountOptions: readonly string[];
  /** Only for drivers that apply it themselves (VOLUME_MOUNT_GROUP). */
  readonly fsGroup?: number;
  /** Of the volume's files, for drivers that take it as a mount option (CSIDriver.spec.seLinuxMount). */
  readonly seLinuxLabel?: string;
}

type NodeCapabilities = ReadonlySet<NodeCapability>;

/**
 * The VolumeCapability of a mounted volume, as the node passes it to its driver. Source: pkg/volume/csi/csi_client.go.
 * @throws Error for an access mode that CSI does not know.
 */
export function mountCapability(wish: MountWish, node: NodeCapabilities) {
  const { fsType, mountOptions, fsGroup, seLinuxLabel } = wish;
  const label = seLinuxLabel === undefined ? [] : [`context=${JSON.stringify(seLinuxLabel)}`];
  const group = fsGroup !== undefined && node.has('VOLUME_MOUNT_GROUP') ? String(fsGroup) : '';
  return {
    accessMode: accessMode(wish.accessMode, node),
    accessType: {
      case: 'mount' as const,
      value: { fsType, mountFlags: [...mountOptions, ...label], volumeMountGroup: group },
    },
  };
}

/** The VolumeCapability of a volume that is given to a pod as a device. */
export function blockCapability(mode: string, node: NodeCapabilities) {
  return { accessMode: accessMode(mode, node), accessType: { case: 'block' as const, value: {} } };
}

function accessMode(mode: string, node: NodeCapabilities) {
  return { mode: csiAccessMode([mode], node.has('SINGLE_NODE_MULTI_WRITER')) };
}
