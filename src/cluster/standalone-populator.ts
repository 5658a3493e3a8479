import { type Logger, Metrics } from '../base/index.ts';
import type { HttpConnection } from '../client/http/index.ts';
import { createPopulator, type PopulatorOptions } from '../controllers/populator/index.ts';
import { createDiagnosticsServer, metricsRoute } from '../sidecars/http/index.ts';
import { controllerUser } from './identities.ts';
import { openStandalone, type Standalone } from './standalone.ts';

export interface StandalonePopulatorOptions extends PopulatorOptions {
  readonly connection: HttpConnection;
  readonly log: Logger;
  /** Where /metrics is served, as 127.0.0.1:8080. @default nowhere */
  readonly listenAddress?: string;
}

/** A volume populator in a process of its own, on any cluster. */
export async function startStandalonePopulator(options: StandalonePopulatorOptions): Promise<Standalone> {
  const { connection, log, listenAddress, prefix } = options;
  const userAgent = `${prefix}-populator`;
  const standalone = openStandalone({ connection, log, userAgent });
  const { running, contextOf } = standalone;
  const metrics = new Metrics();
  const context = await contextOf(controllerUser(userAgent));
  if (listenAddress !== undefined) {
    const routes = { '/metrics': metricsRoute(metrics) };
    running.start(createDiagnosticsServer({ address: listenAddress, routes }));
  }
  running.start(createPopulator(context, { ...options, metrics }));
  return standalone;
}
