import { directoryStats } from '../../disk-usage.ts';
import { podVolumeDirectory } from '../../paths.ts';
import type { VolumePlugin, VolumeSpec } from '../../plugin.ts';
import { specFromVolume } from '../../spec.ts';
import {
  EMPTY_DIR_PLUGIN,
  type NodePluginOptions,
  setUpEmptyDirectory,
  tearDownEmptyDirectory,
} from './directory.ts';

/** An empty directory that lives as long as its pod, on the node's disk or in memory. */
export function createEmptyDirPlugin(options: NodePluginOptions): VolumePlugin {
  const { host, nodeRoot } = options;
  const podPath = (name: string, podUid: string) =>
    podVolumeDirectory(nodeRoot, podUid, EMPTY_DIR_PLUGIN, name);
  const source = (spec: VolumeSpec) => spec.volume?.emptyDir;
  return {
    name: EMPTY_DIR_PLUGIN,
    canSupport: (spec) => source(spec) !== undefined,
    volumeName: (spec) => spec.name,
    requiresRemount: () => false,
    stats: ({ path }) => directoryStats(host.files, path),
    mounter: {
      podPath: (spec, podUid) => podPath(spec.name, podUid),
      async setUp(spec, context) {
        const podUid = context.pod.metadata.uid;
        await setUpEmptyDirectory(
          options,
          {
            path: podPath(spec.name, podUid),
            name: spec.name,
            podUid,
            medium: source(spec)?.medium ?? '',
            sizeLimit: source(spec)?.sizeLimit,
            pod: context.pod,
          },
          context,
        );
      },
      tearDown: (name, podUid) =>
        tearDownEmptyDirectory(host, nodeRoot, { path: podPath(name, podUid), name, podUid }),
      async reconstruct(name) {
        return { spec: specFromVolume({ name, emptyDir: {} }), volumeName: name };
      },
    },
  };
}
