import { addProcessMetrics, type Logger, Metrics } from '../base/index.ts';
import type { HttpConnection } from '../client/http/index.ts';
import { createNodeCleanup, type NodeCleanupOptions } from '../drivers/local-node-cleanup/index.ts';
import { createDiagnosticsServer, metricsRoute } from '../sidecars/http/index.ts';
import { LOCAL_NODE_CLEANUP } from './identities.ts';
import { openStandalone, type Standalone } from './standalone.ts';

export interface StartLocalNodeCleanupOptions extends Omit<NodeCleanupOptions, 'metrics'> {
  readonly connection: HttpConnection;
  readonly log: Logger;
  /** @default nowhere */
  readonly http?: { readonly address: string; readonly metricsPath: string } | undefined;
}

/** What cleans up after local volumes whose nodes are gone, in a process of its own, on any cluster. */
export async function startLocalNodeCleanup(options: StartLocalNodeCleanupOptions): Promise<Standalone> {
  const { connection, log, http } = options;
  const metrics = new Metrics();
  addProcessMetrics(metrics);
  const standalone = openStandalone({ connection, log, metrics, userAgent: 'local-volume-node-cleanup' });
  const { running, contextOf } = standalone;
  if (http) {
    const routes = { [http.metricsPath]: metricsRoute(metrics) };
    running.start(createDiagnosticsServer({ address: http.address, routes }));
  }
  running.start(createNodeCleanup(await contextOf(LOCAL_NODE_CLEANUP), { ...options, metrics }));
  return standalone;
}
