import type { LabelValues, Metrics } from '../base/index.ts';
import { codeName } from './codes.ts';
import { goCodeName } from './error.ts';
import type { CallRecord } from './service-client.ts';

const BUCKETS_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];

/**
 * Counts operations: SUBSYSTEM_operations_seconds, by driver, method, gRPC code and the further labels. Source: metrics of
 * csi-lib-utils.
 */
export function operationMetrics(
  metrics: Metrics,
  subsystem: string,
  labels: readonly string[] = [],
): (call: CallRecord & { readonly driver: string }, values?: LabelValues) => void {
  const histogram = metrics.histogram({
    name: `${subsystem}_operations_seconds`,
    help: '[ALPHA] Container Storage Interface operation duration with gRPC error code status total',
    labels: ['driver_name', 'method_name', 'grpc_status_code', ...labels],
    buckets: BUCKETS_SECONDS,
  });
  return (call, values = []) =>
    histogram.observe(call.durationMs / 1000, [call.driver, call.method, statusOf(call), ...values]);
}

/** Counts the calls of a sidecar's client. `driver` answers undefined until its name is known. */
export function callMetrics(metrics: Metrics, driver: () => string | undefined): (call: CallRecord) => void {
  const observe = operationMetrics(metrics, 'csi_sidecar');
  return (call) => observe({ ...call, driver: driver() ?? 'unknown-driver' });
}

/**
 * Counts the calls of a node's clients, one for each driver: csi_operations_seconds, by driver, method and gRPC code.
 * Source: pkg/volume/util/metrics.go.
 */
export function driverCallMetrics(metrics: Metrics): (driver: string) => (call: CallRecord) => void {
  const observe = operationMetrics(metrics, 'csi', ['migrated']);
  // A call does not tell for which volume it is, and so not whether that was migrated.
  return (driver) => (call) => observe({ ...call, driver }, ['false']);
}

function statusOf({ code }: CallRecord): string {
  return code === undefined ? 'unknown-non-grpc' : goCodeName(codeName(code));
}
