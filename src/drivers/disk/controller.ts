import { Code, type ControllerService, CsiStatus, type csi } from '../../csi/index.ts';
import { grownSize, sizeFits, volumeSize } from '../shared/capacity.ts';
import { orExhausted } from '../shared/exhausted.ts';
import { handleOf } from '../shared/names.ts';
import { pageOf } from '../shared/pages.ts';
import { checkParameters } from '../shared/parameters.ts';
import { placeFor, type Topology } from '../shared/topology.ts';
import type { Attachments } from './attachments.ts';
import { growImage } from './grow.ts';
import { conditionOf } from './health.ts';
import type { IoLimiter } from './io-limits.ts';
import { keepLimits, modifyHandlers, requestedLimits } from './modify.ts';
import type { Pool, Volume } from './pool.ts';
import { checkMatch, minimumSize, mismatch, type Usage, unsupported, usageOf } from './request.ts';
import { originOf, type SnapshotOptions, snapshotHandlers } from './snapshot-controller.ts';
import { contentSourceOf, copyOf, sourceKey, sourceOf } from './volume-source.ts';

/** What publish tells the node about the volume. */
export const PUBLISH_CONTEXT_DEVICE = 'device';

export interface ControllerOptions {
  readonly pool: Pool;
  readonly attachments: Attachments;
  readonly topology: Topology;
  /** The nodes that the driver serves, so far, and where each is. */
  readonly nodes: ReadonlyMap<string, Topology>;
  readonly limiter: IoLimiter;
  /** Absent where volumes cannot be copied at once. */
  readonly snapshotting?: SnapshotOptions | undefined;
}

/** The controller service: image files that come, are attached to one node's loop device at a time, and go. */
export function diskController({
  pool,
  attachments,
  topology,
  nodes,
  limiter,
  snapshotting,
}: ControllerOptions): ControllerService {
  /** A volume that begins as the copy of a snapshot or of another volume: it shares all its blocks with that. */
  async function fill(
    id: string,
    place: Topology,
    request: csi.CreateVolumeRequest,
    usage: Usage,
  ): Promise<Volume> {
    const { name, capacityRange, volumeContentSource } = request;
    const key = sourceKey(volumeContentSource!);
    return pool.exclusively(key, async () => {
      const { source, image, content } = await originOf(snapshotting!, volumeContentSource!);
      const limits = requestedLimits(request.mutableParameters);
      const record = {
        id,
        name,
        ...copyOf(content, capacityRange, usage),
        source,
        ...(limits && { limits }),
      };
      return orExhausted(`make volume ${id} of ${key}`, () =>
        pool.create({ ...record, ...(Object.keys(place).length > 0 && { topology: place }) }, image),
      );
    });
  }

  /** A volume with its state, as ListVolumes and ControllerGetVolume tell it. */
  async function entryOf(volume: Volume) {
    const publishedNodeIds = volume.publishedTo ? [volume.publishedTo.nodeId] : [];
    const volumeCondition = await conditionOf(pool, volume.id);
    return { volume: describe(volume, topology), status: { publishedNodeIds, volumeCondition } };
  }

  const places = () => [topology, ...nodes.values()];
  return {
    capabilities: [
      'SINGLE_NODE_MULTI_WRITER',
      'PUBLISH_READONLY',
      'LIST_VOLUMES_PUBLISHED_NODES',
      'VOLUME_CONDITION',
      ...(snapshotting ? (['CLONE_VOLUME'] as const) : []),
    ],
    ...(snapshotting && snapshotHandlers(snapshotting)),
    ...modifyHandlers({ pool, attachments, limiter }),

    async createVolume(request) {
      const usage = usageOf(request.volumeCapabilities);
      checkParameters(request.parameters);
      const limits = requestedLimits(request.mutableParameters);
      const { volumeContentSource } = request;
      if (volumeContentSource && !snapshotting) {
        throw new CsiStatus(
          Code.INVALID_ARGUMENT,
          'volume_content_source: this pool has directories, which cannot be copied at once; it makes empty volumes only',
        );
      }
      const place = placeFor(request.accessibilityRequirements, places());
      if (!place) {
        throw new CsiStatus(
          Code.RESOURCE_EXHAUSTED,
          `the pool is on ${where(places())}, which the accessibility requirements leave out`,
        );
      }
      const id = handleOf(request.name, 'vol');
      return pool.exclusively(id, async () => {
        const present = pool.get(id);
        if (present) {
          checkSame(present, request, usage);
          await pool.checkImage(id);
          return { volume: describe(present, topology) };
        }
        if (volumeContentSource) return { volume: describe(await fill(id, place, request, usage), topology) };
        const size = volumeSize(request.capacityRange, minimumSize(usage));
        const available = await pool.availableBytes();
        if (size > available) {
          throw new CsiStatus(
            Code.RESOURCE_EXHAUSTED,
            `the pool ${pool.directory} has ${available} bytes free, ${size} asked; free space or lower the request`,
          );
        }
        const record = {
          id,
          name: request.name,
          sizeBytes: size.toString(),
          ...usage,
          ...(Object.keys(place).length > 0 && { topology: place }),
          ...(limits && { limits }),
        };
        const made = await orExhausted(`make volume ${id}`, () => pool.create(record));
        return { volume: describe(made, topology) };
      });
    },

    async deleteVolume({ volumeId }) {
      return pool.exclusively(volumeId, async () => {
        const volume = pool.get(volumeId);
        if (!volume) return {};
        if (volume.publishedTo) {
          throw new CsiStatus(
            Code.FAILED_PRECONDITION,
            `volume ${volumeId} is published to node ${volume.publishedTo.nodeId}`,
          );
        }
        await refuseWhileMounted(attachments, volumeId);
        await attachments.detach(volumeId);
        await pool.remove(volumeId);
        return {};
      });
    },

    async controllerPublishVolume({ volumeId, nodeId, readonly, volumeCapability }, { log }) {
      return pool.exclusively(volumeId, async () => {
        const volume = existing(pool, volumeId);
        checkMatch(volume, volumeCapability);
        const published = volume.publishedTo;
        if (published) checkPublication(volumeId, published, { nodeId, readOnly: readonly });
        else if (!nodes.has(nodeId))
          throw new CsiStatus(Code.NOT_FOUND, `node ${nodeId} is not served by this driver`);
        // Before the device: one without a publication would belong to nobody after a crash in between.
        if (!pool.isSurelyPublished(volumeId)) await pool.publish(volumeId, { nodeId, readOnly: readonly });
        try {
          const device = await attachments.attach(volumeId, readonly);
          if (volume.limits) await keepLimits(limiter, volume, device, log);
          return { publishContext: { [PUBLISH_CONTEXT_DEVICE]: device } };
        } catch (error) {
          // A volume that was not published before must not hold off other nodes now. If this fails too, the
          // ControllerUnpublishVolume that follows every failed publish does it.
          if (!published) {
            await attachments.detach(volumeId).catch(() => undefined);
            await pool.unpublish(volumeId).catch(() => undefined);
          }
          throw error;
        }
      });
    },

    async controllerUnpublishVolume({ volumeId, nodeId }) {
      return pool.exclusively(volumeId, async () => {
        const { publishedTo: published, limits } = pool.get(volumeId) ?? {};
        // No node named means all of them. A volume that is gone, or elsewhere, is not published here.
        if (!published || (nodeId !== '' && published.nodeId !== nodeId)) return {};
        await refuseWhileMounted(attachments, volumeId);
        const device = limits && (await attachments.device(volumeId));
        // Whoever has the device next is not to be held to them.
        if (device) await limiter.apply(device, {});
        await attachments.detach(volumeId);
        await pool.unpublish(volumeId);
        return {};
      });
    },

    async controllerExpandVolume({ volumeId, capacityRange, volumeCapability }) {
      return pool.exclusively(volumeId, async () => {
        const volume = existing(pool, volumeId);
        if (volumeCapability) checkMatch(volume, volumeCapability);
        const size = grownSize(volume, capacityRange!);
        const { sizeBytes, fileSystemPending = false } = await orExhausted(`grow volume ${volumeId}`, () =>
          growImage(pool, attachments, volume, size),
        );
        return { capacityBytes: BigInt(sizeBytes), nodeExpansionRequired: fileSystemPending };
      });
    },

    async validateVolumeCapabilities(request) {
      const { volumeId, volumeCapabilities, volumeContext, parameters, mutableParameters } = request;
      const volume = existing(pool, volumeId);
      const why = volumeCapabilities
        .map((capability) => mismatch(volume, capability))
        .find((text) => text !== undefined);
      if (why !== undefined) return { message: `cannot serve ${why}` };
      checkParameters(parameters);
      requestedLimits(mutableParameters);
      return { confirmed: { volumeContext, volumeCapabilities, parameters, mutableParameters } };
    },

    async listVolumes(request) {
      const volumes = new Map(pool.volumes().map((volume) => [volume.id, volume]));
      const { ids, nextToken } = pageOf([...volumes.keys()], request);
      return { entries: await Promise.all(ids.map((id) => entryOf(volumes.get(id)!))), nextToken };
    },

    async controllerGetVolume({ volumeId }) {
      return entryOf(existing(pool, volumeId));
    },

    async getCapacity({ volumeCapabilities, parameters, accessibleTopology }) {
      checkParameters(parameters);
      const elsewhere = accessibleTopology && !placeFor({ requisite: [accessibleTopology] }, places());
      if (elsewhere || volumeCapabilities.some(unsupported)) return { availableCapacity: 0n };
      const availableCapacity = await pool.availableBytes();
      return {
        availableCapacity,
        maximumVolumeSize: availableCapacity,
        minimumVolumeSize: minimumSize(usageOf(volumeCapabilities)),
      };
    },
  };
}

/** The different places, for a message. */
function where(places: readonly Topology[]): string {
  return [...new Set(places.map((place) => JSON.stringify(place)))].join(' or ');
}

function existing(pool: Pool, volumeId: string): Volume {
  const volume = pool.get(volumeId);
  if (!volume)
    throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} does not exist in pool ${pool.directory}`);
  return volume;
}

/** @throws CsiStatus ALREADY_EXISTS if the volume of an earlier call with this name is not what this one asks for. */
function checkSame(volume: Volume, request: csi.CreateVolumeRequest, usage: Usage): void {
  if (
    volume.name === request.name &&
    sizeFits(BigInt(volume.sizeBytes), request.capacityRange) &&
    volume.accessType === usage.accessType &&
    volume.fsType === usage.fsType &&
    JSON.stringify(volume.source) === JSON.stringify(sourceOf(request.volumeContentSource))
  )
    return;
  throw new CsiStatus(
    Code.ALREADY_EXISTS,
    `volume ${volume.id} exists with ${volume.sizeBytes} bytes as ${volume.fsType ?? volume.accessType}, ` +
      'which is not what is asked now',
  );
}

/** Source: the error table of ControllerPublishVolume. */
function checkPublication(
  volumeId: string,
  present: { nodeId: string; readOnly: boolean },
  asked: { nodeId: string; readOnly: boolean },
): void {
  if (present.nodeId !== asked.nodeId) {
    throw new CsiStatus(
      Code.FAILED_PRECONDITION,
      `volume ${volumeId} is published to node ${present.nodeId}; it must be unpublished there before ${asked.nodeId} can have it`,
    );
  }
  if (present.readOnly !== asked.readOnly) {
    throw new CsiStatus(
      Code.ALREADY_EXISTS,
      `volume ${volumeId} is published to node ${present.nodeId} with readonly=${present.readOnly}`,
    );
  }
}

function describe(volume: Volume, topology: Topology) {
  return {
    volumeId: volume.id,
    capacityBytes: BigInt(volume.sizeBytes),
    contentSource: volume.source && contentSourceOf(volume.source),
    accessibleTopology: [{ segments: { ...volume.topology, ...topology } }],
  };
}

async function refuseWhileMounted(attachments: Attachments, volumeId: string): Promise<void> {
  const paths = await attachments.mountPoints(volumeId);
  if (paths.length > 0) {
    throw new CsiStatus(
      Code.FAILED_PRECONDITION,
      `volume ${volumeId} is still mounted at ${paths.join(', ')}`,
    );
  }
}
