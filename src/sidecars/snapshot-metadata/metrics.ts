import type { Clock, Metrics } from '../../base/index.ts';
import { Code, CsiError, CsiStatus, operationMetrics } from '../../csi/index.ts';

/** Which snapshots a stream is about. */
export interface StreamLabels {
  /** `namespace/name` */
  readonly target: string;
  /** The driver's handle. @default it is about one snapshot */
  readonly base?: string;
}

export type StreamOperation = 'MetadataAllocated' | 'MetadataDelta';

/** Measures a stream; the result is told how it has ended, undefined for well. */
export type StartStream = (operation: StreamOperation, labels: StreamLabels) => (error: unknown) => void;

/**
 * snapshot_metadata_controller_operations_seconds, by driver, operation, code and snapshots. Source:
 * pkg/internal/runtime/util_metrics.go of external-snapshot-metadata, which knows both operations, but counts the second
 * as the first.
 */
export function streamMetrics(metrics: Metrics, clock: Clock, driver: () => string): StartStream {
  const observe = operationMetrics(metrics, 'snapshot_metadata_controller', [
    'target_snapshot',
    'base_snapshot',
  ]);
  return (operation, { target, base = '' }) => {
    const began = clock.monotonic();
    return (error) =>
      observe(
        { driver: driver(), method: operation, code: codeOf(error), durationMs: clock.monotonic() - began },
        [target, base],
      );
  };
}

function codeOf(error: unknown): Code | undefined {
  if (error === undefined) return Code.OK;
  return error instanceof CsiStatus || error instanceof CsiError ? error.code : undefined;
}
