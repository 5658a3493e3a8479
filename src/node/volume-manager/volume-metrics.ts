import type { Clock, Metrics } from '../../base/index.ts';
import {
  OPERATION_BUCKETS_SECONDS,
  qualifiedPluginName,
  timeOperations,
  type VolumePlugin,
  type VolumeSpec,
} from '../../volume/index.ts';
import type { ActualStateOfWorld } from './actual-state-of-world.ts';
import type { DesiredStateOfWorld } from './desired-state-of-world.ts';

/** What the volume manager counts. Source: pkg/volume/util/metrics.go, pkg/kubelet/volumemanager/metrics, pkg/kubelet/metrics. */
export interface VolumeMetrics {
  /** Runs an operation and tells how long it took, and whether it went well. */
  timed(plugin: VolumePlugin, spec: VolumeSpec, operation: string, work: () => Promise<void>): Promise<void>;
  /** It is mounted for a pod that asked for it then. */
  mounted(plugin: VolumePlugin, spec: VolumeSpec, requestedAtMs: number): void;
  reconstructed(total: number, failed: number): void;
  /** What could not be rebuilt was undone, or was tried to be. */
  forceCleaned(failed: boolean): void;
  /** The directories of pods that have gone were looked for, the last time. */
  orphansSwept(orphans: number, failed: number): void;
}

export function createVolumeMetrics(
  metrics: Metrics,
  clock: Clock,
  { desired, actual }: { readonly desired: DesiredStateOfWorld; readonly actual: ActualStateOfWorld },
): VolumeMetrics {
  const timed = timeOperations(metrics, clock);
  const overall = metrics.histogram({
    name: 'volume_operation_total_seconds',
    help: '[ALPHA] Storage operation end to end duration in seconds',
    labels: ['plugin_name', 'operation_name'],
    buckets: OPERATION_BUCKETS_SECONDS,
  });
  metrics.gauge(
    {
      name: 'volume_manager_total_volumes',
      help: '[ALPHA] Number of volumes in Volume Manager',
      labels: ['plugin_name', 'state'],
    },
    () => [
      ...counted(
        actual.podMounts().filter(({ state }) => state === 'mounted'),
        'actual_state_of_world',
      ),
      ...counted(desired.volumesToMount(), 'desired_state_of_world'),
    ],
  );
  let swept = { orphans: 0, failed: 0 };
  const ofPods = (name: string, help: string, count: () => number) =>
    metrics.gauge({ name: `kubelet_${name}`, help: `[ALPHA] ${help}` }, () => [[[], count()]]);
  ofPods(
    'orphan_pod_cleaned_volumes',
    'The total number of orphaned Pods whose volumes were cleaned in the last periodic sweep.',
    () => swept.orphans,
  );
  ofPods(
    'orphan_pod_cleaned_volumes_errors',
    'The number of orphaned Pods whose volumes failed to be cleaned in the last periodic sweep.',
    () => swept.failed,
  );
  const counter = (name: string, help: string) => metrics.counter({ name, help: `[ALPHA] ${help}` });
  const attempted = counter(
    'reconstruct_volume_operations_total',
    'The number of volumes that were attempted to be reconstructed from the operating system during kubelet startup. This includes both successful and failed reconstruction.',
  );
  const failedOnes = counter(
    'reconstruct_volume_operations_errors_total',
    'The number of volumes that failed reconstruction from the operating system during kubelet startup.',
  );
  const cleaned = counter(
    'force_cleaned_failed_volume_operations_total',
    'The number of volumes that were force cleaned after their reconstruction failed during kubelet startup. This includes both successful and failed cleanups.',
  );
  const notCleaned = counter(
    'force_cleaned_failed_volume_operation_errors_total',
    'The number of volumes that failed force cleanup after their reconstruction failed during kubelet startup.',
  );
  // They are there from the start, as upstream's.
  for (const one of [attempted, failedOnes, cleaned, notCleaned]) one.add([], 0);
  return {
    timed: (plugin, spec, operation, work) =>
      timed(qualifiedPluginName(plugin, spec), spec.isMigrated ?? false, operation, work),
    mounted(plugin, spec, requestedAtMs) {
      const seconds = (clock.monotonic() - requestedAtMs) / 1000;
      overall.observe(seconds, [qualifiedPluginName(plugin, spec), 'overall_volume_mount']);
    },
    reconstructed(total, failed) {
      attempted.add([], total);
      failedOnes.add([], failed);
    },
    forceCleaned(failed) {
      cleaned.add();
      if (failed) notCleaned.add();
    },
    orphansSwept(orphans, failed) {
      swept = { orphans, failed };
    },
  };
}

function counted(
  volumes: readonly { readonly plugin: VolumePlugin; readonly spec: VolumeSpec }[],
  state: string,
): [string[], number][] {
  const byPlugin = Map.groupBy(volumes, ({ plugin, spec }) => qualifiedPluginName(plugin, spec));
  return [...byPlugin].map(([name, list]) => [[name, state], list.length]);
}
