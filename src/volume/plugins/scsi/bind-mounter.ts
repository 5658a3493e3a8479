import type { Host } from '../../../host/index.ts';
import { cleanupMountPoint, mountOrUndo, mountReferences } from '../../mount/index.ts';
import { setVolumeOwnership } from '../../ownership/set-volume-ownership.ts';
import { pluginDirectory, podVolumeDirectory } from '../../paths.ts';
import type { Mounter, ReconstructedVolume, VolumeSpec } from '../../plugin.ts';
import { joinMountOptions, mountOptionsOf } from '../../spec.ts';

export interface BindMounterOptions {
  readonly host: Pick<Host, 'files' | 'mounts'>;
  readonly nodeRoot: string;
  readonly pluginName: string;
  deviceMountPath(spec: VolumeSpec): string;
  isReadOnly(spec: VolumeSpec): boolean;
  /** What a device's mount path says of its volume. @throws Error */
  parse(deviceMountPath: string, specName: string): ReconstructedVolume;
}

/** Pods see what is mounted once a node, by a bind mount each. Source: diskSetUp of pkg/volume/fc and iscsi. */
export function createBindMounter(options: BindMounterOptions): Mounter {
  const { host, nodeRoot, pluginName } = options;
  const podPath = (name: string, podUid: string) => podVolumeDirectory(nodeRoot, podUid, pluginName, name);
  return {
    podPath: (spec, podUid) => podPath(spec.name, podUid),
    async setUp(spec, { pod, fsGroup, fsGroupChangePolicy: policy, signal }) {
      const readOnly = options.isReadOnly(spec);
      const path = podPath(spec.name, pod.metadata.uid);
      const isNew = await mountOrUndo(host, {
        source: options.deviceMountPath(spec),
        target: path,
        options: joinMountOptions(mountOptionsOf(spec), readOnly ? ['bind', 'ro'] : ['bind']),
      });
      // As upstream: what cannot change hands is used as it is.
      if (isNew && !readOnly)
        await setVolumeOwnership(host.files, { path, fsGroup, policy, signal }).catch(() => undefined);
    },
    tearDown: (name, podUid) => cleanupMountPoint(host, podPath(name, podUid)),
    async reconstruct(name, podUid) {
      const references = await mountReferences(host, podPath(name, podUid));
      const directory = `${pluginDirectory(nodeRoot, pluginName)}/`;
      const global = references.find((path) => path.startsWith(directory));
      if (global === undefined) throw new Error("couldn't fetch globalPDPath. failed to obtain volume spec");
      return options.parse(global, name);
    },
  };
}
