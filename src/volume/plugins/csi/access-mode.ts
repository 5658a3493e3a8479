import { csiAccessMode, type NodeCapability } from '../../../csi/index.ts';

export interface CapabilityWish {
  /** The first of the volume's access modes. */
  readonly accessMode: string;
  readonly fsType: string;
  readonly mountOptions: readonly string[];
  /** Only for drivers that apply it themselves (VOLUME_MOUNT_GROUP). */
  readonly fsGroup?: number;
}

/**
 * The VolumeCapability of a mounted volume, as the node passes it to its driver. Source: pkg/volume/csi/csi_client.go.
 * @throws Error for an access mode that CSI does not know.
 */
export function mountCapability(wish: CapabilityWish, node: ReadonlySet<NodeCapability>) {
  return {
    accessMode: { mode: csiAccessMode([wish.accessMode], node.has('SINGLE_NODE_MULTI_WRITER')) },
    accessType: {
      case: 'mount' as const,
      value: {
        fsType: wish.fsType,
        mountFlags: [...wish.mountOptions],
        volumeMountGroup:
          wish.fsGroup !== undefined && node.has('VOLUME_MOUNT_GROUP') ? String(wish.fsGroup) : '',
      },
    },
  };
}
