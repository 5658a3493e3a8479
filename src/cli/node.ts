import { mkdir, readFile, realpath } from 'node:fs/promises';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { createLogger, errorMessage, type LogLevel, systemClock } from '../base/index.ts';
import { type FeatureGates, isEnabled } from '../cluster/feature-gates.ts';
import { readStart } from '../cluster/node-processes/start-file.ts';
import { startStandaloneNode } from '../cluster/standalone-node.ts';
import { createLinuxHost } from '../host/index.ts';
import { enter } from '../host/rootless/index.ts';
import { apiConnection } from './api-connection.ts';
import { enterBestMode } from './mode.ts';
import { stay } from './stay.ts';
import { UsageError } from './usage-error.ts';

export interface NodeFlags {
  readonly name?: string;
  readonly kubeconfig?: string;
  readonly dataDir?: string;
  readonly nodeRoot: string;
  readonly stateDir?: string;
  readonly imageDir?: string;
  readonly hideFromPods?: readonly string[];
  readonly nodeLabels?: Readonly<Record<string, string>>;
  readonly address: string;
  readonly port: number;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly clientCaFile?: string;
  readonly csiDriver?: readonly string[];
  readonly volumePluginDir: string;
  readonly enableControllerAttachDetach: boolean;
  readonly nodeLeaseDurationSeconds: number;
  readonly podMaxPids: number;
  readonly volumeStatsAggPeriod: number;
  readonly featureGates?: FeatureGates;
  readonly stopPods: boolean;
  readonly endWithStdin: boolean;
  readonly logLevel: LogLevel;
}

/** `stowage node`: runs until a signal. Resolves to the exit code. */
export async function node(flags: NodeFlags): Promise<number> {
  if (flags.dataDir !== undefined) return becomeNodeOf(flags.dataDir, flags.name);
  // Whoever has started it and is gone: nobody is left to stop pods for.
  if (flags.endWithStdin) {
    const stdin = process.stdin.on('end', () => process.exit(1)).resume();
    // A file, /dev/null too, cannot keep the process anyway.
    stdin.unref?.();
  }
  await enterBestMode('stowage node');
  const [connection, tls, nodeRoot] = await Promise.all([apiConnection(flags), tlsOf(flags), rootOf(flags)]);
  const name = flags.name ?? hostname().toLowerCase();
  const log = createLogger({
    level: flags.logLevel,
    now: () => systemClock.now(),
    sink: (line) => process.stderr.write(`${line}\n`),
  }).child({ node: name });
  const secrets = [flags.kubeconfig, flags.tlsPrivateKeyFile].filter((path) => path !== undefined);
  return stay(async () => {
    const started = await startStandaloneNode({
      connection,
      log,
      name,
      labels: flags.nodeLabels,
      nodeRoot,
      stateDirectory: flags.stateDir && resolve(flags.stateDir),
      imageDirectory: flags.imageDir && resolve(flags.imageDir),
      address: flags.address,
      port: flags.port,
      tls,
      csiDrivers: flags.csiDriver ?? [],
      volumePluginDir: resolve(flags.volumePluginDir),
      enableControllerAttachDetach: flags.enableControllerAttachDetach,
      leaseSeconds: flags.nodeLeaseDurationSeconds,
      podPidsLimit: flags.podMaxPids,
      hiddenFromPods: [...secrets, ...(flags.hideFromPods ?? [])].map((path) => resolve(path)),
      volumeHealth: isEnabled(flags.featureGates ?? {}, 'CSIVolumeHealth'),
      volumeStatsPeriodMs: flags.volumeStatsAggPeriod,
      stopPods: flags.stopPods,
    });
    process.stdout.write(`Node ${name} is registered\n`);
    return started;
  });
}

/** Becomes the process of a node of `stowage up`, as that has started it. Returns only by an error. */
async function becomeNodeOf(dataDir: string, name: string | undefined): Promise<never> {
  if (name === undefined) throw new UsageError('--data-dir needs --name: node-1, node-2 and so on');
  const host = createLinuxHost({ clock: systemClock });
  try {
    const [command, ...args] = await readStart(host, resolve(dataDir), name);
    enter({ command: '/bin/sh', args: ['-c', 'exec "$@"', 'sh'] }, command, args);
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}

/** Canonical, as the mount table has it. */
async function rootOf({ nodeRoot }: NodeFlags): Promise<string> {
  try {
    await mkdir(nodeRoot, { recursive: true, mode: 0o750 });
    return await realpath(nodeRoot);
  } catch (error) {
    throw new UsageError(`--node-root ${nodeRoot} cannot be used: ${errorMessage(error)}`);
  }
}

/** What the node's server shows and trusts; without it there is no server. */
async function tlsOf({ tlsCertFile, tlsPrivateKeyFile, clientCaFile }: NodeFlags) {
  const files = { cert: tlsCertFile, key: tlsPrivateKeyFile, ca: clientCaFile };
  const given = Object.values(files).filter((file) => file !== undefined);
  if (given.length === 0) return undefined;
  if (given.length < 3)
    throw new UsageError('--tls-cert-file, --tls-private-key-file and --client-ca-file go together');
  const read = async (file: string) => {
    try {
      return await readFile(file, 'utf8');
    } catch (error) {
      throw new UsageError(`${file} cannot be read: ${errorMessage(error)}`);
    }
  };
  const [cert, key, ca] = await Promise.all(given.map(read));
  return { cert: cert!, key: key!, ca: ca! };
}
