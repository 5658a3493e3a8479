import { addProcessMetrics, type Clock, type Logger, Metrics } from '../base/index.ts';
import type { HttpConnection } from '../client/http/index.ts';
import type { Component, ComponentContext, RateLimit } from '../client/index.ts';
import { type CsiClient, callMetrics, connectCsi } from '../csi/index.ts';
import { createDiagnosticsServer, metricsRoute, type Routes } from '../sidecars/http/index.ts';
import { askFacts, type DriverFacts, isSameDriver } from './driver-facts.ts';
import { SNAPSHOT_CONTROLLER } from './identities.ts';
import { CONTROLLER_SIDECARS, type ControllerSidecar } from './sidecars.ts';
import { openStandalone, type Standalone } from './standalone.ts';
import {
  SNAPSHOT_CONTROLLER_LEASE,
  type SnapshotControllerPart,
  snapshotControllerIn,
} from './standalone-snapshot-controller.ts';
import { type LeaderElectionOptions, type LedComponent, underLease } from './under-lease.ts';

export type SidecarName = keyof typeof CONTROLLER_SIDECARS;

/** What sidecars that need no API server work with. */
export interface DriverOnly {
  readonly csi: CsiClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** To be told the driver's name, where it is learnt: for the metrics of calls. */
  readonly onDriver: (name: string) => void;
}

export interface StandaloneSidecarsOptions {
  readonly connection: HttpConnection;
  readonly csiAddress: string;
  /** Which, each with the options of its component. */
  readonly sidecars: Readonly<Partial<Record<SidecarName, object>>>;
  /** @default none */
  readonly snapshotController?: SnapshotControllerPart | undefined;
  /** What else runs on the connection to the driver. @default nothing */
  readonly beside?: (shared: DriverOnly) => readonly Component[];
  readonly log: Logger;
  readonly limit?: RateLimit | undefined;
  /** @default none: there must be one such process only */
  readonly leaderElection?: LeaderElectionOptions | undefined;
  /** @default none */
  readonly http?: { readonly address: string; readonly metricsPath: string } | undefined;
}

/**
 * Sidecars of a driver in a process of their own: they share its socket, the connection to the API server and the
 * informers, and each holds the Lease that its upstream twin would. Resolves when the driver has answered and they run,
 * or when the signal aborts.
 */
export async function startStandaloneSidecars(
  options: StandaloneSidecarsOptions,
  signal: AbortSignal,
): Promise<Standalone> {
  const { connection, log, limit, sidecars, snapshotController, leaderElection, http } = options;
  const names = Object.keys(sidecars) as SidecarName[];
  const metrics = new Metrics();
  addProcessMetrics(metrics);
  const userAgent = `${names.length > 0 ? `csi-${names.join('-')}` : 'snapshot-controller'}/0.1.0`;
  const standalone = openStandalone({ connection, log, limit, metrics, userAgent });
  const { running, clock, contextOf, client } = standalone;
  try {
    let driverName: string | undefined;
    const onCall = callMetrics(metrics, () => driverName);
    const csi = connectCsi(options.csiAddress, { clock, onCall });
    running.onStop('CSI connection', async () => csi.close());
    const led: LedComponent[] = [];
    metrics.gauge(MASTER_STATUS, () => led.map((one) => [[one.lease], one.isLeading() ? 1 : 0]));
    if (http) running.start(createDiagnosticsServer({ address: http.address, routes: routes(metrics) }));
    const onDriver = (name: string) => {
      driverName = name;
    };
    for (const component of options.beside?.({ csi, clock, log, metrics, onDriver }) ?? [])
      running.start(component);
    if (snapshotController) {
      const controller = await snapshotControllerIn(standalone, { ...snapshotController, metrics }, signal);
      lead(await contextOf(SNAPSHOT_CONTROLLER), controller, SNAPSHOT_CONTROLLER_LEASE);
    }
    if (names.length === 0) return standalone;
    const driver = await askFacts(csi, { clock, log, signal });
    onDriver(driver.name);
    for (const name of names) {
      const { user, lease, create }: ControllerSidecar = CONTROLLER_SIDECARS[name];
      const context = await contextOf(user);
      lead(context, create(context, { ...sidecars[name], csi, metrics }), lease(driver.name));
    }
    running.start(sameDriver(csi, driver, standalone));
    return standalone;

    function lead(context: ComponentContext, component: Component, lease: string): void {
      if (!leaderElection) return void running.start(component);
      const one = underLease(context, component, lease, { ...leaderElection, client });
      led.push(one);
      running.start(one);
    }

    function routes(of: Metrics): Routes {
      const health = () => led.map((one) => one.health()).find(({ code }) => code !== 200);
      return {
        [http!.metricsPath]: metricsRoute(of),
        ...(leaderElection && { '/healthz/leader-election': () => health() ?? { code: 200, body: 'ok' } }),
      };
    }
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** As Kubernetes' programs have it, but that the name is the Lease's: there may be several. */
const MASTER_STATUS = {
  name: 'leader_election_master_status',
  help: "[ALPHA] Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master. 'name' is the string used to identify the lease. Please make sure to group by name.",
  labels: ['name'],
};

/** Ends, failed, when a driver comes back that is or can do something else than the one at the start. */
function sameDriver(csi: CsiClient, driver: DriverFacts, { clock, log }: Standalone): Component {
  return {
    name: 'CSI driver',
    async start(signal) {
      try {
        while (!signal.aborted) {
          await csi.lost(signal);
          if (signal.aborted) return;
          log.warn('lost the connection to the CSI driver; waiting for it', { driver: driver.name });
          if (!isSameDriver(driver, await askFacts(csi, { clock, log, signal })))
            throw new Error(`${driver.name} came back as one that can do other things: start again`);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}
