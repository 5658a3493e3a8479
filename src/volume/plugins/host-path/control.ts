import type { Random } from '../../../base/index.ts';
import type { Files } from '../../../host/index.ts';
import { volumeModeOf } from '../../../kube/index.ts';
import type { ControlPlugin, Deleter, Provisioner, Recycler } from '../../control-plugin.ts';
import type { VolumeSpec } from '../../plugin.ts';
import { HOST_PATH_PLUGIN } from './host-path.ts';

/** Where provisioned volumes are made, as upstream does. */
const BASE_PATH = '/tmp/hostpath_pv';

export interface HostPathControlOptions {
  readonly files: Pick<Files, 'makeDirectory' | 'removeTree'>;
  readonly random: Random;
  /** Whether host paths are made for claims (--enable-hostpath-provisioner): for tests, on one node. @default false */
  readonly provisioning?: boolean;
}

/**
 * Host paths as the control plane sees them: made, scrubbed and deleted, where it shares its machine with the only node.
 * Source: pkg/volume/hostpath.
 */
export function createHostPathControlPlugin(options: HostPathControlOptions): ControlPlugin {
  return {
    name: HOST_PATH_PLUGIN,
    canSupport: (spec) => spec.persistentVolume?.spec?.hostPath !== undefined,
    provisioner: provisioner(options),
    deleter: deleter(options.files),
    recycler,
  };
}

function provisioner({ files, random, provisioning = false }: HostPathControlOptions): Provisioner {
  return {
    supportsMountOptions: false,
    check() {
      if (!provisioning) throw new Error(`provisioning in volume plugin "${HOST_PATH_PLUGIN}" is disabled`);
    },
    async provision({ name, claim, reclaimPolicy }) {
      if (volumeModeOf(claim) === 'Block') {
        throw new Error(`${HOST_PATH_PLUGIN} does not support block volume provisioning`);
      }
      const path = `${BASE_PATH}/${random.uuid()}`;
      await files.makeDirectory(path, 0o750);
      const accessModes = claim.spec?.accessModes ?? [];
      return {
        metadata: { name, annotations: { 'kubernetes.io/createdby': 'hostpath-dynamic-provisioner' } },
        spec: {
          persistentVolumeReclaimPolicy: reclaimPolicy,
          accessModes: accessModes.length > 0 ? accessModes : ['ReadWriteOnce'],
          capacity: { storage: claim.spec?.resources?.requests?.storage ?? '0' },
          hostPath: { path },
        },
      };
    },
  };
}

function deleter(files: HostPathControlOptions['files']): Deleter {
  return {
    async delete(spec) {
      const path = pathOf(spec);
      // Upstream takes a /tmp/ anywhere in the path for one at its beginning; data is too dear for that.
      if (!/^\/tmp\/+[^/]/.test(path) || path.split('/').some((part) => part === '..' || part === '.')) {
        throw new Error(`host_path deleter only supports /tmp/.+ but received provided ${path}`);
      }
      await files.removeTree(path);
    },
  };
}

const recycler: Recycler = {
  source: (spec) => ({ hostPath: { path: pathOf(spec) } }),
  minimumTimeoutSeconds: 60,
  timeoutSecondsPerGi: 30,
};

function pathOf(spec: VolumeSpec): string {
  const path = spec.persistentVolume?.spec?.hostPath?.path;
  if (path === undefined) throw new Error('spec.PersistentVolume.Spec.HostPath is nil');
  return path;
}
