import { readFile } from 'node:fs/promises';
import { createLogger, errorMessage, type LogLevel, Metrics, systemClock } from '../base/index.ts';
import type { HttpConnection } from '../client/http/index.ts';
import type { Part } from '../cluster/actors.ts';
import { controllerManager, scheduler } from '../cluster/control-plane.ts';
import type { FeatureGates } from '../cluster/feature-gates.ts';
import type { OptionalController } from '../cluster/optional-controllers.ts';
import { startStandalonePlane } from '../cluster/standalone-plane.ts';
import { createLinuxHost } from '../host/index.ts';
import { apiConnection } from './api-connection.ts';
import { leaderElection } from './leader-election.ts';
import { stay } from './stay.ts';
import { UsageError } from './usage-error.ts';

export interface PlaneFlags {
  readonly kubeconfig?: string;
  readonly master?: string;
  /** Commander's own name of --no-leader-elect. */
  readonly leaderElect: boolean;
  readonly leaderElectResourceNamespace: string;
  readonly leaderElectResourceName: string;
  readonly leaderElectLeaseDuration: number;
  readonly leaderElectRenewDeadline: number;
  readonly leaderElectRetryPeriod: number;
  readonly kubeApiQps: number;
  readonly kubeApiBurst: number;
  readonly healthAddress?: string;
  readonly featureGates?: FeatureGates;
  readonly logLevel: LogLevel;
}

export interface ControllersFlags extends PlaneFlags {
  readonly rootCaFile?: string;
  readonly controllers?: readonly OptionalController[];
  readonly enableHostpathProvisioner: boolean;
}

/** `stowage controllers`. Resolves to the exit code. */
export async function controllers(flags: ControllersFlags): Promise<number> {
  const host = createLinuxHost({ clock: systemClock });
  const { featureGates: gates, controllers: optional, enableHostpathProvisioner: provisionHostPaths } = flags;
  const connection = await apiConnection(flags);
  const metrics = new Metrics();
  const rootCa = flags.rootCaFile === undefined ? connection.ca : await read(flags.rootCaFile);
  const parts = controllerManager({
    rootCa,
    host,
    gates,
    controllers: optional,
    provisionHostPaths,
    metrics,
  });
  return run('kube-controller-manager', connection, parts, flags, metrics);
}

/** `stowage scheduler`. Resolves to the exit code. */
export async function runScheduler(flags: PlaneFlags): Promise<number> {
  const { hostname } = createLinuxHost({ clock: systemClock }).info();
  return run('kube-scheduler', await apiConnection(flags), [scheduler(flags.featureGates, hostname)], flags);
}

async function run(
  userAgent: string,
  connection: HttpConnection,
  parts: readonly Part[],
  flags: PlaneFlags,
  metrics?: Metrics,
): Promise<number> {
  const log = createLogger({
    level: flags.logLevel,
    now: () => systemClock.now(),
    sink: (line) => process.stderr.write(`${line}\n`),
  });
  const election = flags.leaderElect
    ? await leaderElection({
        namespace: flags.leaderElectResourceNamespace,
        leaseDurationMs: flags.leaderElectLeaseDuration,
        renewDeadlineMs: flags.leaderElectRenewDeadline,
        retryPeriodMs: flags.leaderElectRetryPeriod,
        releaseOnCancel: true,
      })
    : undefined;
  return stay(() =>
    startStandalonePlane({
      connection,
      userAgent,
      parts,
      log,
      limit: flags.kubeApiQps > 0 ? { qps: flags.kubeApiQps, burst: flags.kubeApiBurst } : undefined,
      leaderElection: election && { ...election, lease: flags.leaderElectResourceName },
      healthAddress: flags.healthAddress,
      metrics,
    }),
  );
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--root-ca-file ${file} cannot be read: ${errorMessage(error)}`);
  }
}
