// A correct CSI driver in less than a hundred lines: a volume is a directory, and publishing it is a bind mount. What
// the toolkit does is not here: arguments and their codes, capabilities, one call per volume at a time, repeats, the log.
// Run it: npx node examples/drivers/directory.ts unix:///run/directory.sock /srv/volumes node-1
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLogger, systemClock } from '../../src/base/index.ts';
import { Code, type CsiServices, CsiStatus, type csi, serveCsi } from '../../src/csi/index.ts';
import { createLinuxHost } from '../../src/host/index.ts';

const TOPOLOGY = 'topology.directory.example.org/node';
const ID = /^[0-9a-f]{64}$/;

export function directoryDriver(root: string, nodeId: string): CsiServices {
  const { files, mounts } = createLinuxHost({ clock: systemClock });
  const here = { segments: { [TOPOLOGY]: nodeId } };

  const idOf = (name: string) => createHash('sha256').update(name).digest('hex');
  const volume = (volumeId: string, capacityBytes = 0n) => ({
    volumeId,
    capacityBytes,
    accessibleTopology: [here],
  });

  /** The volume, if there is one. An id that is not of our making never becomes a path. */
  async function find(id: string) {
    if (!ID.test(id) || !(await files.stat(join(root, id)))) return undefined;
    return volume(id, BigInt(await readFile(join(root, id, 'size'), 'utf8')));
  }
  async function need(id: string): Promise<void> {
    if (!(await find(id))) throw new CsiStatus(Code.NOT_FOUND, `volume ${id} does not exist`);
  }
  /** There whole or not at all, whenever the process dies: filled beside, then renamed. */
  async function make(id: string, sizeBytes: bigint): Promise<void> {
    const beside = await mkdtemp(join(root, 'new-'));
    await mkdir(join(beside, 'data'));
    await writeFile(join(beside, 'size'), `${sizeBytes}`, { flush: true });
    await rename(beside, join(root, id));
  }
  const isBlock = ({ accessType }: csi.VolumeCapability) => accessType.case === 'block';

  return {
    identity: { name: 'directory.csi.example.org', vendorVersion: '1.0.0', topology: true },
    controller: {
      volumeByName: ({ name }) => find(idOf(name)),
      async createVolume({ name, capacityRange, volumeCapabilities, accessibilityRequirements }) {
        if (volumeCapabilities.some(isBlock))
          throw new CsiStatus(Code.INVALID_ARGUMENT, 'a directory is no block device');
        const places = accessibilityRequirements?.requisite ?? [];
        if (places.length > 0 && !places.some(({ segments }) => segments[TOPOLOGY] === nodeId))
          throw new CsiStatus(Code.RESOURCE_EXHAUSTED, `volumes can be reached from ${nodeId} only`);
        const size = capacityRange?.requiredBytes || capacityRange?.limitBytes || 1n << 30n;
        await make(idOf(name), size);
        return { volume: volume(idOf(name), size) };
      },
      async deleteVolume({ volumeId }) {
        if (await find(volumeId)) await rm(join(root, volumeId), { recursive: true });
        return {};
      },
      async validateVolumeCapabilities({ volumeId, volumeCapabilities }) {
        await need(volumeId);
        return volumeCapabilities.some(isBlock) ? {} : { confirmed: { volumeCapabilities } };
      },
      async listVolumes({ maxEntries, startingToken }) {
        if (startingToken !== '' && !ID.test(startingToken))
          throw new CsiStatus(Code.ABORTED, `starting_token ${startingToken} is none of ours`);
        const rest = (await readdir(root)).filter((id) => ID.test(id) && id > startingToken).sort();
        const page = rest.slice(0, maxEntries || rest.length);
        const entries = await Promise.all(page.map(async (id) => ({ volume: (await find(id)) ?? volume(id) })));
        return { entries, nextToken: page.length < rest.length ? page.at(-1) : '' };
      },
    },
    node: {
      nodeGetInfo: () => ({ nodeId, accessibleTopology: here }),
      async nodePublishVolume({ volumeId, targetPath, readonly }) {
        await need(volumeId);
        const present = (await mounts.list()).find(({ target }) => target === targetPath);
        if (present && present.options.includes('ro') !== readonly)
          throw new CsiStatus(Code.ALREADY_EXISTS, `${targetPath} has readonly=${!readonly}`);
        await mkdir(targetPath, { recursive: true });
        const options = readonly ? ['bind', 'ro'] : ['bind'];
        if (!present) await mounts.mount({ source: join(root, volumeId, 'data'), target: targetPath, options });
        return {};
      },
      async nodeUnpublishVolume({ targetPath }) {
        if (await mounts.isMountPoint(targetPath)) await mounts.unmount(targetPath);
        await files.removeDirectory(targetPath);
        return {};
      },
    },
  };
}

if (import.meta.main) {
  const [endpoint = '', root = '', nodeId = 'node-1'] = process.argv.slice(2);
  await mkdir(root, { recursive: true });
  const log = createLogger({ level: 'info', now: systemClock.now, sink: console.error });
  await serveCsi({ endpoint, clock: systemClock, log, ...directoryDriver(root, nodeId) });
}
