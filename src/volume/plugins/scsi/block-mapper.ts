import { join } from 'node:path';
import type { Host } from '../../../host/index.ts';
import type { PersistentVolume, Stored } from '../../../kube/index.ts';
import { escapePluginName, pluginDirectory, podVolumeDevicesDirectory } from '../../paths.ts';
import type { BlockMapper, ReconstructedVolume, VolumeSpec } from '../../plugin.ts';
import { listOrNothing } from './multipath.ts';

export interface ScsiBlockMapperOptions {
  readonly host: Pick<Host, 'files' | 'loops'>;
  readonly nodeRoot: string;
  readonly pluginName: string;
  /** What tells a volume from others, as a path below plugins/PLUGIN/volumeDevices; undefined without a source. */
  relativePath(spec: VolumeSpec): string | undefined;
  /** How many directories that path has. */
  readonly depth: number;
  /** What a volume's directory says of it. @throws Error */
  parse(path: string, specName: string): ReconstructedVolume;
  /** Lets go of the disk once no pod has it any more; its directory is there still, if it ever was. */
  tearDown(globalMapPath: string, signal: AbortSignal): Promise<void>;
}

/** Where a plugin keeps what pods get as devices. */
export function volumeDevicesDirectory(nodeRoot: string, pluginName: string): string {
  return join(pluginDirectory(nodeRoot, pluginName), 'volumeDevices');
}

/** What is known after a restart of a disk that is given to pods as a device. */
export function blockSpec(
  name: string,
  source: Pick<NonNullable<PersistentVolume['spec']>, 'iscsi' | 'fc'>,
): VolumeSpec {
  const spec = { ...source, volumeMode: 'Block' };
  return {
    name,
    persistentVolume: { metadata: { name }, spec } as Stored<PersistentVolume>,
    readOnly: false,
  };
}

/** Gives disks to pods as they are. Source: the block volume mappers of pkg/volume/fc and iscsi. */
export function createScsiBlockMapper(options: ScsiBlockMapperOptions): BlockMapper {
  const { host, nodeRoot, pluginName, relativePath, depth, parse, tearDown } = options;
  const { files, loops } = host;
  const root = volumeDevicesDirectory(nodeRoot, pluginName);
  const podDeviceMapDirectory = (podUid: string) =>
    join(podVolumeDevicesDirectory(nodeRoot, podUid), escapePluginName(pluginName));

  async function directories(): Promise<string[]> {
    let found = [root];
    for (let level = 0; level < depth; level++) {
      const below = found.map(async (path) =>
        (await listOrNothing(files, path)).map((name) => join(path, name)),
      );
      found = (await Promise.all(below)).flat();
    }
    return found;
  }

  /** Those whose directory has the device for a pod. */
  async function podsOf(directory: string): Promise<string[]> {
    const pods: string[] = [];
    for (const name of await listOrNothing(files, directory))
      if ((await files.stat(join(directory, name)))?.kind === 'block') pods.push(name);
    return pods;
  }

  /** Whether what is bound for a pod is the device that its link leads to, or what that loop device holds. */
  async function leadsTo(link: string, bound: string): Promise<boolean> {
    const device = await files.realPath(link).catch(() => undefined);
    if (device === undefined) return false;
    const pin = (await loops.list()).find((loop) => loop.device === device);
    if (pin) return pin.backingFile === bound;
    const [one, other] = await Promise.all([files.stat(device), files.stat(bound)]);
    return one?.rdev !== undefined && one.rdev === other?.rdev;
  }

  return {
    // Of a volume of which only the name is known there is nothing to be found, nor to be undone.
    globalMapPath: (spec) => join(root, relativePath(spec) ?? spec.name),
    podDeviceMapDirectory,
    async prepare(spec) {
      if (relativePath(spec) === undefined) throw new Error(`${spec.name} is no volume of ${pluginName}`);
    },
    tearDownDevice: (_name, signal, globalMapPath) => tearDown(globalMapPath, signal),
    async reconstruct(name, podUid) {
      const link = join(podDeviceMapDirectory(podUid), name);
      for (const directory of await directories()) {
        if (await leadsTo(link, join(directory, podUid))) return parse(directory, name);
      }
      return undefined;
    },
    async reconstructDevices() {
      const found = (await directories()).map(async (directory) => {
        const name = directory.slice(root.length + 1);
        return { ...parse(directory, name), podUids: await podsOf(directory) };
      });
      return await Promise.all(found);
    },
  };
}
