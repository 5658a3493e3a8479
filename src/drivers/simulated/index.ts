import {
  Code,
  type ControllerService,
  type CsiServices,
  CsiStatus,
  type csi,
  type NodeService,
} from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { cleanupMountPoint } from '../../volume/mount/index.ts';
import { zoneOf } from '../shared/topology.ts';

export const SIMULATED_DRIVER = 'simulated.csi.stowage.dev';

/** Every simulated node has it: volumes of a node without a zone are reached from all nodes. */
export const TOPOLOGY_CLUSTER = 'topology.simulated.csi.stowage.dev/cluster';
const CLUSTER = 'simulated';
const DEFAULT_BYTES = 1n << 30n;

const identity: CsiServices['identity'] = {
  name: SIMULATED_DRIVER,
  vendorVersion: '0.1.0',
  topology: true,
};

/**
 * The controller service of a driver that stores nothing: a volume is no more than its id. It keeps no state, so that
 * volumes of an earlier life are as good as new ones.
 */
export function simulatedController(): CsiServices {
  const controller: ControllerService = {
    capabilities: ['SINGLE_NODE_MULTI_WRITER', 'PUBLISH_READONLY'],

    createVolume({ name, capacityRange, volumeCapabilities, accessibilityRequirements }) {
      volumeCapabilities.forEach(refuseBlock);
      const { preferred = [], requisite = [] } = accessibilityRequirements ?? {};
      const place = preferred[0] ?? requisite[0];
      return {
        volume: {
          volumeId: name,
          capacityBytes: capacityRange?.requiredBytes || DEFAULT_BYTES,
          accessibleTopology: place ? [{ segments: place.segments }] : [],
        },
      };
    },
    deleteVolume: () => ({}),
    controllerPublishVolume: () => ({ publishContext: {} }),
    controllerUnpublishVolume: () => ({}),
    validateVolumeCapabilities: ({ volumeCapabilities }) => ({ confirmed: { volumeCapabilities } }),
  };
  return { identity, controller };
}

export interface SimulatedNodeOptions {
  /** The node's simulated machine. */
  readonly host: Host;
  /** The node's name, which is its id too. */
  readonly nodeId: string;
  /** The labels with which the node registers; a zone and a region among them are where it is. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The node service: volumes are mounted, staged and bound for pods, with nothing in them. */
export function simulatedNode({ host, nodeId, labels }: SimulatedNodeOptions): CsiServices {
  const segments = { [TOPOLOGY_CLUSTER]: CLUSTER, ...zoneOf(labels) };
  const node: NodeService = {
    capabilities: ['SINGLE_NODE_MULTI_WRITER', 'STAGE_UNSTAGE_VOLUME'],

    async nodeStageVolume({ volumeId, stagingTargetPath, volumeCapability }) {
      refuseBlock(volumeCapability);
      await host.files.makeDirectory(stagingTargetPath, 0o750);
      if (!(await host.mounts.isMountPoint(stagingTargetPath)))
        await host.mounts.mount({ source: volumeId, target: stagingTargetPath, fsType: 'tmpfs' });
      return {};
    },
    async nodeUnstageVolume({ stagingTargetPath }) {
      if (await host.mounts.isMountPoint(stagingTargetPath)) await host.mounts.unmount(stagingTargetPath);
      return {};
    },
    async nodePublishVolume({ volumeId, stagingTargetPath, targetPath, readonly }) {
      if (!(await host.mounts.isMountPoint(stagingTargetPath))) {
        throw new CsiStatus(
          Code.FAILED_PRECONDITION,
          `volume ${volumeId} is not staged at ${stagingTargetPath}`,
        );
      }
      await host.files.makeDirectory(targetPath, 0o750);
      const options = readonly ? ['bind', 'ro'] : ['bind'];
      if (!(await host.mounts.isMountPoint(targetPath)))
        await host.mounts.mount({ source: stagingTargetPath, target: targetPath, options });
      return {};
    },
    async nodeUnpublishVolume({ targetPath }) {
      await cleanupMountPoint(host, targetPath);
      return {};
    },
    nodeGetInfo: () => ({ nodeId, accessibleTopology: { segments } }),
  };
  return { identity, node };
}

function refuseBlock(capability: csi.VolumeCapability | undefined): void {
  if (capability?.accessType.case === 'block')
    throw new CsiStatus(Code.INVALID_ARGUMENT, 'a simulated volume cannot be a block device');
}
