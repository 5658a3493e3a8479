import { addProcessMetrics, type Clock, errorMessage, type Logger, Metrics, sleep } from '../base/index.ts';
import type { HttpConnection } from '../client/http/index.ts';
import type { Client, Component, RateLimit } from '../client/index.ts';
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

/** A snapshot controller in a process without an API server. */
export interface SnapshotControllerPart {
  readonly controller: Omit<SnapshotControllerOptions, 'metrics'>;
  /** How long the kinds of snapshots may take to appear. */
  readonly crdWaitMs: number;
}

export interface StandaloneSnapshotControllerOptions extends SnapshotControllerPart {
  readonly connection: HttpConnection;
  readonly log: Logger;
  readonly limit?: RateLimit | undefined;
  /** @default none: there must be one such process only */
  readonly leaderElection?: LeaderElectionOptions | undefined;
  /** @default none */
  readonly http?: { readonly address: string; readonly metricsPath: string } | undefined;
}

export const SNAPSHOT_CONTROLLER_LEASE = 'snapshot-controller-leader';
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

/** The snapshot controller in a process of its own, on any cluster. @throws as snapshotControllerIn */
export async function startStandaloneSnapshotController(
  options: StandaloneSnapshotControllerOptions,
  signal: AbortSignal,
): Promise<Standalone> {
  const { connection, log, limit, leaderElection, http } = options;
  const standalone = openStandalone({ connection, log, limit, userAgent: 'snapshot-controller/0.1.0' });
  const { running, client, contextOf } = standalone;
  try {
    const metrics = new Metrics();
    addProcessMetrics(metrics);
    const controller = await snapshotControllerIn(standalone, { ...options, metrics }, signal);
    const context = await contextOf(SNAPSHOT_CONTROLLER);
    const led =
      leaderElection &&
      underLease(context, controller, SNAPSHOT_CONTROLLER_LEASE, { ...leaderElection, client });
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

/**
 * The snapshot controller, once the kinds of snapshots are there.
 * @throws Error when they do not appear in time. Without those of group snapshots it does without them.
 */
export async function snapshotControllerIn(
  { client, clock, contextOf, log }: Standalone,
  { controller, crdWaitMs, metrics }: SnapshotControllerPart & { readonly metrics: Metrics },
  signal: AbortSignal,
): Promise<Component> {
  const appear = (kinds: readonly Resource[]) => untilServed(client, kinds, { clock, signal, crdWaitMs });
  await appear(SNAPSHOT_KINDS);
  const hasGroups =
    (controller.groupSnapshots ?? true) &&
    (await appear(GROUP_KINDS).then(
      () => true,
      (error: unknown) => {
        signal.throwIfAborted();
        log.warn('doing without group snapshots', { error: errorMessage(error) });
        return false;
      },
    ));
  const context = await contextOf(SNAPSHOT_CONTROLLER);
  return createSnapshotController(context, { ...controller, groupSnapshots: hasGroups, metrics });
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
