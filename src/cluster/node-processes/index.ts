import { dirname, resolve } from 'node:path';
import type { Pki } from '../../apiserver/auth/index.ts';
import type { LogLevel, LogSink } from '../../base/index.ts';
import { DISK_DRIVER, type DiskDriver } from '../../drivers/disk/index.ts';
import type { Host } from '../../host/index.ts';
import { pluginsRegistryDirectory } from '../../volume/index.ts';
import type { ContextOf } from '../actors.ts';
import type { FeatureGates } from '../feature-gates.ts';
import { ADMINISTRATOR, nodeUser } from '../identities.ts';
import type { Layout } from '../layout.ts';
import { nameOfNode } from '../names.ts';
import { registered } from '../node.ts';
import type { Running } from '../running.ts';
import { startNodeSidecars } from '../sidecars.ts';
import { nodeSocket } from '../socket-paths.ts';
import { nodeFlags, onlyOne } from './command-line.ts';
import { writeNodeCredentials } from './credentials.ts';
import type { NodePlace } from './namespaces.ts';
import { createNodeProcess, type NodeProcess } from './node-process.ts';
import { pidFileOf, writeStart } from './start-file.ts';

export { writeNodeCredentials } from './credentials.ts';
export { openNodeNamespaces, refuseNamespaces } from './namespaces.ts';

export interface NodeProcessesOptions {
  /** The machine itself: not as it is seen across the namespaces. */
  readonly host: Host;
  readonly ordinals: readonly number[];
  readonly layout: Layout;
  /** The data directory, canonical. */
  readonly directory: string;
  /** Whose process holds each node's mount namespace, by the node's root. */
  readonly namespaces: ReadonlyMap<string, { readonly holder: number }>;
  /** How `stowage` is run. */
  readonly command: readonly string[];
  readonly nodeLabels?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly imageDirectory: string;
  readonly hiddenFromPods: readonly string[];
  readonly pki: Pick<Pki, 'ca' | 'issue'>;
  /** The API server's URL. */
  readonly server: string;
  /** Absent: the nodes have no driver of ours. */
  readonly disk: DiskDriver | undefined;
  readonly volumePluginDir?: string | undefined;
  readonly volumeStatsPeriodMs?: number | undefined;
  readonly nodeLeaseDurationSeconds?: number | undefined;
  readonly featureGates?: FeatureGates;
  readonly logLevel?: LogLevel;
  readonly logSink?: LogSink;
  readonly running: Running;
}

/** What of a node's files its mount namespace is about. */
export function placeOf(layout: Layout, ordinal: number): NodePlace {
  return { root: layout.nodeRoot(ordinal), stateDirectory: layout.nodeState(ordinal) };
}

/**
 * Starts each node as a process and in a mount namespace of its own, with no more rights than a node's. The disk driver
 * stays here: it serves each node on a socket below the node's root, where the node finds it as it would any driver.
 */
export async function startNodeProcesses(contextOf: ContextOf, options: NodeProcessesOptions): Promise<void> {
  const { ordinals, disk, running } = options;
  const processes = await Promise.all(
    ordinals.map(async (ordinal) => {
      await serveDisk(contextOf, ordinal, options);
      return prepare(contextOf, ordinal, options);
    }),
  );
  // One component, so that they stop at the same time.
  running.start({
    name: 'nodes',
    start: async (signal) => void (await Promise.all(processes.map((process) => process.start(signal)))),
  });
  const context = await contextOf(ADMINISTRATOR);
  const all = ordinals.map((ordinal) => registered(context, nameOfNode(ordinal), disk && DISK_DRIVER));
  await Promise.race([Promise.all(all), running.failed, ...processes.map(({ failed }) => failed)]);
}

async function serveDisk(
  contextOf: ContextOf,
  ordinal: number,
  { host, layout, nodeLabels = {}, disk, running }: NodeProcessesOptions,
): Promise<void> {
  const name = nameOfNode(ordinal);
  const nodeRoot = layout.nodeRoot(ordinal);
  const socket = nodeSocket(nodeRoot);
  await host.files.makeDirectory(dirname(socket), 0o750);
  await host.files.makeDirectory(pluginsRegistryDirectory(nodeRoot), 0o750);
  if (!disk) return;
  const endpoint = `unix://${socket}`;
  await disk.serve(endpoint, name, nodeLabels[name]);
  startNodeSidecars(await contextOf(nodeUser(name)), { endpoint, driver: DISK_DRIVER, nodeRoot, running });
}

/** What the node is to be started with, on disk for whoever starts it alone. */
async function prepare(
  contextOf: ContextOf,
  ordinal: number,
  options: NodeProcessesOptions,
): Promise<NodeProcess> {
  const { host, layout, directory, pki, server } = options;
  const { clock, log } = await contextOf(ADMINISTRATOR);
  const name = nameOfNode(ordinal);
  const stateDirectory = layout.nodeState(ordinal);
  const addresses = ['127.0.0.1'];
  const credentials = await writeNodeCredentials(stateDirectory, {
    ...{ pki, files: host.files, name, server, addresses },
  });
  const flags = nodeFlags({
    ...options,
    name,
    credentials,
    stateDirectory,
    labels: options.nodeLabels?.[name] ?? {},
    nodeRoot: layout.nodeRoot(ordinal),
    volumePluginDir: options.volumePluginDir && resolve(options.volumePluginDir),
  });
  const command = [...options.command, 'node', ...flags];
  const { holder } = options.namespaces.get(layout.nodeRoot(ordinal))!;
  const pidFile = pidFileOf(stateDirectory);
  await writeStart(host, stateDirectory, onlyOne(command, { pidFile, holder }));
  const startsWith = `stowage node --name ${name} --data-dir ${directory}`;
  const say = options.logSink ?? ((line) => void process.stderr.write(`${line}\n`));
  return createNodeProcess({ host, clock, log, name, command, holder, pidFile, startsWith, say });
}
