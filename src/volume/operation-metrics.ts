import type { Clock, Metrics } from '../base/index.ts';

export const OPERATION_BUCKETS_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];

/** Runs an operation and tells how long it took, and whether it went well. */
export type TimeOperation = (
  /** As qualifiedPluginName has it. */
  plugin: string,
  isMigrated: boolean,
  operation: string,
  work: () => Promise<void>,
) => Promise<void>;

/** storage_operation_duration_seconds. Source: pkg/volume/util/metrics.go. */
export function timeOperations(metrics: Metrics, clock: Clock): TimeOperation {
  const operations = metrics.histogram({
    name: 'storage_operation_duration_seconds',
    help: '[ALPHA] Storage operation duration',
    labels: ['volume_plugin', 'operation_name', 'status', 'migrated'],
    buckets: OPERATION_BUCKETS_SECONDS,
  });
  return async (plugin, isMigrated, operation, work) => {
    const began = clock.monotonic();
    const tell = (status: string) =>
      operations.observe((clock.monotonic() - began) / 1000, [plugin, operation, status, String(isMigrated)]);
    try {
      await work();
    } catch (error) {
      tell('fail-unknown');
      throw error;
    }
    tell('success');
  };
}
