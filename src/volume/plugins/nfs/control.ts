import type { ControlPlugin } from '../../control-plugin.ts';

/** Network shares as the control plane sees them: it can have them scrubbed. Source: pkg/volume/nfs. */
export const nfsControlPlugin: ControlPlugin = {
  name: 'kubernetes.io/nfs',
  canSupport: (spec) => spec.persistentVolume?.spec?.nfs !== undefined,
  recycler: {
    source(spec) {
      const nfs = spec.persistentVolume?.spec?.nfs;
      if (!nfs) throw new Error('spec.PersistentVolumeSource.NFS is nil');
      return { nfs: { server: nfs.server, path: nfs.path } };
    },
    minimumTimeoutSeconds: 300,
    timeoutSecondsPerGi: 30,
  },
};
