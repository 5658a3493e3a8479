import { dirname } from 'node:path';
import type { Pki } from '../apiserver/auth/index.ts';
import { type ComponentContext, waitUntil } from '../client/index.ts';
import { DISK_DRIVER, type DiskDriver } from '../drivers/disk/index.ts';
import type { Host } from '../host/index.ts';
import { csiNodes, driverOf, nodes } from '../kube/index.ts';
import { ImageStore } from '../node/index.ts';
import { pluginsRegistryDirectory } from '../volume/index.ts';
import type { FlexVolumes } from './flexvolume.ts';
import { createKubelet } from './kubelet.ts';
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
  readonly imageDirectory: string;
  /** Paths of the host that pods must not see. */
  readonly hiddenFromPods: readonly string[];
  readonly pki: Pick<Pki, 'ca' | 'serving'>;
  /** Absent: the node has no driver of ours. */
  readonly disk: DiskDriver | undefined;
  readonly flexVolumes?: FlexVolumes;
  /** Whether CSI drivers are asked for the health of volumes. @default false */
  readonly volumeHealth?: boolean;
  /** How long its lease is good for. @default 40 */
  readonly leaseSeconds?: number | undefined;
  /** How often a node looks at its volumes. @default 60000 */
  readonly volumeStatsPeriodMs?: number;
  readonly running: Running;
}

/** A node with its kubelet parts, and the disk driver, if there is one, registered with it as any CSI driver is. */
export async function startNode(context: ComponentContext, options: StartNodeOptions): Promise<void> {
  const { host, name, nodeRoot, pki, disk, running } = options;
  const node = createKubelet(context, {
    host,
    name,
    labels: options.labels,
    nodeRoot,
    stateDirectory: options.stateDirectory,
    images: new ImageStore({ files: host.files, random: context.random, directory: options.imageDirectory }),
    hiddenFromPods: options.hiddenFromPods,
    tls: { ca: pki.ca, ...pki.serving },
    stopPods: true,
    volumeHealth: options.volumeHealth,
    leaseSeconds: options.leaseSeconds,
    volumeStatsPeriodMs: options.volumeStatsPeriodMs,
    prober: options.flexVolumes?.forNode(context, nodeRoot),
  });

  const socket = nodeSocket(nodeRoot);
  await host.files.makeDirectory(dirname(socket), 0o750);
  await host.files.makeDirectory(pluginsRegistryDirectory(nodeRoot), 0o750);
  if (disk) {
    const endpoint = `unix://${socket}`;
    await disk.serve(endpoint, name, options.labels);
    startNodeSidecars(context, { endpoint, driver: DISK_DRIVER, nodeRoot, running });
  }
  running.start(node);
  await Promise.race([registered(context, name, disk && DISK_DRIVER), running.failed]);
}

/** Resolves once the node is registered and the driver with it: a pod that comes earlier would have to be retried. */
export async function registered(
  { informers, clock }: ComponentContext,
  name: string,
  driver: string | undefined,
): Promise<void> {
  const nodeInformer = informers.of(nodes);
  const csiInformer = informers.of(csiNodes);
  const both = () =>
    nodeInformer.get(name) && (driver === undefined || driverOf(csiInformer.get(name), driver));
  await waitUntil([nodeInformer, csiInformer] as never, both, {
    clock,
    limitMs: REGISTRATION_LIMIT_MS,
    what: `registration of ${name}${driver === undefined ? '' : ` and of ${driver} with it`}`,
  });
}
