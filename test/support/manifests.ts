/** A pod that sleeps, with each of its claims mounted at `/CLAIM`. `more`: of its spec. */
export const sleepingPod = (name: string, claims: readonly string[], more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'c',
        image: 'busybox',
        command: ['sh', '-c', 'exec sleep 3600'],
        volumeMounts: claims.map((claim) => ({ name: claim, mountPath: `/${claim}` })),
      },
    ],
    volumes: claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } })),
    ...more,
  },
});
