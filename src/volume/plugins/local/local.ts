import { volumeModeOf } from '../../../kube/index.ts';
import { growFileSystem } from '../../mount/index.ts';
import type { VolumePlugin } from '../../plugin.ts';
import { createLocalBlockMapper } from './block-mapper.ts';
import { createLocalDeviceMounter } from './device-mounter.ts';
import { createLocalMounter, type LocalMounterOptions } from './mounter.ts';
import { kindOfLocal, LOCAL_PLUGIN, sourceOf } from './source.ts';

/** A directory or a disk of the node, as a PersistentVolume that only pods on that node can use. */
export function createLocalPlugin(options: LocalMounterOptions): VolumePlugin {
  const { host } = options;
  return {
    name: LOCAL_PLUGIN,
    canSupport: (spec) => spec.persistentVolume?.spec?.local !== undefined,
    // It is a PersistentVolume always, so the name is its own.
    volumeName: (spec) => spec.name,
    requiresRemount: () => false,
    supportsMountOptions: true,
    deviceMounter: createLocalDeviceMounter(options),
    mounter: createLocalMounter(options),
    blockMapper: createLocalBlockMapper(options),
    nodeExpander: {
      requiresExpansion: () => true,
      async expand({ spec, deviceMountPath }) {
        // A directory is as large as what it lies on; on a device that pods get as one there is nothing to grow.
        const isDevice = volumeModeOf(spec.persistentVolume!) === 'Block';
        if (!isDevice && (await kindOfLocal(host.files, spec)) === 'block')
          await growFileSystem(host, sourceOf(spec).path, deviceMountPath);
      },
    },
  };
}
