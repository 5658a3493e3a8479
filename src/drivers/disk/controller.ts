import { errorMessage } from '../../base/index.ts';
import { Code, type ControllerService, CsiStatus, type csi } from '../../csi/index.ts';
import { Pool, type VolumeRecord } from './pool.ts';
import {
  checkCapabilities,
  checkParameters,
  DEFAULT_FS_TYPE,
  sizeFits,
  unsupported,
  volumeSize,
} from './request.ts';
import { servesTopology, type Topology } from './topology.ts';

/** What publish tells the node about the volume. */
export const PUBLISH_CONTEXT_DEVICE = 'device';

export interface ControllerOptions {
  readonly pool: Pool;
  readonly topology: Topology;
}

/** The controller service: image files that come, are attached to one node's loop device at a time, and go. */
export function diskController({ pool, topology }: ControllerOptions): ControllerService {
  return {
    capabilities: ['SINGLE_NODE_MULTI_WRITER', 'PUBLISH_READONLY'],

    async createVolume(request) {
      checkCapabilities(request.volumeCapabilities);
      checkParameters(request.parameters);
      if (request.volumeContentSource) {
        throw new CsiStatus(
          Code.INVALID_ARGUMENT,
          'volume_content_source: this driver makes empty volumes only',
        );
      }
      if (!servesTopology(request.accessibilityRequirements, topology)) {
        throw new CsiStatus(
          Code.RESOURCE_EXHAUSTED,
          `the pool is on ${JSON.stringify(topology)}, which the accessibility requirements leave out`,
        );
      }
      const id = Pool.idOf(request.name);
      const existing = pool.get(id);
      if (existing) return { volume: describe(reusable(existing, request), topology) };

      const size = volumeSize(request.capacityRange);
      const available = await pool.availableBytes();
      if (size > available) {
        throw new CsiStatus(
          Code.RESOURCE_EXHAUSTED,
          `the pool ${pool.directory} has ${available} bytes free, ${size} asked; free space or lower the request`,
        );
      }
      const accessType = request.volumeCapabilities[0]?.accessType;
      const record: VolumeRecord = {
        id,
        name: request.name,
        sizeBytes: size.toString(),
        ...(accessType?.case === 'block'
          ? { accessType: 'block' }
          : { accessType: 'mount', fsType: accessType?.value?.fsType || DEFAULT_FS_TYPE }),
      };
      await orExhausted(`cannot make the image of volume ${id}`, () => pool.create(record));
      return { volume: describe(record, topology) };
    },

    async deleteVolume({ volumeId }) {
      const record = pool.get(volumeId);
      if (!record) return {};
      if (record.publishedTo) {
        throw new CsiStatus(
          Code.FAILED_PRECONDITION,
          `volume ${volumeId} is published to node ${record.publishedTo.nodeId}`,
        );
      }
      await refuseWhileMounted(pool, volumeId);
      await pool.detach(volumeId);
      await pool.remove(volumeId);
      return {};
    },

    async controllerPublishVolume({ volumeId, nodeId, readonly, volumeCapability }) {
      const record = existing(pool, volumeId);
      checkCapabilities(volumeCapability ? [volumeCapability] : []);
      const published = record.publishedTo;
      if (published && published.nodeId !== nodeId) {
        throw new CsiStatus(
          Code.FAILED_PRECONDITION,
          `volume ${volumeId} is published to node ${published.nodeId}; it must be unpublished there before ${nodeId} can have it`,
        );
      }
      if (published && published.readOnly !== readonly) {
        throw new CsiStatus(
          Code.ALREADY_EXISTS,
          `volume ${volumeId} is published to node ${nodeId} with readonly=${published.readOnly}`,
        );
      }
      // The record first: after a crash in between, the unpublish that follows finds both.
      if (!published) await pool.save({ ...record, publishedTo: { nodeId, readOnly: readonly } });
      const device = await pool.attach(volumeId, readonly);
      return { publishContext: { [PUBLISH_CONTEXT_DEVICE]: device } };
    },

    async controllerUnpublishVolume({ volumeId, nodeId }) {
      const record = pool.get(volumeId);
      // No node named means all of them. A volume that is gone, or elsewhere, is not published here.
      if (!record?.publishedTo || (nodeId !== '' && record.publishedTo.nodeId !== nodeId)) return {};
      await refuseWhileMounted(pool, volumeId);
      await pool.detach(volumeId);
      await pool.save({ ...record, publishedTo: undefined });
      return {};
    },

    async validateVolumeCapabilities({ volumeId, volumeCapabilities, volumeContext, parameters }) {
      existing(pool, volumeId);
      const why = volumeCapabilities.map(unsupported).find((text) => text !== undefined);
      return why ? { message: why } : { confirmed: { volumeContext, volumeCapabilities, parameters } };
    },

    async listVolumes({ maxEntries, startingToken }) {
      const ids = [...pool.volumes()].map((record) => record.id).sort();
      const from = startingToken === '' ? 0 : ids.findIndex((id) => id > startingToken);
      if (startingToken !== '' && !Pool.isId(startingToken)) {
        throw new CsiStatus(Code.ABORTED, `starting_token ${JSON.stringify(startingToken)} is none of ours`);
      }
      const page = from < 0 ? [] : ids.slice(from, maxEntries > 0 ? from + maxEntries : undefined);
      const more = from >= 0 && from + page.length < ids.length;
      return {
        entries: page.map((id) => ({
          volume: describe(pool.get(id)!, topology),
          status: statusOf(pool.get(id)!),
        })),
        nextToken: more ? page.at(-1)! : '',
      };
    },

    async getCapacity({ volumeCapabilities, accessibleTopology }) {
      const elsewhere = accessibleTopology && !servesTopology({ requisite: [accessibleTopology] }, topology);
      if (elsewhere || volumeCapabilities.some(unsupported)) return { availableCapacity: 0n };
      return { availableCapacity: await pool.availableBytes() };
    },
  };
}

function existing(pool: Pool, volumeId: string): VolumeRecord {
  const record = pool.get(volumeId);
  if (!record)
    throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} does not exist in pool ${pool.directory}`);
  return record;
}

/** The volume of an earlier call with the same name, if it is what this call asks for. */
function reusable(record: VolumeRecord, request: csi.CreateVolumeRequest): VolumeRecord {
  const wantsBlock = request.volumeCapabilities[0]?.accessType.case === 'block';
  const fits =
    sizeFits(BigInt(record.sizeBytes), request.capacityRange) &&
    (record.accessType === 'block') === wantsBlock;
  if (record.name !== request.name || !fits) {
    throw new CsiStatus(
      Code.ALREADY_EXISTS,
      `volume ${record.id} exists with ${record.sizeBytes} bytes as ${record.accessType}, which is not what is asked now`,
    );
  }
  return record;
}

function describe(record: VolumeRecord, topology: Topology) {
  return {
    volumeId: record.id,
    capacityBytes: BigInt(record.sizeBytes),
    accessibleTopology: [{ segments: { ...topology } }],
  };
}

function statusOf(record: VolumeRecord) {
  return { publishedNodeIds: record.publishedTo ? [record.publishedTo.nodeId] : [] };
}

async function refuseWhileMounted(pool: Pool, volumeId: string): Promise<void> {
  const paths = await pool.mountPoints(volumeId);
  if (paths.length > 0) {
    throw new CsiStatus(
      Code.FAILED_PRECONDITION,
      `volume ${volumeId} is still mounted at ${paths.join(', ')}`,
    );
  }
}

/** A full disk is the caller's to know; anything else is a fault of ours. */
async function orExhausted(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const code = (error as { code?: string }).code;
    const full = code === 'ENOSPC' || code === 'EDQUOT';
    throw new CsiStatus(full ? Code.RESOURCE_EXHAUSTED : Code.INTERNAL, `${what}: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
