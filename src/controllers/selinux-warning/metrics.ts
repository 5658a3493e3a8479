import type { Metrics } from '../../base/index.ts';
import { splitKey } from '../../kube/index.ts';
import type { Conflict } from './volume-cache.ts';

/** What pods that share a volume differ in. Source: selinuxwarning/metrics. */
export function addSelinuxWarningMetrics(metrics: Metrics, conflicts: () => readonly Conflict[]): void {
  metrics.gauge(
    {
      name: 'selinux_warning_controller_selinux_volume_conflict',
      help: 'Conflict between two Pods using the same volume',
      labels: [
        'property',
        'pod1_namespace',
        'pod1_name',
        'pod1_value',
        'pod2_namespace',
        'pod2_name',
        'pod2_value',
      ],
    },
    () =>
      conflicts().map(({ property, pod, value, otherPod, otherValue }) => {
        const [one, other] = [splitKey(pod), splitKey(otherPod)];
        const labels = [one.namespace ?? '', one.name, value, other.namespace ?? '', other.name, otherValue];
        return [[property, ...labels], 1] as const;
      }),
  );
}
