import { rm, writeFile } from 'node:fs/promises';
import { aborted, errorMessage, type LogLevel } from '../base/index.ts';
import type { NodeLoss } from '../cluster/control-plane.ts';
import type { FeatureGates } from '../cluster/feature-gates.ts';
import type { LocalVolumes } from '../cluster/local-provisioner.ts';
import type { OptionalController } from '../cluster/optional-controllers.ts';
import type { Replaceable } from '../cluster/replaceable.ts';
import { type Cluster, ClusterStartError, type DriverEndpoint, startCluster } from '../cluster.ts';
import { isNode } from './driver-endpoints.ts';
import { enterBestMode, ROOTLESS_COSTS } from './mode.ts';
import { type NodeLabels, unknownNode } from './node-labels.ts';

import { untilSignal } from './until-signal.ts';
import { UsageError } from './usage-error.ts';

export interface UpOptions {
  dataDir: string;
  ephemeral: boolean;
  port: number;
  kubeconfig?: string;
  nodes: number;
  simulatedNodes: number;
  nodeLabels?: NodeLabels;
  nodeRoot?: string;
  csiDrivers?: readonly DriverEndpoint[];
  without?: readonly Replaceable[];
  volumePluginDir?: string;
  encryptionKeyFile?: string;
  enableHostpathProvisioner: boolean;
  nodeLoss?: NodeLoss;
  nodeLeaseDurationSeconds?: number;
  controllers?: readonly OptionalController[];
  featureGates?: FeatureGates;
  localVolumes?: readonly LocalVolumes[];
  logLevel: LogLevel;
  readyFile?: string;
}

/** Runs the stack until a signal or a fatal error. Resolves to the exit code. */
export async function up(options: UpOptions): Promise<number> {
  const stranger = unknownNode(options.nodeLabels ?? {}, options);
  if (stranger) throw new UsageError(`--node-labels names ${stranger.name}, but ${stranger.but}`);
  const homeless = (options.csiDrivers ?? []).find(({ node }) => node && !isNode(node, options.nodes));
  if (homeless) throw new UsageError(`--csi-driver names ${homeless.node}, but --nodes is ${options.nodes}`);
  const strange = (options.localVolumes ?? []).find(({ node }) => !isNode(node ?? 'node-1', options.nodes));
  if (strange)
    throw new UsageError(
      `--local-provisioner is for ${strange.node ?? 'node-1'}, but --nodes is ${options.nodes}`,
    );
  const rootless = options.nodes > 0 && (await enterBestMode('stowage up'));
  // One node is part of this process: it starts at once, and is enough for most.
  const separate = options.nodes > 1;
  const ending = untilSignal(() =>
    process.stderr.write(
      `Stopping pods and unmounting volumes; ${options.ephemeral ? 'nothing' : 'the state'} is kept. Press Ctrl-C again to leave at once.\n`,
    ),
  );

  let cluster: Cluster;
  try {
    cluster = await startCluster({ ...options, nodeCommand: separate ? stowage() : undefined });
  } catch (error) {
    throw error instanceof ClusterStartError ? new UsageError(error.message) : error;
  }
  try {
    if (rootless) process.stdout.write(`Rootless: ${ROOTLESS_COSTS}.\n`);
    process.stdout.write(
      `Stowage is ready on ${cluster.url}\n\n  export KUBECONFIG=${cluster.kubeconfig}\n  kubectl get nodes,storageclasses\n\nCtrl-C stops it.\n`,
    );
    if (separate) process.stdout.write(`\n${howToStop(cluster.directory)}\n`);
    if (options.readyFile) await writeReadyFile(options.readyFile, cluster.url);
    await Promise.race([aborted(ending.signal), cluster.failed]);
  } finally {
    if (options.readyFile) await rm(options.readyFile, { force: true });
    await cluster.stop();
    ending.stop();
  }
  return 0;
}

/** How this very program is run. */
const stowage = () => [process.execPath, ...process.execArgv, process.argv[1]!];

const howToStop = (directory: string) =>
  'Each node is a process. To stop one alone, and to start it again:\n\n' +
  `  kill $(cat ${directory}/nodes/node-2/pid)\n  stowage node --name node-2 --data-dir ${directory}\n`;

async function writeReadyFile(path: string, url: string): Promise<void> {
  try {
    await writeFile(path, `${url}\n`);
  } catch (error) {
    throw new UsageError(`--ready-file ${path} cannot be written: ${errorMessage(error)}`);
  }
}
