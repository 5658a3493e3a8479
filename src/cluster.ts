import { access, constants, mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  bootstrapPolicy,
  legacyClaims,
  openPki,
  serveAccessReviews,
  serveServiceAccounts,
  writeKubeconfig,
} from './apiserver/auth/index.ts';
import { ensureSnapshotCrds } from './apiserver/crd/snapshots/index.ts';
import { createApiServer } from './apiserver/http/index.ts';
import {
  createKubernetesService,
  createRegistry,
  openStore,
  publishAuthenticationConfig,
  readEncryption,
} from './apiserver/index.ts';
import {
  type Clock,
  createLogger,
  errorMessage,
  type LogLevel,
  type LogSink,
  type Random,
  systemClock,
  systemRandom,
  Trace,
} from './base/index.ts';
import { type HttpClientOptions, type PodLogOptions, podLogs } from './client/http/index.ts';
import { type Client, Informers, type ObjectName } from './client/index.ts';
import { contexts, httpDoor, localDoor } from './cluster/actors.ts';
import { controllerManager, type NodeLoss, scheduler } from './cluster/control-plane.ts';
import { ensureDiskDriverObject, openDisk, serveDiskController } from './cluster/disk.ts';
import { type DriverEndpoint, startExternalDrivers } from './cluster/external-driver.ts';
import { type FeatureGates, isEnabled } from './cluster/feature-gates.ts';
import { openFlexVolumes } from './cluster/flexvolume.ts';
import { ADMINISTRATOR, EXTRA_ROLES, INFORMERS, nodeUser } from './cluster/identities.ts';
import { type Layout, layoutOf } from './cluster/layout.ts';
import { volumesLeft } from './cluster/left.ts';
import { type LocalVolumes, startLocalProvisioners } from './cluster/local-provisioner.ts';
import { nameOfNode } from './cluster/names.ts';
import { startNode } from './cluster/node.ts';
import {
  openNodeNamespaces,
  placeOf,
  refuseNamespaces,
  startNodeProcesses,
} from './cluster/node-processes/index.ts';
import type { OptionalController } from './cluster/optional-controllers.ts';
import type { Replaceable } from './cluster/replaceable.ts';
import { Running } from './cluster/running.ts';
import { startSimulatedNodes } from './cluster/simulated-nodes.ts';
import { socketProblem } from './cluster/socket-paths.ts';
import type { Host } from './host/index.ts';
import { makeDirectories } from './host/linux/index.ts';
import { hostAcross } from './host/namespaces/index.ts';
import { createMachineHost } from './host/rootless/index.ts';

export interface ClusterOptions {
  /** Where everything lives; absent with `ephemeral`. */
  readonly dataDir?: string;
  /** State in memory, files in a temporary directory that goes at the stop. @default false */
  readonly ephemeral?: boolean;
  /** Of the API server, on 127.0.0.1; 0 takes a free one. @default 0 */
  readonly port?: number;
  /** Where to write the administrator's kubeconfig. @default DATA-DIR/kubeconfig */
  readonly kubeconfig?: string;
  /** How many nodes, node-1 … node-N. They need root. @default 1 */
  readonly nodes?: number;
  /** How many nodes that exist in memory only, sim-node-1 … sim-node-N. They need no root. @default 0 */
  readonly simulatedNodes?: number;
  /** Labels with which nodes register, by the node's name. */
  readonly nodeLabels?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The kubelet root of node-1. @default DATA-DIR/kubelet */
  readonly nodeRoot?: string;
  /** Where FlexVolume drivers are looked for, as VENDOR~DRIVER/DRIVER. @default nowhere */
  readonly volumePluginDir?: string;
  /** An EncryptionConfiguration: with what secrets are encrypted on disk. @default they are not */
  readonly encryptionKeyFile?: string;
  /** Whether host paths are made for claims: for tests, on one node. @default false */
  readonly enableHostpathProvisioner?: boolean;
  /** When nodes are given up, and what is attached to them. @default upstream's */
  readonly nodeLoss?: NodeLoss;
  /** How long the lease of a node is good for. @default 40 */
  readonly nodeLeaseDurationSeconds?: number;
  /** What is to be otherwise than upstream has it. */
  readonly featureGates?: FeatureGates;
  /** How often nodes look at the volumes of their pods (the kubelet's --volume-stats-agg-period). @default 60000 */
  readonly volumeStatsPeriodMs?: number;
  /** Those to run that are off by default. @default none */
  readonly controllers?: readonly OptionalController[];
  /** Whose local disks and file systems are offered as volumes, and how. @default nobody's */
  readonly localVolumes?: readonly LocalVolumes[];
  /** What somebody else runs for this cluster. @default nothing */
  readonly without?: readonly Replaceable[];
  /** @default warn */
  readonly logLevel?: LogLevel;
  /** @default standard error */
  readonly logSink?: LogSink;
  /** Whether nodes have the disk driver. @default true */
  readonly disk?: boolean;
  /** CSI drivers that run by themselves; they may come, go and come back. @default none */
  readonly csiDrivers?: readonly DriverEndpoint[];
  /** How components reach the API server: straight into it, or as any client does. @default local */
  readonly wire?: 'local' | 'http';
  /**
   * How `stowage` is run: each node is a process and in a mount namespace of its own. Their log goes where this one's does.
   * @default nodes are parts of this process
   */
  readonly nodeCommand?: readonly string[];
  /** What nodes, drivers and volume plugins work with. @default this machine */
  readonly host?: Host;
}

export type { DriverEndpoint };

/** The whole stack in one process. */
export interface Cluster {
  readonly url: string;
  /** The file with the administrator's credentials. */
  readonly kubeconfig: string;
  /** Where its files are. */
  readonly directory: string;
  readonly layout: Layout;
  readonly clock: Clock;
  readonly trace: Trace;
  /** An administrator's client. */
  readonly client: Client;
  readonly informers: Informers;
  /** Rejects when the cluster cannot go on: the disk has failed, or a component has. Never resolves. */
  readonly failed: Promise<never>;
  /** The lines of a container's log, from the node through the API server. */
  logs(pod: ObjectName, options?: PodLogOptions): AsyncIterable<string>;
  /** What volumes hold of the machine now: mounts, loop devices, images, directories. */
  volumesLeft(): Promise<string[]>;
  /** Stops pods, unmounts volumes, ends every component. The state stays, but for an ephemeral cluster's. */
  stop(): Promise<void>;
}

/** The cluster cannot start for a reason that the user can mend: one line that says what and why. */
export class ClusterStartError extends Error {
  override name = 'ClusterStartError';
}

/** Starts API server, controllers, scheduler, sidecars, nodes and the disk driver. Resolves once /readyz is ok. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { nodes = 1, simulatedNodes = 0, ephemeral = false, csiDrivers = [] } = options;
  const clock = systemClock;
  const random: Random = systemRandom;
  const log = createLogger({
    level: options.logLevel ?? 'warn',
    now: () => clock.now(),
    sink: options.logSink ?? ((line) => process.stderr.write(`${line}\n`)),
  });
  const running = new Running(log);
  try {
    const host = options.host ?? createMachineHost({ clock });
    const directory = await openDirectory(options);
    if (ephemeral)
      // Not a plain rm: that would follow a mount that could not be taken down into somebody's data.
      running.onStop('temporary directory', () => host.files.removeTree(directory));
    const layout = layoutOf(directory, {
      nodeRoot: options.nodeRoot && nodes > 0 ? await openNodeRoot(options.nodeRoot) : undefined,
      kubeconfig: options.kubeconfig && resolve(options.kubeconfig),
    });
    const unreachable = socketProblem(layout, nodes);
    if (unreachable !== undefined)
      throw new ClusterStartError(`--data-dir or --node-root is too deep: ${unreachable}`);
    const trace = new Trace(clock);
    const ordinals = Array.from({ length: nodes }, (_, index) => index + 1);
    const nodeRoots = new Map(ordinals.map((ordinal) => [nameOfNode(ordinal), layout.nodeRoot(ordinal)]));

    const keyFiles = options.encryptionKeyFile ? [resolve(options.encryptionKeyFile)] : [];
    // Read even if nothing is kept: a file that is no good is told at once.
    const encryption = options.encryptionKeyFile
      ? await readEncryption(options.encryptionKeyFile)
      : undefined;
    const store = await openStore(
      ephemeral ? { memory: true, clock } : { dataDir: layout.state, clock, encryption },
    );
    running.onStop('store', () => store.close());
    running.failsWith(store.failed);
    // Not before the store: that keeps others out of the data directory.
    const { nodeCommand } = options;
    const places = ordinals.map((ordinal) => placeOf(layout, ordinal));
    const namespaces =
      nodeCommand && (await openNodeNamespaces(places, { host, pool: layout.pool, clock, log, running }));
    if (!namespaces && nodes > 0) await refuseNamespaces(host, directory);
    // As the disk driver is to see it: what it mounts for a node is mounted where that node is.
    const machine = namespaces ? hostAcross(host, namespaces) : host;
    const disk =
      nodes > 0 && options.disk !== false
        ? openDisk({ clock, log }, { host: machine, layout, running })
        : undefined;
    const [registry, pki] = await Promise.all([
      createRegistry({
        store,
        clock,
        random,
        log,
        enableAdmission: ['ServiceAccount', 'TaintNodesByCondition'],
      }),
      openPki({ directory: layout.pki, clock, random }),
    ]);
    const tokens = serveServiceAccounts({ registry, keys: pki.serviceAccountKeys, clock, random });
    await ensureSnapshotCrds(registry);
    serveAccessReviews(registry);
    await bootstrapPolicy(registry, EXTRA_ROLES);
    const server = await createApiServer({
      registry,
      pki,
      tokens,
      clock,
      random,
      logger: log,
      port: options.port ?? 0,
      snapshot: () => store.snapshot(),
      readyChecks: [{ name: 'components', check: () => running.unready() }],
    });
    running.onStop('API server', () => server.close());
    running.start(
      createKubernetesService(registry, { host: '127.0.0.1', port: server.port }, { clock, log }),
    );
    await publishAuthenticationConfig(registry, pki.ca);
    await writeKubeconfig(layout.kubeconfig, { server: server.url, ca: pki.ca, client: pki.admin });

    const connection: HttpClientOptions = {
      server: server.url,
      ca: pki.ca,
      cert: pki.admin.cert,
      key: pki.admin.key,
      clock,
      userAgent: 'stowage',
    };
    const door = options.wire === 'http' ? httpDoor(connection, pki) : localDoor(registry);
    const [reader, client] = await Promise.all([door.open(INFORMERS), door.open(ADMINISTRATOR)]);
    const informers = new Informers({ client: reader, clock, random, log });
    const contextOf = contexts({ informers, clock, random, log, trace }, door, running);
    running.start({ name: 'informers', start: (signal) => informers.start(signal) });
    const flexVolumes =
      options.volumePluginDir === undefined
        ? undefined
        : openFlexVolumes(resolve(options.volumePluginDir), { host, clock, log, running });
    const without = new Set(options.without);
    const withSidecars = !without.has('sidecars');
    const controllers = controllerManager({
      rootCa: pki.ca,
      host,
      flexVolumes,
      provisionHostPaths: options.enableHostpathProvisioner,
      nodeLoss: options.nodeLoss,
      gates: options.featureGates,
      controllers: options.controllers,
      signSecretToken: (account, secret) => tokens.sign(legacyClaims(account, secret)),
    });
    const plane = [
      ...(without.has('controllers') ? [] : controllers),
      ...(without.has('scheduler') ? [] : [scheduler(options.featureGates, host.info().hostname)]),
    ];
    const planeContexts = await Promise.all(plane.map(({ user }) => contextOf(user)));
    for (const [index, { create }] of plane.entries()) running.start(create(planeContexts[index]!));
    await startExternalDrivers(contextOf, csiDrivers, {
      nodeRoots,
      host,
      running,
      withSidecars,
      pki,
    });
    if (nodes > 0) {
      // A driver's CSIDriver object comes from whoever installs it.
      const [driver] = await Promise.all([disk, disk && ensureDiskDriverObject({ client })]);
      const shared = {
        imageDirectory: layout.images,
        // The kubeconfig is the administrator's key, wherever it was asked for.
        hiddenFromPods: [directory, layout.nodeRoot(1), layout.kubeconfig, ...keyFiles],
        pki,
        disk: driver,
        volumeStatsPeriodMs: options.volumeStatsPeriodMs,
        running,
      };
      if (nodeCommand)
        await startNodeProcesses(contextOf, {
          ...options,
          ...shared,
          host,
          ordinals,
          layout,
          directory,
          namespaces: namespaces!,
          command: nodeCommand,
          server: server.url,
        });
      else
        await Promise.all(
          ordinals.map(async (ordinal) =>
            startNode(await contextOf(nodeUser(nameOfNode(ordinal))), {
              ...shared,
              host,
              name: nameOfNode(ordinal),
              labels: options.nodeLabels?.[nameOfNode(ordinal)],
              nodeRoot: layout.nodeRoot(ordinal),
              leaseSeconds: options.nodeLeaseDurationSeconds,
              stateDirectory: layout.nodeState(ordinal),
              flexVolumes,
              volumeHealth: isEnabled(options.featureGates ?? {}, 'CSIVolumeHealth'),
            }),
          ),
        );
      if (driver) await serveDiskController(contextOf, driver, { host, layout, running, withSidecars, pki });
      await startLocalProvisioners(contextOf, options.localVolumes ?? [], { host, running });
    }
    if (simulatedNodes > 0) {
      const labels = options.nodeLabels ?? {};
      await startSimulatedNodes(contextOf, { count: simulatedNodes, labels, running, withSidecars });
    }
    running.markStarted();
    if (nodes + simulatedNodes > 0) void tokens.prepare();
    return {
      url: server.url,
      kubeconfig: layout.kubeconfig,
      directory,
      layout,
      clock,
      trace,
      client,
      informers,
      failed: running.failed,
      logs: (pod, logOptions) => podLogs(connection, pod, logOptions),
      volumesLeft: () => volumesLeft(machine, layout, nodes),
      stop: () => running.stop(),
    };
  } catch (error) {
    await running
      .stop()
      .catch((stopError) => log.error('stop after a failed start', { error: errorMessage(stopError) }));
    throw asStartError(error, options);
  }
}

async function openDirectory({ dataDir, ephemeral }: ClusterOptions): Promise<string> {
  if (ephemeral || dataDir === undefined) return realpath(await mkdtemp(join(tmpdir(), 'stowage-')));
  return writableDirectory(dataDir, 0o700, { what: 'the data directory', flag: '--data-dir' });
}

function openNodeRoot(nodeRoot: string): Promise<string> {
  return writableDirectory(nodeRoot, 0o750, { what: 'the kubelet root', flag: '--node-root' });
}

/** Makes the directory where there is none. Resolves to its canonical path, as the kernel's tables have it. */
async function writableDirectory(
  path: string,
  mode: number,
  { what, flag }: { what: string; flag: string },
): Promise<string> {
  const absolute = resolve(path);
  try {
    await makeDirectories(absolute, mode);
    await access(absolute, constants.W_OK);
    return await realpath(absolute);
  } catch (error) {
    throw new ClusterStartError(
      `${what} ${absolute} cannot be used: ${errorMessage(error)}; name another with ${flag}`,
      { cause: error },
    );
  }
}

const USER_ERRORS: ReadonlySet<string> = new Set([
  'ConfigError',
  'DataDirInUseError',
  'EncryptionKeyError',
  'MountsLeftError',
  'StorageFullError',
]);
const USER_CODES: ReadonlySet<string> = new Set([
  'EADDRINUSE',
  'EACCES',
  'EADDRNOTAVAIL',
  'EROFS',
  'ENOTDIR',
  'EPERM',
]);

/** Failures that are the user's to mend keep their text; anything else stays what it is. */
function asStartError(error: unknown, options: ClusterOptions): unknown {
  const { name, code, cause } = (error ?? {}) as { name?: string; code?: string; cause?: { code?: string } };
  const codes = [code ?? '', cause?.code ?? ''];
  if (codes.includes('ENOSPC')) {
    const text = `no space left for the data directory ${options.dataDir ?? tmpdir()}; free some space`;
    return new ClusterStartError(`${text} (${errorMessage(error)})`, { cause: error });
  }
  if (USER_ERRORS.has(name ?? '') || codes.some((one) => USER_CODES.has(one)))
    return new ClusterStartError(errorMessage(error), { cause: error });
  return error;
}
