import { errorMessage } from '../../base/index.ts';
import { Code, CsiStatus, csi, type NodeService } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { cleanupMountPoint, mountTablePath } from '../../volume/mount/index.ts';
import { mountedAt, unmountAll } from '../shared/mounted.ts';
import type { Topology } from '../shared/topology.ts';
import type { Attachments } from './attachments.ts';
import { growBeforeMount, growMounted } from './grow.ts';
import { conditionOf } from './health.ts';
import type { IoLimiter } from './io-limits.ts';
import { keepLimits } from './modify.ts';
import type { Pool, Volume } from './pool.ts';
import { checkMatch, DEFAULT_FS_TYPE, fsTypeOf } from './request.ts';

export interface NodeOptions {
  readonly pool: Pool;
  readonly attachments: Attachments;
  readonly host: Host;
  /** The node's name, which is its id too. */
  readonly nodeId: string;
  readonly topology: Topology;
  readonly limiter: IoLimiter;
}

const Mode = csi.VolumeCapability_AccessMode_Mode;

type PublishedVolume = Volume & Required<Pick<Volume, 'publishedTo'>>;

/** The node service: the volume's loop device becomes a file system at the global path, and that a pod's mount. */
export function diskNode({ pool, attachments, host, nodeId, topology, limiter }: NodeOptions): NodeService {
  const fileSystems = { pool, attachments, host };

  /** A volume that is published to this node. */
  function publishedVolume(volumeId: string): PublishedVolume {
    const volume = pool.get(volumeId);
    if (!volume)
      throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} does not exist in pool ${pool.directory}`);
    const { publishedTo } = volume;
    if (publishedTo?.nodeId !== nodeId) {
      throw new CsiStatus(
        Code.FAILED_PRECONDITION,
        `volume ${volumeId} is published to ${publishedTo ? `node ${publishedTo.nodeId}` : 'no node'}, not to ${nodeId}`,
      );
    }
    return { ...volume, publishedTo };
  }

  /** A place for a volume, as the mount table will name it. */
  async function placeAt(path: string): Promise<string> {
    const target = await mountTablePath(host, path);
    if ((await host.files.stat(target))?.kind === 'symlink')
      throw new CsiStatus(Code.FAILED_PRECONDITION, `${path} is a symbolic link, not a place for a volume`);
    return target;
  }

  return {
    capabilities: ['SINGLE_NODE_MULTI_WRITER', 'VOLUME_CONDITION'],

    async nodeStageVolume({ volumeId, stagingTargetPath, volumeCapability }, { log }) {
      return pool.exclusively(volumeId, async () => {
        const volume = publishedVolume(volumeId);
        checkMatch(volume, volumeCapability);
        const staging = await placeAt(stagingTargetPath);
        // Attached anew where a reboot has taken the device.
        const device = await attachments.attach(volumeId, volume.publishedTo.readOnly);
        if (volume.limits) await keepLimits(limiter, volume, device, log);
        if (volumeCapability?.accessType.case !== 'mount') return {};
        const { mountFlags } = volumeCapability.accessType.value;
        const reader = volumeCapability.accessMode?.mode === Mode.SINGLE_NODE_READER_ONLY;
        const options = reader || volume.publishedTo.readOnly ? ['ro', ...mountFlags] : mountFlags;

        const mounted = await mountedAt(host, await host.mounts.list(), staging, device);
        if (mounted) {
          const fsType = attachments.hasFileSystem ? fsTypeOf(volumeCapability) : '';
          if (mounted.other !== undefined || (fsType !== '' && fsType !== mounted.fsType))
            throw alreadyMounted(volumeId, staging, mounted.other ?? mounted.fsType);
          if (mounted.readOnly !== options.includes('ro'))
            throw alreadyMounted(volumeId, staging, mounted.readOnly ? 'it read-only' : 'it for writing');
          return {};
        }
        await host.files.makeDirectory(staging, 0o750);
        if (volume.fileSystemPending && !options.includes('ro'))
          await growBeforeMount(fileSystems, volume, device);
        try {
          const asked = fsTypeOf(volumeCapability) || volume.fsType || DEFAULT_FS_TYPE;
          // A copy has the identity of what it is a copy of, which may be mounted, too.
          const twin = volume.source && asked === 'xfs' ? ['nouuid'] : [];
          await attachments.mount(device, staging, { fsType: asked, options: [...options, ...twin] });
        } catch (error) {
          throw new CsiStatus(Code.INTERNAL, `stage volume ${volumeId}: ${errorMessage(error)}`, {
            cause: error,
          });
        }
        const larger = pool.get(volumeId);
        if (volume.source && larger?.fileSystemPending && !options.includes('ro')) {
          const fsType = fsTypeOf(volumeCapability) || volume.fsType || DEFAULT_FS_TYPE;
          await growMounted(fileSystems, larger, { device, path: staging, fsType });
        }
        return {};
      });
    },

    async nodeExpandVolume({ volumeId, volumePath, capacityRange }) {
      return pool.exclusively(volumeId, async () => {
        const volume = publishedVolumeOrNotFound(volumeId);
        const capacityBytes = BigInt(volume.sizeBytes);
        if ((capacityRange?.requiredBytes ?? 0n) > capacityBytes) {
          throw new CsiStatus(
            Code.OUT_OF_RANGE,
            `volume ${volumeId} has ${capacityBytes} bytes, ${capacityRange!.requiredBytes} asked: its controller must grow it first`,
          );
        }
        if (volume.accessType === 'block') return { capacityBytes };
        const path = await mountTablePath(host, volumePath);
        const device = await attachments.attach(volumeId, volume.publishedTo.readOnly);
        const mounted = await mountedAt(host, await host.mounts.list(), path, device);
        if (!mounted || mounted.other !== undefined)
          throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} is not mounted at ${volumePath}`);
        if (volume.fileSystemPending)
          await growMounted(fileSystems, volume, { device, path, fsType: mounted.fsType });
        return { capacityBytes };
      });
    },

    async nodeUnstageVolume({ volumeId, stagingTargetPath }) {
      return pool.exclusively(volumeId, async () => {
        await unmountAll(host, await mountTablePath(host, stagingTargetPath));
        return {};
      });
    },

    async nodePublishVolume({ volumeId, stagingTargetPath, targetPath, volumeCapability, readonly }) {
      return pool.exclusively(volumeId, async () => {
        const volume = publishedVolume(volumeId);
        checkMatch(volume, volumeCapability);
        const block = volume.accessType === 'block';
        if (block && readonly && !volume.publishedTo.readOnly) {
          // Permissions of a mount do not reach through a device node.
          throw new CsiStatus(
            Code.FAILED_PRECONDITION,
            `raw block volume ${volumeId} is published to the node for writing, and cannot be read-only in one place`,
          );
        }
        const [staging, target, mounts] = await Promise.all([
          placeAt(stagingTargetPath),
          placeAt(targetPath),
          host.mounts.list(),
        ]);
        const device = await attachments.attach(volumeId, volume.publishedTo.readOnly);
        const present = await mountedAt(host, mounts, target, device);
        const staged = block ? undefined : await mountedAt(host, mounts, staging, device);
        if (present) {
          if (present.other !== undefined) throw alreadyMounted(volumeId, target, present.other);
          if (!block && present.readOnly && !readonly && !staged?.readOnly)
            throw alreadyMounted(volumeId, target, 'it read-only');
          // A read-only bind is a bind and then a remount; a crash may have come between.
          if (!block && readonly && !present.readOnly)
            await host.mounts.mount({ source: staging, target, options: ['remount', 'bind', 'ro'] });
          return {};
        }
        if (!block && (!staged || staged.other !== undefined)) {
          throw new CsiStatus(
            Code.FAILED_PRECONDITION,
            `volume ${volumeId} is not staged at ${stagingTargetPath}`,
          );
        }
        if (volumeCapability?.accessMode?.mode === Mode.SINGLE_NODE_SINGLE_WRITER) {
          const other = (await attachments.mountPoints(volumeId)).find((path) => path !== staging);
          if (other !== undefined) {
            throw new CsiStatus(
              Code.FAILED_PRECONDITION,
              `volume ${volumeId} is published at ${other}, and its access mode allows no second place`,
            );
          }
        }
        if (block) await host.files.append(target, '');
        else await host.files.makeDirectory(target, 0o750);
        const options = readonly && !block ? ['bind', 'ro'] : ['bind'];
        await host.mounts.mount({ source: block ? device : staging, target, options });
        return {};
      });
    },

    async nodeUnpublishVolume({ volumeId, targetPath }) {
      return pool.exclusively(volumeId, async () => {
        const target = await mountTablePath(host, targetPath);
        // Unmounted before it is looked at: a file system that is broken may not answer.
        await unmountAll(host, target);
        const stat = await host.files.stat(target);
        if (stat?.kind === 'directory') await cleanupMountPoint(host, target);
        else if (stat?.kind === 'file' && stat.sizeBytes === 0) await host.files.removeFile(target);
        else if (stat)
          throw new CsiStatus(
            Code.INTERNAL,
            `${target} is a ${stat.kind} that this driver has not put there`,
          );
        return {};
      });
    },

    async nodeGetVolumeStats({ volumeId, volumePath }) {
      const volume = publishedVolumeOrNotFound(volumeId);
      const path = await mountTablePath(host, volumePath);
      if (!(await attachments.isMountedAt(volumeId, path)))
        throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} is not mounted at ${volumePath}`);
      const { BYTES, INODES } = csi.VolumeUsage_Unit;
      const volumeCondition = await conditionOf(pool, volumeId);
      if (volume.accessType === 'block')
        return { usage: [{ unit: BYTES, total: BigInt(volume.sizeBytes) }], volumeCondition };
      const { totalBytes, freeBytes, availableBytes, inodes, freeInodes } = await host.files.statFs(path);
      return {
        usage: [
          { unit: BYTES, total: totalBytes, available: availableBytes, used: totalBytes - freeBytes },
          { unit: INODES, total: inodes, available: freeInodes, used: inodes - freeInodes },
        ],
        volumeCondition,
      };
    },

    async nodeGetInfo() {
      return { nodeId, accessibleTopology: { segments: { ...topology } } };
    },
  };

  function publishedVolumeOrNotFound(volumeId: string): PublishedVolume {
    const volume = pool.get(volumeId);
    if (volume?.publishedTo?.nodeId === nodeId) return { ...volume, publishedTo: volume.publishedTo };
    throw new CsiStatus(
      Code.NOT_FOUND,
      `volume ${volumeId} ${volume ? `is not published to ${nodeId}` : `does not exist in pool ${pool.directory}`}`,
    );
  }
}

function alreadyMounted(volumeId: string, path: string, what: string): CsiStatus {
  return new CsiStatus(
    Code.ALREADY_EXISTS,
    `${path} has ${what} mounted, which is not what is asked for volume ${volumeId}`,
  );
}
