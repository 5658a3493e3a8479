import { errorMessage } from '../../../base/index.ts';
import type { Host } from '../../../host/index.ts';
import { cleanupMountPoint, mountOrUndo } from '../../mount/index.ts';
import { podVolumeDirectory } from '../../paths.ts';
import type { VolumePlugin, VolumeSpec } from '../../plugin.ts';
import { joinMountOptions, mountOptionsOf, specFromVolume } from '../../spec.ts';

export const NFS_PLUGIN = 'kubernetes.io/nfs';

/** unMountTimeout */
const UNMOUNT_LIMIT_MS = 60_000;

export interface NfsOptions {
  readonly host: Pick<Host, 'files' | 'mounts'>;
  readonly nodeRoot: string;
}

/** Exports of NFS servers, mounted for each pod. Source: pkg/volume/nfs. */
export function createNfsPlugin({ host, nodeRoot }: NfsOptions): VolumePlugin {
  const podPath = (name: string, podUid: string) => podVolumeDirectory(nodeRoot, podUid, NFS_PLUGIN, name);
  return {
    name: NFS_PLUGIN,
    canSupport: (spec) => find(spec) !== undefined,
    volumeName(spec) {
      const { server, path } = sourceOf(spec);
      return `${server}/${path}`;
    },
    requiresRemount: () => false,
    supportsMountOptions: true,
    mounter: {
      podPath: (spec, podUid) => podPath(spec.name, podUid),
      async setUp(spec, { pod }) {
        const { server, path, readOnly } = sourceOf(spec);
        await mountOrUndo(host, {
          // Of all addresses and names only IPv6 has colons.
          source: `${server.includes(':') ? `[${server}]` : server}:${path}`,
          target: podPath(spec.name, pod.metadata.uid),
          fsType: 'nfs',
          options: joinMountOptions(mountOptionsOf(spec), readOnly ? ['ro'] : []),
        }).catch(explain);
      },
      tearDown: (name, podUid) =>
        cleanupMountPoint(host, podPath(name, podUid), { forceAfterMs: UNMOUNT_LIMIT_MS }),
      reconstruct: async (name) => ({
        spec: specFromVolume({ name, nfs: { server: '', path: name } }),
        volumeName: `/${name}`,
      }),
    },
  };
}

/** mount(8) says of a missing /sbin/mount.nfs that one might need it, or that nobody knows the type. */
function explain(error: unknown): never {
  const text = errorMessage(error);
  if (!/helper program|unknown filesystem type/.test(text) || !(error instanceof Error)) throw error;
  error.message = `${text}; the NFS client is missing: install the Debian package nfs-common`;
  throw error;
}

function find(spec: VolumeSpec) {
  return spec.volume?.nfs ?? spec.persistentVolume?.spec?.nfs;
}

function sourceOf(spec: VolumeSpec): { server: string; path: string; readOnly: boolean } {
  const source = find(spec);
  if (!source) throw new Error('Spec does not reference a NFS volume type');
  const { server, path } = source;
  return { server, path, readOnly: spec.volume?.nfs ? (source.readOnly ?? false) : spec.readOnly };
}
