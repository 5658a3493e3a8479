import type { Files } from '../../../host/index.ts';
import type { VolumePlugin, VolumeSpec } from '../../plugin.ts';
import { checkHostPathType } from './check-type.ts';

export const HOST_PATH_PLUGIN = 'kubernetes.io/host-path';

/** A path of the node itself. Nothing is mounted; the path is checked and handed on. */
export function createHostPathPlugin({ host }: { readonly host: { readonly files: Files } }): VolumePlugin {
  return {
    name: HOST_PATH_PLUGIN,
    canSupport: (spec) => find(spec) !== undefined,
    volumeName: (spec) => source(spec).path,
    requiresRemount: () => false,
    // It is the node's own, which is accounted for elsewhere.
    stats: async () => undefined,
    mounter: {
      podPath: (spec) => source(spec).path,
      async setUp(spec) {
        const { path, type } = source(spec);
        if (path.split('/').includes('..')) {
          throw new Error(`invalid HostPath \`${path}\`: must not contain '..'`);
        }
        await checkHostPathType(host.files, path, type ?? '');
      },
      async tearDown() {},
      // Nothing of it lies in the pod's directory.
      async reconstruct() {
        return undefined;
      },
    },
  };
}

function find(spec: VolumeSpec) {
  return spec.persistentVolume ? spec.persistentVolume.spec?.hostPath : spec.volume?.hostPath;
}

function source(spec: VolumeSpec) {
  const found = find(spec);
  if (!found) throw new Error('spec does not reference an HostPath volume type');
  return found;
}
