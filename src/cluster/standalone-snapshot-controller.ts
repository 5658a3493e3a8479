import { addProcessMetrics, type Clock, errorMessage, type Logger, Metrics, sleep } from '../base/index.ts';
import type { HttpConnection } from '../client/http/index.ts';
import type { Client, RateLimit } from '../client/index.ts';
import { createSnapshotController, type SnapshotControllerOptions } from '../controllers/snapshot/index.ts';
import {
  type Resource,
  volumeGroupSnapshotClasses,
  volumeGroupSnapshotContents,
  volumeGroupSnapshots,
  volumeSnapshotClasses,
  volumeSnapshotContents,
  volumeSnapshots,
} from '../kube/index.ts';
import { createDiagnosticsServer, metricsRoute } from '../sidecars/http/index.ts';
import { SNAPSHOT_CONTROLLER } from './identities.ts';
import { openStandalone, type Standalone } from './standalone.ts';
import { type LeaderElectionOptions, underLease } from './under-lease.ts';

export interface StandaloneSnapshotControllerOptions {
  readonly connection: HttpConnection;
  readonly controller: Omit<SnapshotControllerOptions, 'metrics'>;
  readonly log: Logger;
  readonly limit?: RateLimit | undefined;
  /** How long the kinds of snapshots may take to appear. */
  readonly crdWaitMs: number;
  /** @default none: there must be one such process only */
  readonly leaderElection?: LeaderElectionOptions | undefined;
  /** @default none */
  readonly http?: { readonly address: string; readonly metricsPath: string } | undefined;
}

const LEASE = 'snapshot-controller-leader';
const SNAPSHOT_KINDS = [
  volumeSnapshots,
  volumeSnapshotClasses,
  volumeSnapshotContents,
] as readonly Resource[];
const GROUP_KINDS = [
  volumeGroupSnapshots,
  volumeGroupSnapshotClasses,
  volumeGroupSnapshotContents,
] as readonly Resource[];
/** Between two looks whether the kinds are there; half as much again each time. */
const FIRST_LOOK_MS = 100;

/**
 * The snapshot controller in a process of its own, on any cluster.
 * @throws Error when the kinds of snapshots do not appear in time. Without those of group snapshots it does without them.
 */
export async function startStandaloneSnapshotController(
  options: StandaloneSnapshotControllerOptions,
  signal: AbortSignal,
): Promise<Standalone> {
  const { connection, log, limit, leaderElection, http, crdWaitMs } = options;
  const standalone = openStandalone({ connection, log, limit, userAgent: 'snapshot-controller/0.1.0' });
  const { running, clock, client, contextOf } = standalone;
  try {
    const appear = (kinds: readonly Resource[]) => untilServed(client, kinds, { clock, signal, crdWaitMs });
    await appear(SNAPSHOT_KINDS);
    const { groupSnapshots = true } = options.controller;
    const hasGroups =
      groupSnapshots &&
      (await appear(GROUP_KINDS).then(
        () => true,
        (error: unknown) => {
          signal.throwIfAborted();
          log.warn('doing without group snapshots', { error: errorMessage(error) });
          return false;
        },
      ));
    const metrics = new Metrics();
    addProcessMetrics(metrics);
    const context = await contextOf(SNAPSHOT_CONTROLLER);
    const controller = createSnapshotController(context, {
      ...options.controller,
      groupSnapshots: hasGroups,
      metrics,
    });
    const led = leaderElection && underLease(context, controller, LEASE, { ...leaderElection, client });
    if (http) {
      const routes = {
        [http.metricsPath]: metricsRoute(metrics),
        ...(led && { '/healthz/leader-election': () => led.health() }),
      };
      running.start(createDiagnosticsServer({ address: http.address, routes }));
    }
    running.start(led ?? controller);
    return standalone;
  } catch (error) {
    await running.stop();
    throw error;
  }
}

/** Source: ensureCustomResourceDefinitionsExist of external-snapshotter. */
async function untilServed(
  client: Client,
  kinds: readonly Resource[],
  { clock, signal, crdWaitMs }: { clock: Clock; signal: AbortSignal; crdWaitMs: number },
): Promise<void> {
  const deadline = clock.monotonic() + Math.max(crdWaitMs, 1_000);
  for (let delayMs = FIRST_LOOK_MS; ; delayMs *= 1.5) {
    try {
      for (const kind of kinds) await client.list(kind, { limit: 1, signal });
      return;
    } catch (error) {
      signal.throwIfAborted();
      if (clock.monotonic() + delayMs > deadline) {
        const what = kinds.map(({ plural, group }) => `${plural}.${group}`).join(', ');
        const why = `${errorMessage(error)}; install their CustomResourceDefinitions, or raise --retry-crd-interval-max`;
        throw new Error(`not all of ${what} can be listed: ${why}`, { cause: error });
      }
      await sleep(clock, delayMs, signal);
    }
  }
}
