import { dirname } from 'node:path';
import type { Pki } from '../apiserver/auth/index.ts';
import { type ComponentContext, waitUntil } from '../client/index.ts';
import { DISK_DRIVER, type DiskDriver } from '../drivers/disk/index.ts';
import type { Host } from '../host/index.ts';
import { csiNodes, driverOf, nodes } from '../kube/index.ts';
import { createNode } from '../node/index.ts';
import { createPluginManager } from '../node/plugin-manager/index.ts';
import { createVolumeManager } from '../node/volume-manager/index.ts';
import { createPluginRegistry, pluginsRegistryDirectory } from '../volume/index.ts';
import { createConfigMapPlugin } from '../volume/plugins/config-map/index.ts';
import { CsiDrivers, createCsiPlugin } from '../volume/plugins/csi/index.ts';
import { createDownwardApiPlugin } from '../volume/plugins/downward-api/index.ts';
import { createEmptyDirPlugin } from '../volume/plugins/empty-dir/index.ts';
import { createHostPathPlugin } from '../volume/plugins/host-path/index.ts';
import { createProjectedPlugin } from '../volume/plugins/projected/index.ts';
import { createSecretPlugin } from '../volume/plugins/secret/index.ts';
import type { Running } from './running.ts';
import { startNodeSidecars } from './sidecars.ts';
import { nodeSocket } from './socket-paths.ts';

const REGISTRATION_LIMIT_MS = 30_000;

export interface StartNodeOptions {
  readonly host: Host;
  readonly name: string;
  /** With what labels it registers. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly nodeRoot: string;
  readonly stateDirectory: string;
  /** Paths of the host that pods must not see. */
  readonly hiddenFromPods: readonly string[];
  readonly pki: Pick<Pki, 'ca' | 'serving'>;
  readonly disk: DiskDriver;
  /** Node services of further drivers on this node. */
  readonly driverEndpoints: readonly string[];
  readonly running: Running;
}

/** A node with its kubelet parts, and the disk driver registered with it as any CSI driver is. */
export async function startNode(context: ComponentContext, options: StartNodeOptions): Promise<void> {
  const { host, name, nodeRoot, pki, disk, running } = options;
  const { client, informers, clock, random, log, trace } = context;
  const drivers = new CsiDrivers(clock);
  const allocatable = () => informers.of(nodes).get(name)?.status?.allocatable ?? {};
  const plugins = createPluginRegistry([
    createCsiPlugin({ client, informers, clock, node: { host, drivers, nodeRoot, nodeName: name } }),
    createEmptyDirPlugin({ host, nodeRoot }),
    createHostPathPlugin({ host }),
    createConfigMapPlugin({ client, host, clock, nodeRoot }),
    createSecretPlugin({ client, host, clock, nodeRoot }),
    createDownwardApiPlugin({ client, host, clock, nodeRoot, allocatable }),
    createProjectedPlugin({ client, host, clock, random, log, nodeRoot, allocatable }),
  ]);
  const node = createNode(context, {
    host,
    name,
    labels: options.labels,
    nodeRoot,
    stateDirectory: options.stateDirectory,
    hiddenFromPods: options.hiddenFromPods,
    tls: { ca: pki.ca, ...pki.serving },
    createVolumeManager: (podSource) =>
      createVolumeManager({
        client,
        informers,
        host,
        plugins,
        podSource,
        nodeName: name,
        nodeRoot,
        clock,
        log,
        recorder: context.recorder('kubelet', name),
        trace,
      }),
    companions: [
      createPluginManager({ host, client, informers, nodeName: name, nodeRoot, drivers, clock, log }),
    ],
    stopPods: true,
  });

  const socket = nodeSocket(nodeRoot);
  await host.files.makeDirectory(dirname(socket), 0o750);
  await host.files.makeDirectory(pluginsRegistryDirectory(nodeRoot), 0o750);
  const endpoint = `unix://${socket}`;
  await disk.serve(endpoint, name, options.labels);
  startNodeSidecars(context, { endpoint, driver: DISK_DRIVER, nodeRoot, running });
  for (const external of options.driverEndpoints)
    startNodeSidecars(context, { endpoint: external, nodeRoot, running });
  running.start(node);
  await Promise.race([registered(context, name), running.failed]);
}

/** Resolves once the node is registered and the driver with it: a pod that comes earlier would have to be retried. */
async function registered({ informers, clock }: ComponentContext, name: string): Promise<void> {
  const nodeInformer = informers.of(nodes);
  const csiInformer = informers.of(csiNodes);
  const both = () => nodeInformer.get(name) && driverOf(csiInformer.get(name), DISK_DRIVER);
  await waitUntil([nodeInformer, csiInformer] as never, both, {
    clock,
    limitMs: REGISTRATION_LIMIT_MS,
    what: `registration of ${name} and of ${DISK_DRIVER} with it`,
  });
}
