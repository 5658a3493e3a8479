import { join } from 'node:path';
import { Code, type CsiServices, CsiStatus, csi } from '../../../src/csi/index.ts';
import type { Host } from '../../../src/host/index.ts';

export const NODE = 'node-1';
export const TOPOLOGY = 'topology.correct.example.org/node';
const MIB = 1n << 20n;
const MAX_BYTES = 1n << 40n;
const { SINGLE_NODE_SINGLE_WRITER } = csi.VolumeCapability_AccessMode_Mode;

interface Volume {
  readonly volumeId: string;
  capacityBytes: bigint;
  readonly contentSource: csi.VolumeContentSource | undefined;
  publishedReadOnly?: boolean;
}

interface Snapshot {
  readonly snapshotId: string;
  readonly sourceVolumeId: string;
  readonly sizeBytes: bigint;
  readonly groupSnapshotId: string;
}

interface Group {
  readonly sources: string;
  readonly snapshots: readonly Snapshot[];
}

/** What the driver keeps. */
export class Storage {
  readonly volumes = new Map<string, Volume>();
  readonly snapshots = new Map<string, Snapshot>();
  readonly groups = new Map<string, Group>();
  readonly host: Host;

  constructor(host: Host) {
    this.host = host;
  }

  /** Where the files of a volume or snapshot are. */
  path(id: string): string {
    return join('/storage', Buffer.from(id).toString('hex'));
  }

  async copy(from: string, to: string): Promise<void> {
    const { files } = this.host;
    await files.makeDirectory(this.path(to));
    for (const name of await files.list(this.path(from)))
      await files.write(join(this.path(to), name), await files.read(join(this.path(from), name)));
  }

  volume(id: string): Volume {
    return this.volumes.get(id) ?? absent(`volume ${id}`);
  }

  snapshot(id: string): Snapshot {
    return this.snapshots.get(id) ?? absent(`snapshot ${id}`);
  }
}

function absent(what: string): never {
  throw new CsiStatus(Code.NOT_FOUND, `${what} does not exist`);
}

/** A driver that has every call of CSI and does each as the specification wants it. Its volumes live in `storage`. */
export function correctDriver(storage: Storage): CsiServices {
  return {
    identity: {
      name: 'correct.csi.example.org',
      vendorVersion: '1',
      topology: true,
      volumeExpansion: 'ONLINE',
    },
    controller: correctController(storage),
    groupController: correctGroups(storage),
    snapshotMetadata: correctMetadata(storage),
    node: correctNode(storage),
  };
}

const here = { segments: { [TOPOLOGY]: NODE } };

function shownVolume({ volumeId, capacityBytes, contentSource }: Volume) {
  return { volumeId, capacityBytes, contentSource, accessibleTopology: [here] };
}

function shownSnapshot(snapshot: Snapshot) {
  return { ...snapshot, readyToUse: true, creationTime: { seconds: 1n, nanos: 0 } };
}

/** Entries behind the token, which is the last key of the page before. */
function pageOf<T>(
  all: ReadonlyMap<string, T>,
  { maxEntries, startingToken }: { maxEntries: number; startingToken: string },
): { page: T[]; nextToken: string } {
  if (startingToken !== '' && !startingToken.startsWith('after:'))
    throw new CsiStatus(Code.ABORTED, `starting_token ${startingToken} is none of ours`);
  const keys = [...all.keys()].filter((key) => `after:${key}` > startingToken).sort();
  const page = keys.slice(0, maxEntries || keys.length);
  const nextToken = page.length < keys.length ? `after:${page.at(-1)}` : '';
  return { page: page.map((key) => all.get(key)!), nextToken };
}

function correctController(storage: Storage): NonNullable<CsiServices['controller']> {
  const { volumes, snapshots, host } = storage;
  return {
    capabilities: [
      'CLONE_VOLUME',
      'PUBLISH_READONLY',
      'SINGLE_NODE_MULTI_WRITER',
      'LIST_VOLUMES_PUBLISHED_NODES',
    ],

    async createVolume({
      name,
      capacityRange,
      volumeContentSource,
      accessibilityRequirements,
      mutableParameters,
    }) {
      refuseUnknown(mutableParameters);
      const places = accessibilityRequirements?.requisite ?? [];
      if (places.length > 0 && !places.some(({ segments }) => segments[TOPOLOGY] === NODE))
        throw new CsiStatus(Code.RESOURCE_EXHAUSTED, 'there is no storage in that place');
      const { requiredBytes = 0n, limitBytes = 0n } = capacityRange ?? {};
      const volumeId = `volume ${name}`;
      const present = volumes.get(volumeId);
      if (present) {
        const size = present.capacityBytes;
        if (size < requiredBytes || (limitBytes > 0n && size > limitBytes))
          throw new CsiStatus(Code.ALREADY_EXISTS, `volume ${name} exists with ${size} bytes`);
        return { volume: shownVolume(present) };
      }
      const source = sourceOf(storage, volumeContentSource);
      const capacityBytes = [requiredBytes, source?.sizeBytes ?? 0n, MIB].reduce((a, b) => (a > b ? a : b));
      if (source) await storage.copy(source.id, volumeId);
      else await host.files.makeDirectory(storage.path(volumeId));
      const made: Volume = { volumeId, capacityBytes, contentSource: volumeContentSource };
      volumes.set(volumeId, made);
      return { volume: shownVolume(made) };
    },
    async deleteVolume({ volumeId }) {
      if (volumes.delete(volumeId)) await host.files.removeTree(storage.path(volumeId));
      return {};
    },
    controllerPublishVolume({ volumeId, nodeId, readonly }) {
      const volume = storage.volume(volumeId);
      if (nodeId !== NODE) absent(`node ${nodeId}`);
      if (volume.publishedReadOnly !== undefined && volume.publishedReadOnly !== readonly)
        throw new CsiStatus(
          Code.ALREADY_EXISTS,
          `volume ${volumeId} is published with readonly=${!readonly}`,
        );
      volume.publishedReadOnly = readonly;
      return { publishContext: { port: '1' } };
    },
    controllerUnpublishVolume({ volumeId }) {
      const volume = volumes.get(volumeId);
      if (volume) delete volume.publishedReadOnly;
      return {};
    },
    validateVolumeCapabilities({ volumeId, volumeCapabilities }) {
      storage.volume(volumeId);
      return { confirmed: { volumeCapabilities } };
    },
    listVolumes(request) {
      const { page, nextToken } = pageOf(volumes, request);
      const entries = page.map((volume) => ({
        volume: shownVolume(volume),
        status: { publishedNodeIds: volume.publishedReadOnly === undefined ? [] : [NODE] },
      }));
      return { entries, nextToken };
    },
    controllerGetVolume({ volumeId }) {
      return { volume: shownVolume(storage.volume(volumeId)), status: {} };
    },
    getCapacity: () => ({
      availableCapacity: MAX_BYTES,
      maximumVolumeSize: MAX_BYTES,
      minimumVolumeSize: MIB,
    }),
    controllerExpandVolume({ volumeId, capacityRange }) {
      const volume = storage.volume(volumeId);
      if (volume.capacityBytes < capacityRange!.requiredBytes)
        volume.capacityBytes = capacityRange!.requiredBytes;
      return { capacityBytes: volume.capacityBytes, nodeExpansionRequired: true };
    },
    controllerModifyVolume({ volumeId, mutableParameters }) {
      storage.volume(volumeId);
      refuseUnknown(mutableParameters);
      return {};
    },
    async createSnapshot({ name, sourceVolumeId }) {
      const snapshotId = `snapshot ${name}`;
      const present = snapshots.get(snapshotId);
      if (present && present.sourceVolumeId !== sourceVolumeId)
        throw new CsiStatus(Code.ALREADY_EXISTS, `snapshot ${name} is of ${present.sourceVolumeId}`);
      const sizeBytes = present?.sizeBytes ?? storage.volume(sourceVolumeId).capacityBytes;
      const snapshot = present ?? { snapshotId, sourceVolumeId, sizeBytes, groupSnapshotId: '' };
      if (!present) await storage.copy(sourceVolumeId, snapshotId);
      snapshots.set(snapshotId, snapshot);
      return { snapshot: shownSnapshot(snapshot) };
    },
    async deleteSnapshot({ snapshotId }) {
      if (snapshots.delete(snapshotId)) await host.files.removeTree(storage.path(snapshotId));
      return {};
    },
    getSnapshot: ({ snapshotId }) => ({ snapshot: shownSnapshot(storage.snapshot(snapshotId)) }),
    listSnapshots(request) {
      const chosen = [...snapshots].filter(
        ([id, { sourceVolumeId }]) =>
          (request.snapshotId === '' || id === request.snapshotId) &&
          (request.sourceVolumeId === '' || sourceVolumeId === request.sourceVolumeId),
      );
      const { page, nextToken } = pageOf(new Map(chosen), request);
      return { entries: page.map((snapshot) => ({ snapshot: shownSnapshot(snapshot) })), nextToken };
    },
  };
}

function refuseUnknown(mutableParameters: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(mutableParameters).filter((key) => key !== 'speed');
  if (unknown.length > 0) throw new CsiStatus(Code.INVALID_ARGUMENT, `unknown parameters: ${unknown}`);
}

function sourceOf(storage: Storage, source: csi.VolumeContentSource | undefined) {
  switch (source?.type.case) {
    case 'snapshot': {
      const { snapshotId, sizeBytes } = storage.snapshot(source.type.value.snapshotId);
      return { id: snapshotId, sizeBytes };
    }
    case 'volume': {
      const { volumeId, capacityBytes } = storage.volume(source.type.value.volumeId);
      return { id: volumeId, sizeBytes: capacityBytes };
    }
    default:
      return undefined;
  }
}

function correctGroups(storage: Storage): NonNullable<CsiServices['groupController']> {
  const { groups, snapshots } = storage;
  const shown = (groupSnapshotId: string, group: Group) => ({
    groupSnapshot: { groupSnapshotId, snapshots: group.snapshots.map(shownSnapshot), readyToUse: true },
  });
  return {
    async createVolumeGroupSnapshot({ name, sourceVolumeIds }) {
      const groupSnapshotId = `group ${name}`;
      const sources = [...sourceVolumeIds].sort().join();
      const present = groups.get(groupSnapshotId);
      if (present && present.sources !== sources)
        throw new CsiStatus(Code.ALREADY_EXISTS, `group ${name} is of ${present.sources}`);
      if (present) return shown(groupSnapshotId, present);
      const taken: Snapshot[] = [];
      for (const sourceVolumeId of sourceVolumeIds) {
        const sizeBytes = storage.volume(sourceVolumeId).capacityBytes;
        const snapshotId = `snapshot of ${sourceVolumeId} in ${groupSnapshotId}`;
        await storage.copy(sourceVolumeId, snapshotId);
        taken.push({ snapshotId, sourceVolumeId, sizeBytes, groupSnapshotId });
      }
      for (const snapshot of taken) snapshots.set(snapshot.snapshotId, snapshot);
      groups.set(groupSnapshotId, { sources, snapshots: taken });
      return shown(groupSnapshotId, groups.get(groupSnapshotId)!);
    },
    getVolumeGroupSnapshot({ groupSnapshotId }) {
      return shown(groupSnapshotId, groups.get(groupSnapshotId) ?? absent(`group ${groupSnapshotId}`));
    },
    deleteVolumeGroupSnapshot({ groupSnapshotId }) {
      for (const { snapshotId } of groups.get(groupSnapshotId)?.snapshots ?? []) snapshots.delete(snapshotId);
      groups.delete(groupSnapshotId);
      return {};
    },
  };
}

function correctMetadata(storage: Storage): NonNullable<CsiServices['snapshotMetadata']> {
  async function* blocks(volumeCapacityBytes: bigint) {
    const blockMetadata = [
      { byteOffset: 0n, sizeBytes: 4096n },
      { byteOffset: 8192n, sizeBytes: 4096n },
    ];
    yield { blockMetadataType: csi.BlockMetadataType.FIXED_LENGTH, volumeCapacityBytes, blockMetadata };
  }
  return {
    getMetadataAllocated: async function* ({ snapshotId }) {
      yield* blocks(storage.snapshot(snapshotId).sizeBytes);
    },
    getMetadataDelta: async function* ({ baseSnapshotId, targetSnapshotId }) {
      storage.snapshot(baseSnapshotId);
      yield* blocks(storage.snapshot(targetSnapshotId).sizeBytes);
    },
  };
}

function correctNode(storage: Storage): NonNullable<CsiServices['node']> {
  const { host } = storage;
  const mountAt = async (path: string) => (await host.mounts.list()).find(({ target }) => target === path);
  const unmount = async (path: string) => {
    if (await mountAt(path)) await host.mounts.unmount(path);
  };
  const targets = new Map<string, Set<string>>();
  const targetsOf = (id: string) => targets.get(id) ?? targets.set(id, new Set()).get(id)!;
  return {
    capabilities: ['SINGLE_NODE_MULTI_WRITER'],
    nodeGetInfo: () => ({ nodeId: NODE, accessibleTopology: here }),

    async nodeStageVolume({ volumeId, stagingTargetPath }) {
      storage.volume(volumeId);
      if (!(await mountAt(stagingTargetPath)))
        await host.mounts.mount({
          source: storage.path(volumeId),
          target: stagingTargetPath,
          options: ['bind'],
        });
      return {};
    },
    async nodeUnstageVolume({ stagingTargetPath }) {
      await unmount(stagingTargetPath);
      return {};
    },
    async nodePublishVolume({ volumeId, stagingTargetPath, targetPath, readonly, volumeCapability }) {
      storage.volume(volumeId);
      if (!(await mountAt(stagingTargetPath)))
        throw new CsiStatus(Code.FAILED_PRECONDITION, `volume ${volumeId} is not staged`);
      const present = await mountAt(targetPath);
      if (present && present.options.includes('ro') !== readonly)
        throw new CsiStatus(Code.ALREADY_EXISTS, `${targetPath} is published with readonly=${!readonly}`);
      const others = [...targetsOf(volumeId)].filter((path) => path !== targetPath);
      if (volumeCapability?.accessMode?.mode === SINGLE_NODE_SINGLE_WRITER && others.length > 0)
        throw new CsiStatus(Code.FAILED_PRECONDITION, `volume ${volumeId} is published at ${others}`);
      await host.files.makeDirectory(targetPath);
      const options = readonly ? ['bind', 'ro'] : ['bind'];
      if (!present) await host.mounts.mount({ source: stagingTargetPath, target: targetPath, options });
      targetsOf(volumeId).add(targetPath);
      return {};
    },
    async nodeUnpublishVolume({ volumeId, targetPath }) {
      await unmount(targetPath);
      await host.files.removeDirectory(targetPath);
      targetsOf(volumeId).delete(targetPath);
      return {};
    },
    nodeGetVolumeStats({ volumeId, volumePath }) {
      const { capacityBytes: total } = storage.volume(volumeId);
      if (!targetsOf(volumeId).has(volumePath)) absent(`volume ${volumeId} at ${volumePath}`);
      const unit = csi.VolumeUsage_Unit.BYTES;
      return { usage: [{ unit, total, used: 0n, available: total }] };
    },
    nodeExpandVolume: ({ volumeId }) => ({ capacityBytes: storage.volume(volumeId).capacityBytes }),
  };
}
