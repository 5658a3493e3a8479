import { Code, type ControllerService, CsiStatus, type csi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { grownSize, sizeFits, volumeSize } from '../shared/capacity.ts';
import type { Exclusive } from '../shared/exclusive.ts';
import { orExhausted } from '../shared/exhausted.ts';
import { handleOf } from '../shared/names.ts';
import { pageOf } from '../shared/pages.ts';
import { checkParameters } from '../shared/parameters.ts';
import { listSnapshots, snapshotMessage } from '../shared/snapshot-messages.ts';
import { checkCapabilities, unsupported } from './capabilities.ts';
import { type Content, contentKey, contentOf, sourceMessage, sourceOf } from './content.ts';
import { contextOf } from './context.ts';
import { exportOf, wishOf } from './parameters.ts';
import type { NasVolume } from './record.ts';
import type { Sites } from './sites.ts';
import type { Snapshots } from './snapshots.ts';
import type { Tools } from './tools.ts';
import { usersOf } from './users.ts';
import type { Volumes } from './volumes.ts';

export interface ControllerOptions {
  readonly volumes: Volumes;
  readonly snapshots: Snapshots;
  readonly sites: Sites;
  readonly tools: Tools;
  readonly host: Host;
  readonly operations: Exclusive;
}

/** The controller service: directories that come, are copied, grow, and go. Nothing is attached. */
export function nasController(options: ControllerOptions): ControllerService {
  const { volumes, snapshots, tools, host, operations } = options;
  const onVolume = <T>(id: string, work: () => Promise<T>) => operations.run(`volume ${id}`, work);
  const onSnapshot = <T>(id: string, work: () => Promise<T>) => operations.run(`snapshot ${id}`, work);

  function existing(volumeId: string): NasVolume {
    const volume = volumes.get(volumeId);
    if (!volume) throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} does not exist`);
    return volume;
  }

  /** A volume with its state, as ListVolumes and ControllerGetVolume tell it. */
  async function entryOf(volume: NasVolume) {
    const fault = await volumes.fault(volume);
    const volumeCondition = { abnormal: fault !== undefined, message: fault ?? 'its directory is there' };
    return { volume: describe(volume), status: { volumeCondition } };
  }

  async function make(request: csi.CreateVolumeRequest, id: string, content: Content | undefined) {
    const { name, capacityRange, parameters } = request;
    const wish = wishOf(id, parameters);
    const required = capacityRange?.requiredBytes ?? 0n;
    const range =
      content && required === 0n ? { requiredBytes: content.sizeBytes, limitBytes: 0n } : capacityRange;
    const size = volumeSize(range);
    if (content && size < content.sizeBytes)
      throw new CsiStatus(
        Code.OUT_OF_RANGE,
        `required_bytes ${required}: the source has ${content.sizeBytes} bytes, and a copy is no smaller`,
      );
    if (!sizeFits(size, capacityRange))
      throw new CsiStatus(
        Code.OUT_OF_RANGE,
        `${size} bytes are more than limit_bytes ${capacityRange?.limitBytes}`,
      );
    // Where nothing is held to its size, a size is only a wish.
    if (await volumes.hasQuota(wish.export)) {
      const available = await volumes.availableBytes(wish.export);
      if (size > available)
        throw new CsiStatus(
          Code.RESOURCE_EXHAUSTED,
          `the share has ${available} bytes free, ${size} asked; free space or lower the request`,
        );
    }
    const source = content && { source: content.source };
    return volumes.create(
      { ...wish, id, name, sizeBytes: size.toString(), ...source },
      content && ((path) => content.use((from) => tools.copy(from, path))),
    );
  }

  return {
    capabilities: ['SINGLE_NODE_MULTI_WRITER', 'CLONE_VOLUME', 'VOLUME_CONDITION'],

    async createVolume(request) {
      const { name, parameters, volumeCapabilities, volumeContentSource } = request;
      const id = handleOf(name, 'vol');
      checkCapabilities(volumeCapabilities, exportOf(parameters) !== undefined);
      return onVolume(id, async () => {
        const present = volumes.get(id);
        if (present) {
          checkSame(present, request);
          return { volume: describe(present) };
        }
        const made = await orExhausted(`make volume ${id}`, async () => {
          if (!volumeContentSource) return make(request, id, undefined);
          const content = await contentOf(volumeContentSource, options);
          return operations.run(content.key, () => make(request, id, content));
        });
        return { volume: describe(made) };
      });
    },

    async deleteVolume({ volumeId }) {
      return onVolume(volumeId, async () => {
        const volume = volumes.get(volumeId);
        const paths = volume ? await usersOf(host, options.sites, volume) : [];
        if (paths.length > 0)
          throw new CsiStatus(
            Code.FAILED_PRECONDITION,
            `volume ${volumeId} is still mounted at ${paths.join(', ')}`,
          );
        await operations.run(contentKey(volumeId), () => volumes.remove(volumeId));
        return {};
      });
    },

    async controllerExpandVolume({ volumeId, capacityRange, volumeCapability }) {
      return onVolume(volumeId, async () => {
        const volume = existing(volumeId);
        if (volumeCapability) checkCapabilities([volumeCapability], volume.export !== undefined);
        const size = grownSize(volume, capacityRange!);
        const { sizeBytes } =
          size > BigInt(volume.sizeBytes)
            ? await orExhausted(`grow volume ${volumeId}`, () => volumes.grow(volumeId, size))
            : volume;
        return { capacityBytes: BigInt(sizeBytes), nodeExpansionRequired: false };
      });
    },

    async validateVolumeCapabilities({ volumeId, volumeCapabilities, volumeContext, parameters }) {
      const volume = existing(volumeId);
      const isExport = volume.export !== undefined;
      const why = volumeCapabilities
        .map((one) => unsupported(one, isExport))
        .find((text) => text !== undefined);
      if (why !== undefined) return { message: `cannot serve ${why}` };
      wishOf(volumeId, parameters);
      return { confirmed: { volumeContext, volumeCapabilities, parameters } };
    },

    async listVolumes(request) {
      const all = new Map(volumes.all().map((volume) => [volume.id, volume]));
      const { ids, nextToken } = pageOf([...all.keys()], request);
      return { entries: await Promise.all(ids.map((id) => entryOf(all.get(id)!))), nextToken };
    },

    async controllerGetVolume({ volumeId }) {
      return entryOf(existing(volumeId));
    },

    async getCapacity({ volumeCapabilities, parameters }) {
      const from = exportOf(parameters);
      if (volumeCapabilities.some((one) => unsupported(one, from !== undefined)))
        return { availableCapacity: 0n };
      return { availableCapacity: await volumes.availableBytes(from) };
    },

    async createSnapshot({ name, sourceVolumeId, parameters }) {
      checkParameters(parameters, 'VolumeSnapshotClass');
      const id = handleOf(name, 'snap');
      return onSnapshot(id, async () => {
        const present = snapshots.get(id);
        if (present && present.sourceVolumeId !== sourceVolumeId)
          throw new CsiStatus(
            Code.ALREADY_EXISTS,
            `snapshot ${id} exists, of volume ${present.sourceVolumeId}, and ${sourceVolumeId} is asked for now`,
          );
        if (present) return { snapshot: snapshotMessage(present) };
        return operations.run(contentKey(sourceVolumeId), async () => {
          const volume = existing(sourceVolumeId);
          const taken = await orExhausted(`snapshot ${id} of volume ${sourceVolumeId}`, () =>
            snapshots.take({ id, name }, volume),
          );
          return { snapshot: snapshotMessage(taken) };
        });
      });
    },

    async deleteSnapshot({ snapshotId }) {
      return onSnapshot(snapshotId, async () => {
        await snapshots.remove(snapshotId);
        return {};
      });
    },

    async listSnapshots(request) {
      return listSnapshots(snapshots.all(), request);
    },

    async getSnapshot({ snapshotId }) {
      const snapshot = snapshots.get(snapshotId);
      if (!snapshot) throw new CsiStatus(Code.NOT_FOUND, `snapshot ${snapshotId} does not exist`);
      return { snapshot: snapshotMessage(snapshot) };
    },
  };
}

/** @throws CsiStatus ALREADY_EXISTS if the volume of an earlier call with this name is not what this one asks for. */
function checkSame(volume: NasVolume, request: csi.CreateVolumeRequest): void {
  const { export: from, path, onDelete } = wishOf(volume.id, request.parameters);
  const asked = JSON.stringify([from, path, onDelete, sourceOf(request.volumeContentSource)]);
  const made = JSON.stringify([volume.export, volume.path, volume.onDelete, volume.source]);
  if (
    volume.name === request.name &&
    sizeFits(BigInt(volume.sizeBytes), request.capacityRange) &&
    asked === made
  )
    return;
  throw new CsiStatus(
    Code.ALREADY_EXISTS,
    `volume ${volume.id} exists with ${volume.sizeBytes} bytes in ${volume.path}, which is not what is asked now`,
  );
}

function describe(volume: NasVolume) {
  return {
    volumeId: volume.id,
    capacityBytes: BigInt(volume.sizeBytes),
    contentSource: volume.source && sourceMessage(volume.source),
    volumeContext: contextOf(volume),
  };
}
