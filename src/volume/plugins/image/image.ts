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
  /** What was loaded into this machine. */
  readonly images: { find(reference: string): Promise<{ readonly root: string } | undefined> };
}

/**
 * The files of an image, to read and not to run. Upstream leaves the mounting to the container runtime; here the image's
 * directory is bound into the pod's, so that containers mount it as any other volume. Nothing is ever pulled.
 */
export function createImagePlugin({ host, nodeRoot, images }: ImagePluginOptions): VolumePlugin {
  const podPath = (name: string, podUid: string) => podVolumeDirectory(nodeRoot, podUid, IMAGE_PLUGIN, name);
  const source = (spec: VolumeSpec) => spec.volume?.image;
  return {
    name: IMAGE_PLUGIN,
    canSupport: (spec) => source(spec) !== undefined,
    volumeName: (spec) => source(spec)?.reference ?? spec.name,
    requiresRemount: () => false,
    mounter: {
      podPath: (spec, podUid) => podPath(spec.name, podUid),
      async setUp(spec, { pod }) {
        const path = podPath(spec.name, pod.metadata.uid);
        if (await isMountPoint(host, path)) return;
        const { reference = '', pullPolicy } = source(spec) ?? {};
        const image = await images.find(reference);
        if (!image) throw new Error(absent(reference, pullPolicy));
        await host.files.makeDirectory(path, 0o750);
        await host.mounts.mount({ source: image.root, target: path, options: ['bind', 'ro', 'noexec'] });
      },
      tearDown: (name, podUid) => cleanupMountPoint(host, podPath(name, podUid)),
      async reconstruct(name) {
        return { spec: specFromVolume({ name, image: {} }), volumeName: name };
      },
    },
    // It belongs to the machine, not to the pod.
    stats: async () => undefined,
  };
}

function absent(reference: string, pullPolicy: string | undefined): string {
  const name = JSON.stringify(reference);
  return pullPolicy === 'Never'
    ? `Container image ${name} is not present with pull policy of Never`
    : `Failed to pull image ${name}: nothing is ever pulled here; load it with "stowage image load"`;
}
