import { errorMessage } from '../../base/index.ts';
import { Code, CsiStatus, csi, type NodeService } from '../../csi/index.ts';
import type { Host, MountEntry } from '../../host/index.ts';
import { cleanupMountPoint, mountOrUndo, mountTablePath } from '../../volume/mount/index.ts';
import type { Exclusive } from '../shared/exclusive.ts';
import { checkCapabilities } from './capabilities.ts';
import { placeIn } from './context.ts';
import { btrfsUsage, mountOf } from './quota.ts';
import { Tree } from './tree.ts';
import { type MountSource, mountSourceOf, mountsOf } from './users.ts';
import type { Volumes } from './volumes.ts';

export interface NodeOptions {
  /** The driver's directory; canonical. */
  readonly directory: string;
  readonly host: Host;
  readonly nodeId: string;
  readonly operations: Exclusive;
  /** Those of the controller, where it is in the same process. A node on another machine goes by what it is told. */
  readonly volumes?: Volumes | undefined;
}

const { SINGLE_NODE_SINGLE_WRITER, SINGLE_NODE_READER_ONLY, MULTI_NODE_READER_ONLY } =
  csi.VolumeCapability_AccessMode_Mode;
/** A server that does not answer keeps no pod from ending for longer. Source: csi-driver-nfs, NodeUnpublishVolume. */
const FORCE_UNMOUNT_AFTER_MS = 30_000;

/** The node service: a volume's directory is bound, or mounted from its export, where the pod has it. */
export function nasNode({ directory, host, nodeId, operations, volumes }: NodeOptions): NodeService {
  const tree = new Tree(directory, host.files);
  const onVolume = <T>(id: string, work: () => Promise<T>) => operations.run(`volume ${id}`, work);

  function checkKnown(volumeId: string, context: Readonly<Record<string, string>>): void {
    // One that names its volume was made by us, and is there as long as its record is.
    if (volumes && context.volumeId !== undefined && !volumes.get(volumeId))
      throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} does not exist`);
  }

  /** Binds the directory, held open so that no link that comes in its way meanwhile is followed. */
  async function bind(path: string, target: string, options: readonly string[]): Promise<void> {
    const place = await tree.open(path);
    try {
      await mountOrUndo(host, { source: place.path, target, options: ['bind', ...options] });
    } finally {
      await place.close();
    }
  }

  return {
    capabilities: ['SINGLE_NODE_MULTI_WRITER', 'VOLUME_CONDITION'],

    async nodePublishVolume({ volumeId, targetPath, volumeCapability, volumeContext, readonly }) {
      return onVolume(volumeId, async () => {
        const place = placeIn(volumeId, volumeContext);
        checkKnown(volumeId, volumeContext);
        checkCapabilities([volumeCapability!], place.export !== undefined);
        const target = await mountTablePath(host, targetPath);
        if ((await host.files.stat(target))?.kind === 'symlink')
          throw new CsiStatus(
            Code.FAILED_PRECONDITION,
            `${targetPath} is a symbolic link, not a place for a volume`,
          );
        const mode = volumeCapability?.accessMode?.mode;
        const isReader = readonly || mode === SINGLE_NODE_READER_ONLY || mode === MULTI_NODE_READER_ONLY;
        const source = mountSourceOf(place, directory);
        const table = await host.mounts.list();
        const uses = await mountsOf(host, table, source);
        const present = table.findLast((entry) => entry.target === target);
        const flags =
          volumeCapability?.accessType.case === 'mount' ? volumeCapability.accessType.value.mountFlags : [];
        const options = isReader ? [...flags, 'ro'] : flags;
        if (present) {
          checkPresent(volumeId, present, { uses, isReader });
          // A bind with options is a bind and then a remount; a crash may have come between.
          if (!place.export && options.some((option) => !present.options.includes(option)))
            await host.mounts.mount({ source: target, target, options: ['remount', 'bind', ...options] });
          return {};
        }
        const other = uses.find(({ target: elsewhere }) => isPublication(elsewhere, directory));
        if (mode === SINGLE_NODE_SINGLE_WRITER && other)
          throw new CsiStatus(
            Code.FAILED_PRECONDITION,
            `volume ${volumeId} is published at ${other.target}, and its access mode allows no second place`,
          );
        try {
          if (!place.export) await bind(place.path, target, options);
          else await mountOrUndo(host, { source: source.source, target, fsType: 'nfs', options });
        } catch (error) {
          if (error instanceof CsiStatus) throw error;
          throw new CsiStatus(Code.INTERNAL, `publish volume ${volumeId}: ${errorMessage(error)}`, {
            cause: error,
          });
        }
        return {};
      });
    },

    async nodeUnpublishVolume({ volumeId, targetPath }) {
      return onVolume(volumeId, async () => {
        const target = await mountTablePath(host, targetPath);
        const isExport = (await host.mounts.list()).some(
          (entry) => entry.target === target && /^nfs4?$/.test(entry.fsType),
        );
        await cleanupMountPoint(host, target, isExport ? { forceAfterMs: FORCE_UNMOUNT_AFTER_MS } : {});
        return {};
      });
    },

    async nodeGetVolumeStats({ volumeId, volumePath }) {
      const path = await mountTablePath(host, volumePath);
      const table = await host.mounts.list();
      const entry = table.findLast(({ target }) => target === path);
      if (!entry || !(await isOf(volumeId, entry, table)))
        throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} is not mounted at ${volumePath}`);
      try {
        const usage = await usageAt(path, entry);
        const volumeCondition = entry.deleted
          ? { abnormal: true, message: 'its directory was removed while it was mounted' }
          : { abnormal: false, message: 'its directory is there' };
        return { usage, volumeCondition };
      } catch (error) {
        // A server that has lost the directory, or does not answer for it.
        return {
          usage: [],
          volumeCondition: { abnormal: true, message: `${volumePath}: ${errorMessage(error)}` },
        };
      }
    },

    async nodeGetInfo() {
      return { nodeId };
    },
  };

  /** Whether a mount is of this volume, as far as this process can know. */
  async function isOf(volumeId: string, entry: MountEntry, table: readonly MountEntry[]): Promise<boolean> {
    if (!volumes) return true;
    const volume = volumes.get(volumeId);
    if (volume) return entry.deleted || (await hasMount(mountSourceOf(volume, directory), entry, table));
    // One that somebody has written into a PersistentVolume has no record; but another's mount it is not.
    for (const other of volumes.all())
      if (await hasMount(mountSourceOf(other, directory), entry, table)) return false;
    return isShare(entry, table);
  }

  /** Whether what is mounted there is of the kind that this driver mounts. */
  function isShare(entry: MountEntry, table: readonly MountEntry[]): boolean {
    return /^nfs4?$/.test(entry.fsType) || entry.device === mountOf(table, directory)?.device;
  }

  async function hasMount(
    source: MountSource,
    entry: MountEntry,
    table: readonly MountEntry[],
  ): Promise<boolean> {
    return (await mountsOf(host, table, source)).includes(entry);
  }

  async function usageAt(path: string, { fsType }: MountEntry) {
    const { BYTES, INODES } = csi.VolumeUsage_Unit;
    const { totalBytes, freeBytes, availableBytes, inodes, freeInodes } = await host.files.statFs(path);
    const group = fsType === 'btrfs' ? await groupUsage(path) : undefined;
    const bytes = group
      ? {
          total: group.totalBytes,
          used: least(group.usedBytes, group.totalBytes),
          available: least(availableBytes, most(group.totalBytes - group.usedBytes, 0n)),
        }
      : { total: totalBytes, used: totalBytes - freeBytes, available: availableBytes };
    return [
      { unit: BYTES, ...bytes },
      { unit: INODES, total: inodes, available: freeInodes, used: inodes - freeInodes },
    ];
  }

  /** A quota of Btrfs does not show in statfs(2), as those of other file systems do. */
  async function groupUsage(path: string) {
    const { exitCode, stdout } = await host.processes.exec('btrfs', [
      'qgroup',
      'show',
      '-r',
      '-f',
      '--raw',
      path,
    ]);
    return exitCode === 0 ? btrfsUsage(stdout) : undefined;
  }
}

/** The driver's own mount of an export is nobody's publication. */
function isPublication(target: string, directory: string): boolean {
  return !target.startsWith(`${directory}/`);
}

/** @throws CsiStatus ALREADY_EXISTS where something else is mounted already, or not as it is asked for. */
function checkPresent(
  volumeId: string,
  present: MountEntry,
  { uses, isReader }: { uses: readonly MountEntry[]; isReader: boolean },
): void {
  const isReadOnly = present.options.includes('ro') && !isReader;
  if (uses.includes(present) && !isReadOnly) return;
  throw new CsiStatus(
    Code.ALREADY_EXISTS,
    `${present.target} has ${isReadOnly ? 'it read-only' : present.source} mounted, which is not what is asked for volume ${volumeId}`,
  );
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
