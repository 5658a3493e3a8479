import type { Metrics } from '../../base/index.ts';

/** What the clean-up tells of itself, under upstream's names. */
export function cleanupMetrics(metrics: Metrics) {
  const counter = (name: string, help: string, labels: readonly string[] = []) =>
    metrics.counter({ name: `local_volume_node_cleanup_${name}`, help, labels });
  const volumes = counter('persistentvolume_delete_total', 'Volumes that were deleted, by phase.', ['phase']);
  const failed = counter('persistentvolume_delete_failed_total', 'Volumes that could not be deleted.', [
    'phase',
  ]);
  const claims = counter('persistentvolumeclaim_delete_total', 'Claims that were deleted.');
  const failedClaims = counter(
    'persistentvolumeclaim_delete_failed_total',
    'Claims that could not be deleted.',
  );
  claims.add([], 0);
  failedClaims.add([], 0);
  return {
    volumeDeleted: (phase: string) => volumes.add([phase]),
    volumeFailed: (phase: string) => failed.add([phase]),
    claimDeleted: () => claims.add(),
    claimFailed: () => failedClaims.add(),
  };
}
