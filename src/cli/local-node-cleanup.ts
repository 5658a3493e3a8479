import { createLogger, type LogLevel, systemClock } from '../base/index.ts';
import { startLocalNodeCleanup } from '../cluster/local-node-cleanup.ts';
import { apiConnection } from './api-connection.ts';
import { stay } from './stay.ts';
import { UsageError } from './usage-error.ts';

export interface LocalNodeCleanupFlags {
  readonly kubeconfig?: string;
  readonly kubeApiEndpoint?: string;
  readonly storageclassNames: readonly string[];
  readonly pvcDeletionDelay: number;
  readonly stalePvDiscoveryInterval: number;
  readonly workerThreads: number;
  readonly listenAddress: string;
  readonly metricsPath: string;
  readonly logLevel: LogLevel;
}

/** `stowage local-node-cleanup`: works until a signal. Resolves to the exit code. */
export async function localNodeCleanup(flags: LocalNodeCleanupFlags): Promise<number> {
  // Upstream works on, on nothing.
  if (flags.storageclassNames.length === 0)
    throw new UsageError('of which classes? Give --storageclass-names: nothing of any other is deleted');
  const connection = await apiConnection({ ...flags, master: flags.kubeApiEndpoint });
  const log = createLogger({
    level: flags.logLevel,
    now: () => systemClock.now(),
    sink: (line) => process.stderr.write(`${line}\n`),
  });
  return stay(() =>
    startLocalNodeCleanup({
      connection,
      log,
      storageClassNames: flags.storageclassNames,
      claimDeletionDelayMs: flags.pvcDeletionDelay,
      discoveryPeriodMs: flags.stalePvDiscoveryInterval,
      workers: flags.workerThreads,
      http: flags.listenAddress
        ? { address: flags.listenAddress, metricsPath: flags.metricsPath }
        : undefined,
    }),
  );
}
