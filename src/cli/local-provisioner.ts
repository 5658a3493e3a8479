import { resolve } from 'node:path';
import { createLogger, errorMessage, type LogLevel, systemClock } from '../base/index.ts';
import { startStandaloneLocalProvisioner } from '../cluster/local-provisioner.ts';
import { apiConnection } from './api-connection.ts';
import { stay } from './stay.ts';
import { UsageError } from './usage-error.ts';

export interface LocalProvisionerFlags {
  readonly config: string;
  readonly node?: string;
  readonly kubeconfig?: string;
  readonly discoveryPeriod: number;
  readonly configSyncPeriod: number;
  readonly namespace: string;
  readonly jobImage?: string;
  readonly listenAddress?: string;
  readonly metricsPath: string;
  readonly logLevel: LogLevel;
}

/** `stowage local-provisioner`: works until a signal. Resolves to the exit code. */
export async function localProvisioner(flags: LocalProvisionerFlags): Promise<number> {
  const nodeName = flags.node;
  if (!nodeName) throw new UsageError('which node is this? Give --node, or set MY_NODE_NAME');
  const connection = await apiConnection(flags);
  const log = createLogger({
    level: flags.logLevel,
    now: () => systemClock.now(),
    sink: (line) => process.stderr.write(`${line}\n`),
  });
  return stay(async () => {
    try {
      return await startStandaloneLocalProvisioner({
        connection,
        log,
        config: resolve(flags.config),
        nodeName,
        discoveryPeriodMs: flags.discoveryPeriod,
        configSyncPeriodMs: flags.configSyncPeriod,
        jobNamespace: flags.namespace,
        jobImage: flags.jobImage,
        listenAddress: flags.listenAddress,
        metricsPath: flags.metricsPath,
      });
    } catch (error) {
      throw new UsageError(`stowage local-provisioner: ${errorMessage(error)}`);
    }
  });
}
