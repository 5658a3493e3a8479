import type { Host } from '../../../host/index.ts';
import { cleanupMountPoint, isMountPoint } from '../../mount/index.ts';
import { podVolumeDirectory } from '../../paths.ts';
import type { VolumePlugin, VolumeSpec } from '../../plugin.ts';
import { specFromVolume } from '../../spec.ts';

export const IMAGE_PLUGIN = 'kubernetes.io/image';

export interface ImagePluginOptions {
  readonly host: Host;
  /** The kubelet's root directory. */
  readonly nodeRoot: string;
}

/**
 * The files of an image, to read and not to run. As upstream, whoever starts containers finds and mounts them
 * (`mountImage`): an image that is not there is no failure of the volume, but of the containers that want it.
 */
export function createImagePlugin({ host, nodeRoot }: ImagePluginOptions): VolumePlugin {
  const podPath = (name: string, podUid: string) => podVolumeDirectory(nodeRoot, podUid, IMAGE_PLUGIN, name);
  const source = (spec: VolumeSpec) => spec.volume?.image;
  return {
    name: IMAGE_PLUGIN,
    canSupport: (spec) => source(spec) !== undefined,
    volumeName: (spec) => source(spec)?.reference ?? spec.name,
    requiresRemount: () => false,
    mounter: {
      podPath: (spec, podUid) => podPath(spec.name, podUid),
      setUp: (spec, { pod }) => host.files.makeDirectory(podPath(spec.name, pod.metadata.uid), 0o750),
      tearDown: (name, podUid) => cleanupMountPoint(host, podPath(name, podUid)),
      async reconstruct(name) {
        return { spec: specFromVolume({ name, image: {} }), volumeName: name };
      },
    },
    // It belongs to the machine, not to the pod.
    stats: async () => undefined,
  };
}

/** Shows an image, whose files are at `root`, at a pod's volume; again is fine. */
export async function mountImage(host: Pick<Host, 'files' | 'mounts'>, root: string, path: string) {
  if (await isMountPoint(host, path)) return;
  await host.mounts.mount({ source: root, target: path, options: ['bind', 'ro', 'noexec'] });
}
