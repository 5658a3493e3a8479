import { csi, type NodeCapability } from '../../../csi/index.ts';

const Mode = csi.VolumeCapability_AccessMode_Mode;

/** CSI's access mode for Kubernetes', for a driver without and with SINGLE_NODE_MULTI_WRITER. */
const PLAIN: Readonly<Record<string, csi.VolumeCapability_AccessMode_Mode>> = {
  ReadWriteOnce: Mode.SINGLE_NODE_WRITER,
  ReadOnlyMany: Mode.MULTI_NODE_READER_ONLY,
  ReadWriteMany: Mode.MULTI_NODE_MULTI_WRITER,
  ReadWriteOncePod: Mode.SINGLE_NODE_WRITER,
};
const SINGLE_NODE_AWARE: typeof PLAIN = {
  ...PLAIN,
  ReadWriteOnce: Mode.SINGLE_NODE_MULTI_WRITER,
  ReadWriteOncePod: Mode.SINGLE_NODE_SINGLE_WRITER,
};

export interface CapabilityWish {
  /** The first of the volume's access modes. */
  readonly accessMode: string;
  readonly fsType: string;
  readonly mountOptions: readonly string[];
  /** Only for drivers that apply it themselves (VOLUME_MOUNT_GROUP). */
  readonly fsGroup?: number;
}

/** The VolumeCapability of a mounted volume, as the node passes it to its driver. Source: pkg/volume/csi/csi_client.go. */
export function mountCapability(wish: CapabilityWish, node: ReadonlySet<NodeCapability>) {
  const modes = node.has('SINGLE_NODE_MULTI_WRITER') ? SINGLE_NODE_AWARE : PLAIN;
  return {
    accessMode: { mode: modes[wish.accessMode] ?? Mode.UNKNOWN },
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
