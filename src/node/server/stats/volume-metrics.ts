import type { LabelValues, Metrics } from '../../../base/index.ts';
import { claimNameOf, type Pod, type Stored } from '../../../kube/index.ts';
import type { VolumeStats } from '../../../volume/index.ts';
import type { PodVolumeStats } from '../../volume-stats/index.ts';

const GAUGES: readonly [name: string, help: string, value: (stats: VolumeStats) => number | undefined][] = [
  ['capacity_bytes', 'Capacity in bytes of the volume', ({ capacity = 0 }) => capacity],
  ['available_bytes', 'Number of available bytes in the volume', ({ available = 0 }) => available],
  ['used_bytes', 'Number of used bytes in the volume', ({ used = 0 }) => used],
  ['inodes', 'Maximum number of inodes in the volume', ({ inodes = 0 }) => inodes],
  ['inodes_free', 'Number of free inodes in the volume', ({ inodesFree = 0 }) => inodesFree],
  ['inodes_used', 'Number of used inodes in the volume', ({ inodesUsed = 0 }) => inodesUsed],
  [
    'health_status_abnormal',
    'Abnormal volume health status. The count is either 1 or 0. 1 indicates the volume is unhealthy, 0 indicates volume is healthy',
    ({ condition }) => condition && Number(condition.abnormal),
  ],
];

/** The kubelet's kubelet_volume_stats_*, by claim, each claim once. Source: pkg/kubelet/metrics/collectors/volume_stats.go. */
export function addVolumeStatsMetrics(
  metrics: Metrics,
  source: { pods(): Iterable<Stored<Pod>>; volumes(podUid: string): PodVolumeStats | undefined },
): void {
  for (const [name, help, value] of GAUGES)
    metrics.gauge(
      {
        name: `kubelet_volume_stats_${name}`,
        help: `[ALPHA] ${help}`,
        labels: ['namespace', 'persistentvolumeclaim'],
      },
      () => {
        const byClaim = new Map<string, readonly [LabelValues, number]>();
        for (const [labels, stats] of claims(source)) {
          const told = value(stats);
          if (told !== undefined && !byClaim.has(labels.join('/')))
            byClaim.set(labels.join('/'), [labels, told]);
        }
        return byClaim.values();
      },
    );
}

function* claims(
  source: Parameters<typeof addVolumeStatsMetrics>[1],
): Iterable<readonly [LabelValues, VolumeStats]> {
  for (const pod of source.pods()) {
    const { uid, namespace = '' } = pod.metadata;
    for (const [name, stats] of source.volumes(uid)?.volumes ?? []) {
      const volume = pod.spec?.volumes?.find((one) => one.name === name);
      const claim = volume && claimNameOf(pod, volume);
      if (claim !== undefined) yield [[namespace, claim], stats];
    }
  }
}
