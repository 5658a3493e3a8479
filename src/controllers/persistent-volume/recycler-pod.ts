import { type PersistentVolume, type Pod, quantityValue, type Stored } from '../../kube/index.ts';
import { type Recycler, specFromPersistentVolume } from '../../volume/index.ts';

const GI = 1n << 30n;

/**
 * The pod that scrubs a volume. Its name is the volume's, so that a second one cannot start beside it. Source:
 * NewPersistentVolumeRecyclerPodTemplate, RecycleVolumeByWatchingPodUntilCompletion.
 */
export function recyclerPod(volume: Stored<PersistentVolume>, recycler: Recycler): Pod {
  const source = recycler.source(specFromPersistentVolume(volume, false));
  return {
    metadata: { namespace: 'default', name: `recycler-for-${volume.metadata.name}` },
    spec: {
      activeDeadlineSeconds: recyclingSeconds(volume, recycler),
      restartPolicy: 'Never',
      volumes: [{ name: 'vol', ...source }],
      containers: [
        {
          name: 'pv-recycler',
          image: 'busybox',
          command: ['/bin/sh', '-c', SCRUB],
          volumeMounts: [{ name: 'vol', mountPath: '/scrub' }],
        },
      ],
    },
  };
}

/** Fails unless everything is gone at the end, hidden files too. */
const SCRUB = 'cd /scrub && find . -mindepth 1 -delete && [ -z "$(find . -mindepth 1 -print -quit)" ]';

/** The longer of the minimum and what the size deserves (CalculateTimeoutForVolume). */
export function recyclingSeconds(
  volume: PersistentVolume,
  { minimumTimeoutSeconds, timeoutSecondsPerGi }: Recycler,
): number {
  const gi = Number(quantityValue(volume.spec?.capacity?.storage) / GI);
  return Math.max(minimumTimeoutSeconds, gi * timeoutSecondsPerGi);
}
