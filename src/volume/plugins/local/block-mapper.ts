import { join } from 'node:path';
import { escapePluginName, pluginDirectory, podVolumeDevicesDirectory } from '../../paths.ts';
import type { BlockMapper } from '../../plugin.ts';
import type { LocalOptions } from './device-mounter.ts';
import { reconstructedLocal } from './reconstruct.ts';
import { kindOfLocal, LOCAL_PLUGIN, sourceOf } from './source.ts';

/** Gives a disk of the node to pods as it is. Source: localVolumeMapper of pkg/volume/local. */
export function createLocalBlockMapper({ host: { files }, nodeRoot }: LocalOptions): BlockMapper {
  const root = join(pluginDirectory(nodeRoot, escapePluginName(LOCAL_PLUGIN)), 'volumeDevices');
  const globalMapPath = (name: string) => join(root, name);
  const podDeviceMapDirectory = (podUid: string) =>
    join(podVolumeDevicesDirectory(nodeRoot, podUid), escapePluginName(LOCAL_PLUGIN));
  const entries = async (path: string) => ((await files.stat(path)) ? await files.list(path) : []);
  return {
    globalMapPath: ({ name }) => globalMapPath(name),
    podDeviceMapDirectory,
    async prepare(spec) {
      if ((await kindOfLocal(files, spec)) !== 'block')
        throw new Error(`${sourceOf(spec).path} is not a block device`);
    },
    mapPodDevice: async (spec) => sourceOf(spec).path,
    reconstruct: async (name) => reconstructedLocal(name, 'Block'),
    async reconstructDevices() {
      return await Promise.all(
        (await entries(root)).map(async (name) => ({
          ...reconstructedLocal(name, 'Block'),
          podUids: await entries(globalMapPath(name)),
        })),
      );
    },
  };
}
