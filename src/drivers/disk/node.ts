import { errorMessage } from '../../base/index.ts';
import { Code, CsiStatus, csi, type NodeService } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { cleanupMountPoint, formatAndMount, MountError } from '../../volume/mount/index.ts';
import type { Pool, VolumeRecord } from './pool.ts';
import { checkCapabilities, DEFAULT_FS_TYPE } from './request.ts';
import type { Topology } from './topology.ts';

export interface NodeOptions {
  readonly pool: Pool;
  readonly host: Host;
  /** The node's name, which is its id too. */
  readonly nodeId: string;
  readonly topology: Topology;
}

/** The node service: the volume's loop device becomes a file system at the global path, and that a pod's mount. */
export function diskNode({ pool, host, nodeId, topology }: NodeOptions): NodeService {
  /** The device of a volume that is published to this node; attached anew where a reboot has taken it. */
  async function deviceOf(volumeId: string): Promise<string> {
    const record = pool.get(volumeId);
    if (!record)
      throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} does not exist in pool ${pool.directory}`);
    const { publishedTo } = record;
    if (publishedTo?.nodeId !== nodeId) {
      throw new CsiStatus(
        Code.FAILED_PRECONDITION,
        `volume ${volumeId} is published to ${publishedTo ? `node ${publishedTo.nodeId}` : 'no node'}, not to ${nodeId}`,
      );
    }
    return pool.attach(volumeId, publishedTo.readOnly);
  }

  return {
    capabilities: ['SINGLE_NODE_MULTI_WRITER'],

    async nodeStageVolume({ volumeId, stagingTargetPath, volumeCapability }) {
      checkCapabilities(volumeCapability ? [volumeCapability] : []);
      const device = await deviceOf(volumeId);
      if (volumeCapability?.accessType.case !== 'mount') return {};
      const { fsType, mountFlags } = volumeCapability.accessType.value;
      const mounted = await mountedAt(host, stagingTargetPath);
      if (mounted === device) return {};
      if (mounted !== undefined) {
        throw new CsiStatus(
          Code.ALREADY_EXISTS,
          `${stagingTargetPath} has ${mounted} mounted, not ${device} of volume ${volumeId}`,
        );
      }
      await host.files.makeDirectory(stagingTargetPath, 0o750);
      const options =
        isReader(volumeCapability) || pool.get(volumeId)?.publishedTo?.readOnly
          ? ['ro', ...mountFlags]
          : mountFlags;
      try {
        await formatAndMount(host, {
          device,
          target: stagingTargetPath,
          fsType: fsType || fileSystemOf(pool.get(volumeId)),
          options,
        });
      } catch (error) {
        throw new CsiStatus(Code.INTERNAL, errorMessage(error), {
          cause: error instanceof MountError ? undefined : error,
        });
      }
      return {};
    },

    async nodeUnstageVolume({ stagingTargetPath }) {
      while (await host.mounts.isMountPoint(stagingTargetPath)) await host.mounts.unmount(stagingTargetPath);
      return {};
    },

    async nodePublishVolume({ volumeId, stagingTargetPath, targetPath, volumeCapability, readonly }) {
      checkCapabilities(volumeCapability ? [volumeCapability] : []);
      const device = await deviceOf(volumeId);
      if (await host.mounts.isMountPoint(targetPath)) return {};
      const options = ['bind', ...(readonly ? ['ro'] : [])];
      if (volumeCapability?.accessType.case === 'block') {
        await host.files.append(targetPath, '');
        await host.mounts.mount({ source: device, target: targetPath, options });
        return {};
      }
      if (stagingTargetPath === '' || (await mountedAt(host, stagingTargetPath)) !== device) {
        throw new CsiStatus(
          Code.FAILED_PRECONDITION,
          `volume ${volumeId} is not staged at ${JSON.stringify(stagingTargetPath)}`,
        );
      }
      await host.files.makeDirectory(targetPath, 0o750);
      await host.mounts.mount({ source: stagingTargetPath, target: targetPath, options });
      return {};
    },

    async nodeUnpublishVolume({ targetPath }) {
      const stat = await host.files.stat(targetPath);
      if (stat?.kind === 'directory') await cleanupMountPoint(host, targetPath);
      else if (stat) {
        while (await host.mounts.isMountPoint(targetPath)) await host.mounts.unmount(targetPath);
        await host.files.removeFile(targetPath);
      }
      return {};
    },

    async nodeGetVolumeStats({ volumeId, volumePath }) {
      const record = pool.get(volumeId);
      if (!record)
        throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} does not exist in pool ${pool.directory}`);
      if (!(await host.mounts.isMountPoint(volumePath))) {
        throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} is not mounted at ${volumePath}`);
      }
      const { BYTES, INODES } = csi.VolumeUsage_Unit;
      if (record.accessType === 'block') return { usage: [{ unit: BYTES, total: BigInt(record.sizeBytes) }] };
      const { totalBytes, freeBytes, availableBytes, inodes, freeInodes } =
        await host.files.statFs(volumePath);
      return {
        usage: [
          { unit: BYTES, total: totalBytes, available: availableBytes, used: totalBytes - freeBytes },
          { unit: INODES, total: inodes, available: freeInodes, used: inodes - freeInodes },
        ],
      };
    },

    async nodeGetInfo() {
      return { nodeId, accessibleTopology: { segments: { ...topology } } };
    },
  };
}

/** The source of the topmost mount at exactly this path. */
async function mountedAt(host: Host, path: string): Promise<string | undefined> {
  return (await host.mounts.list()).findLast((mount) => mount.target === path)?.source;
}

function fileSystemOf(record: VolumeRecord | undefined): string {
  return record?.fsType ?? DEFAULT_FS_TYPE;
}

function isReader(capability: csi.VolumeCapability): boolean {
  return capability.accessMode?.mode === csi.VolumeCapability_AccessMode_Mode.SINGLE_NODE_READER_ONLY;
}
