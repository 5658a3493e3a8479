import { addProcessMetrics, type Logger, Metrics } from '../base/index.ts';
import type { HttpConnection } from '../client/http/index.ts';
import type { RateLimit } from '../client/index.ts';
import { callMetrics, connectCsi } from '../csi/index.ts';
import { createDiagnosticsServer, metricsRoute } from '../sidecars/http/index.ts';
import { createSnapshotMetadata, type SnapshotMetadataOptions } from '../sidecars/snapshot-metadata/index.ts';
import { CSI_SNAPSHOT_METADATA } from './identities.ts';
import { openStandalone, type Standalone } from './standalone.ts';

export interface StandaloneSnapshotMetadataOptions {
  readonly connection: HttpConnection;
  readonly csiAddress: string;
  readonly sidecar: Omit<SnapshotMetadataOptions, 'csi' | 'metrics'>;
  readonly log: Logger;
  readonly limit?: RateLimit | undefined;
  /** Where /health is served, and metrics where they have a path. */
  readonly http: {
    readonly address: string;
    readonly metricsPath: string | undefined;
    readonly onListen?: (address: string) => void;
  };
}

/** The csi-snapshot-metadata sidecar of a driver in a process of its own, on any cluster. */
export async function startStandaloneSnapshotMetadata(
  options: StandaloneSnapshotMetadataOptions,
): Promise<Standalone> {
  const { connection, csiAddress, log, limit, http } = options;
  const standalone = openStandalone({ connection, log, limit, userAgent: 'csi-snapshot-metadata/0.1.0' });
  const { running, clock, contextOf } = standalone;
  const metrics = new Metrics();
  addProcessMetrics(metrics);
  let name: string | undefined;
  const csi = connectCsi(csiAddress, { clock, onCall: callMetrics(metrics, () => name) });
  running.onStop('CSI connection', async () => csi.close());
  const { onListen } = options.sidecar;
  const sidecar = createSnapshotMetadata(await contextOf(CSI_SNAPSHOT_METADATA), {
    ...options.sidecar,
    csi,
    metrics,
    onListen(driver, port) {
      name = driver;
      log.info('tells changed blocks', { driver, port });
      return onListen?.(driver, port);
    },
  });
  const health = () => (sidecar.isReady() ? { code: 200, body: 'ok' } : { code: 503, body: 'not ready' });
  const { address, metricsPath } = http;
  const routes = {
    '/health': health,
    ...(metricsPath !== undefined && { [metricsPath]: metricsRoute(metrics) }),
  };
  running.start(createDiagnosticsServer({ address, routes, onListen: http.onListen }));
  running.start(sidecar);
  return standalone;
}
