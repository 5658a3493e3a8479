/** A pod whose container runs a script, with each of its volumes mounted at `/NAME`. */
export const scriptPod = (
  name: string,
  script: string,
  volumes: Readonly<Record<string, object>>,
  more: { container?: object; spec?: object } = {},
) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'c',
        image: 'host',
        command: ['sh', '-c', script],
        volumeMounts: Object.keys(volumes).map((volume) => ({ name: volume, mountPath: `/${volume}` })),
        ...more.container,
      },
    ],
    volumes: Object.entries(volumes).map(([volume, source]) => ({ name: volume, ...source })),
    ...more.spec,
  },
});

/** A pod that sleeps, with each of its claims mounted at `/CLAIM`. `more`: of its spec. */
export const sleepingPod = (name: string, claims: readonly string[], more: object = {}) =>
  scriptPod(name, 'exec sleep 3600', Object.fromEntries(claims.map((claim) => [claim, volumeOf(claim)])), {
    spec: more,
  });

/** The source of a pod's volume that is a claim. */
export const volumeOf = (claimName: string) => ({ persistentVolumeClaim: { claimName } });

/** A ReadWriteOnce claim. `more`: of its spec. */
export const claimOf = (name: string, storage: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, ...more },
});

export const storageClass = (name: string, provisioner: string, more: object = {}) => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  provisioner,
  ...more,
});

/** A class `disk` of our own driver, whose volumes wait for their pod. */
export const DISK_CLASS = storageClass('disk', 'disk.csi.stowage.dev', {
  volumeBindingMode: 'WaitForFirstConsumer',
});
