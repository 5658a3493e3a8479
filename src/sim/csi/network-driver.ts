import { Code, type ControllerService, type CsiServices, CsiStatus, csi } from '../../csi/index.ts';
import type { Host } from '../../host/index.ts';
import { NETWORK_FS } from '../../host/simulated/index.ts';
import { cleanupMountPoint, mountTablePath } from '../../volume/mount/index.ts';
import type { NetworkStorage, NetworkVolume } from './network-storage.ts';

export const NETWORK_DRIVER = 'network.csi.sim';
/** All nodes reach the storage. */
export const TOPOLOGY_REGION = 'topology.network.csi.sim/region';
export const REGION = 'here';
/** The one parameter that its classes may have. */
const TIERS = ['gold', 'silver'];
const DEFAULT_BYTES = 1n << 30n;
const CAPACITY_BYTES = 1n << 40n;
const MAX_STACKED = 16;

const Mode = csi.VolumeCapability_AccessMode_Mode;
type Capability = csi.VolumeCapability;

const MANY_NODES = new Set([
  Mode.MULTI_NODE_READER_ONLY,
  Mode.MULTI_NODE_SINGLE_WRITER,
  Mode.MULTI_NODE_MULTI_WRITER,
]);
const identity: CsiServices['identity'] = { name: NETWORK_DRIVER, vendorVersion: '1.0.0', topology: true };
const topology = { segments: { [TOPOLOGY_REGION]: REGION } };

export interface NetworkControllerOptions {
  readonly storage: NetworkStorage;
  readonly nodeNames: readonly string[];
  /** Has something done at the storage; takes time, and the process may die over it. */
  at<T>(work: () => T): Promise<T>;
}

/** The controller service of a driver whose volumes every node can reach: some one node at a time, some all together. */
export function networkController({ storage, nodeNames, at }: NetworkControllerOptions): CsiServices {
  const existing = (volumeId: string): NetworkVolume => {
    const volume = storage.get(volumeId);
    if (!volume) throw new CsiStatus(Code.NOT_FOUND, `volume ${volumeId} does not exist`);
    return volume;
  };
  const controller: ControllerService = {
    capabilities: ['SINGLE_NODE_MULTI_WRITER', 'PUBLISH_READONLY', 'LIST_VOLUMES_PUBLISHED_NODES'],

    createVolume: ({ name, capacityRange, parameters, volumeCapabilities }) =>
      at(() => {
        checkParameters(parameters);
        for (const capability of volumeCapabilities) refuseBlock(capability);
        const asked = capacityRange?.requiredBytes || DEFAULT_BYTES;
        const volume = storage.get(name) ?? storage.create(name, asked);
        if (volume.sizeBytes < asked)
          throw new CsiStatus(Code.ALREADY_EXISTS, `volume ${name} has ${volume.sizeBytes} bytes`);
        return { volume: describe(volume) };
      }),

    deleteVolume: ({ volumeId }) =>
      at(() => {
        const nodes = [...(storage.get(volumeId)?.grants.keys() ?? [])];
        if (nodes.length > 0)
          throw new CsiStatus(Code.FAILED_PRECONDITION, `volume ${volumeId} is published to ${nodes}`);
        storage.remove(volumeId);
        return {};
      }),

    controllerPublishVolume: ({ volumeId, nodeId, readonly, volumeCapability }) =>
      at(() => {
        const volume = existing(volumeId);
        if (!nodeNames.includes(nodeId)) throw new CsiStatus(Code.NOT_FOUND, `node ${nodeId} is not known`);
        const mode = volumeCapability?.accessMode?.mode ?? Mode.UNKNOWN;
        const terms = {
          exclusive: !MANY_NODES.has(mode),
          readOnly: readonly || mode === Mode.MULTI_NODE_READER_ONLY,
        };
        const present = volume.grants.get(nodeId);
        if (present && present.readOnly !== terms.readOnly)
          throw new CsiStatus(Code.ALREADY_EXISTS, `volume ${volumeId} is published otherwise to ${nodeId}`);
        const other = storage.holdsOff(volumeId, nodeId, terms.exclusive);
        if (other !== undefined)
          throw new CsiStatus(Code.FAILED_PRECONDITION, `volume ${volumeId} is published to node ${other}`);
        if (!present) storage.grant(volumeId, nodeId, terms);
        return { publishContext: {} };
      }),

    controllerUnpublishVolume: ({ volumeId, nodeId }) =>
      at(() => {
        const nodes = nodeId === '' ? [...(storage.get(volumeId)?.grants.keys() ?? [])] : [nodeId];
        for (const node of nodes) storage.revoke(volumeId, node);
        return {};
      }),

    validateVolumeCapabilities: async ({ volumeId, volumeCapabilities }) => {
      existing(volumeId);
      return { confirmed: { volumeCapabilities } };
    },

    listVolumes: ({ startingToken, maxEntries }) =>
      at(() => {
        const all = storage.volumes();
        const from = startingToken === '' ? 0 : Number(startingToken);
        if (!Number.isInteger(from) || from > all.length)
          throw new CsiStatus(Code.ABORTED, `starting_token ${startingToken} is none of ours`);
        const to = maxEntries > 0 ? from + maxEntries : all.length;
        const entries = all.slice(from, to).map((volume) => ({
          volume: describe(volume),
          status: { publishedNodeIds: [...volume.grants.keys()] },
        }));
        return { entries, nextToken: to < all.length ? String(to) : '' };
      }),

    controllerGetVolume: ({ volumeId }) =>
      at(() => {
        const volume = existing(volumeId);
        return {
          volume: describe(volume),
          status: { publishedNodeIds: [...volume.grants.keys()] },
        };
      }),

    getCapacity: () => at(() => ({ availableCapacity: CAPACITY_BYTES })),
  };
  return { identity, controller };
}

/** The node service: a share is mounted once a node and bound for each pod. */
export function networkNode(host: Host, nodeId: string): CsiServices {
  return {
    identity,
    node: {
      capabilities: ['SINGLE_NODE_MULTI_WRITER'],

      async nodeStageVolume({ volumeId, stagingTargetPath, volumeCapability }) {
        refuseBlock(volumeCapability);
        await host.files.makeDirectory(stagingTargetPath, 0o750);
        if (await mounted(host, stagingTargetPath)) return {};
        await mountShare(host, volumeId, stagingTargetPath, volumeCapability);
        return {};
      },

      async nodeUnstageVolume({ stagingTargetPath }) {
        await unmountAll(host, stagingTargetPath);
        return {};
      },

      async nodePublishVolume({ volumeId, stagingTargetPath, targetPath, readonly, volumeCapability }) {
        refuseBlock(volumeCapability);
        if (!(await host.mounts.isMountPoint(await mountTablePath(host, stagingTargetPath))))
          throw new CsiStatus(Code.FAILED_PRECONDITION, `nothing is staged at ${stagingTargetPath}`);
        // The node was thought lost meanwhile: it has the share again, and nobody will stage it anew. What is stale stays
        // below, so that there is something staged also when this fails.
        if (await isStale(host, stagingTargetPath))
          await mountShare(host, volumeId, stagingTargetPath, volumeCapability);
        await host.files.makeDirectory(targetPath, 0o750);
        if (!(await mounted(host, targetPath)))
          await host.mounts.mount({ source: stagingTargetPath, target: targetPath, options: ['bind'] });
        // A crash may have come between the bind and this.
        if (readonly)
          await host.mounts.mount({
            source: stagingTargetPath,
            target: targetPath,
            options: ['remount', 'bind', 'ro'],
          });
        return {};
      },

      async nodeUnpublishVolume({ targetPath }) {
        await cleanupMountPoint(host, targetPath);
        return {};
      },

      async nodeGetInfo() {
        return { nodeId, accessibleTopology: topology };
      },
    },
  };
}

async function mountShare(
  host: Host,
  volumeId: string,
  target: string,
  capability: Capability | undefined,
): Promise<void> {
  const readOnly = capability?.accessMode?.mode === Mode.MULTI_NODE_READER_ONLY;
  const options = readOnly ? ['ro'] : [];
  await host.mounts.mount({ source: volumeId, target, fsType: NETWORK_FS, options });
}

/** Whether a share that still answers is mounted there. One that was taken away meanwhile is unmounted first. */
async function mounted(host: Host, path: string): Promise<boolean> {
  if (!(await host.mounts.isMountPoint(await mountTablePath(host, path)))) return false;
  if (!(await isStale(host, path))) return true;
  await unmountAll(host, path);
  return false;
}

async function isStale(host: Host, path: string): Promise<boolean> {
  try {
    await host.files.stat(path);
    return false;
  } catch (error) {
    if ((error as { code?: string }).code !== 'ESTALE') throw error;
    return true;
  }
}

async function unmountAll(host: Host, path: string): Promise<void> {
  const target = await mountTablePath(host, path);
  for (let unmounted = 0; await host.mounts.isMountPoint(target); unmounted++) {
    if (unmounted >= MAX_STACKED) throw new Error(`unmount ${target}: still mounted`);
    await host.mounts.unmount(target);
  }
}

function refuseBlock(capability: Capability | undefined): void {
  if (capability?.accessType.case === 'block')
    throw new CsiStatus(Code.INVALID_ARGUMENT, 'a share cannot be a block device');
}

function checkParameters(parameters: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(parameters)) {
    if (name.startsWith('csi.storage.k8s.io/')) continue;
    if (name !== 'tier' || !TIERS.includes(value))
      throw new CsiStatus(
        Code.INVALID_ARGUMENT,
        `parameter ${name}=${value}: only tier is known, ${TIERS.join(' or ')}`,
      );
  }
}

function describe({ id, sizeBytes }: NetworkVolume) {
  return { volumeId: id, capacityBytes: sizeBytes, accessibleTopology: [topology] };
}
