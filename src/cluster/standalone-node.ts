import type { Logger } from '../base/index.ts';
import type { HttpConnection } from '../client/http/index.ts';
import { connectCsi } from '../csi/index.ts';
import { createMachineHost } from '../host/rootless/index.ts';
import { ImageStore } from '../node/index.ts';
import { createRegistrar } from '../sidecars/registrar/index.ts';
import { pluginsRegistryDirectory } from '../volume/index.ts';
import { openFlexVolumes } from './flexvolume.ts';
import { nodeUser } from './identities.ts';
import { createKubelet } from './kubelet.ts';
import { readsOfNode } from './node-reads.ts';
import { openStandalone, type Standalone } from './standalone.ts';

export interface StandaloneNodeOptions {
  readonly connection: HttpConnection;
  readonly log: Logger;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** The kubelet's root directory. */
  readonly nodeRoot: string;
  /** What containers keep, and their logs. @default below the root */
  readonly stateDirectory?: string | undefined;
  /** What containers can run in. @default NODE-ROOT/images */
  readonly imageDirectory?: string | undefined;
  /** Where its server listens: the InternalIP. */
  readonly address: string;
  readonly port: number;
  /** PEM. @default no server: no logs, no exec */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
  /** Node services of CSI drivers to register. Others register themselves. */
  readonly csiDrivers: readonly string[];
  readonly volumePluginDir: string;
  readonly enableControllerAttachDetach: boolean;
  readonly leaseSeconds: number;
  /** -1: any number. */
  readonly podPidsLimit: number;
  /** Whether CSI drivers are asked for the health of volumes. */
  readonly volumeHealth: boolean;
  /** How often volumes are looked at. */
  readonly volumeStatsPeriodMs: number;
  /** Paths of the host that pods must not see. */
  readonly hiddenFromPods: readonly string[];
  /** Whether pods are stopped and volumes unmounted at the end; otherwise they go on, and the next start finds them. */
  readonly stopPods: boolean;
}

/** A node in a process of its own, on any cluster, with a node's rights or more. Resolves once it is registered. */
export async function startStandaloneNode(options: StandaloneNodeOptions): Promise<Standalone> {
  const { connection, log, name, nodeRoot } = options;
  const standalone = openStandalone({
    connection,
    log,
    userAgent: 'kubelet',
    reads: (client, clock) => readsOfNode(client, name, clock),
  });
  const { running, clock, contextOf } = standalone;
  try {
    const host = createMachineHost({ clock });
    const context = await contextOf(nodeUser(name));
    const registry = pluginsRegistryDirectory(nodeRoot);
    await host.files.makeDirectory(registry, 0o750);
    // Before the node, so that one that stops can still unmount.
    for (const endpoint of options.csiDrivers) {
      const csi = connectCsi(endpoint, { clock });
      running.onStop('CSI connection', async () => csi.close());
      running.start(
        createRegistrar({
          csi,
          kubeletRegistrationPath: endpoint,
          pluginRegistrationPath: registry,
          clock,
          log,
        }),
      );
    }
    const flexVolumes = openFlexVolumes(options.volumePluginDir, { host, clock, log, running });
    const node = createKubelet(context, {
      host,
      name,
      labels: options.labels,
      nodeRoot,
      stateDirectory: options.stateDirectory,
      images: new ImageStore({
        files: host.files,
        random: context.random,
        directory: options.imageDirectory ?? `${nodeRoot}/images`,
      }),
      hiddenFromPods: options.hiddenFromPods,
      tls: options.tls,
      address: options.address,
      port: options.port,
      stopPods: options.stopPods,
      enableControllerAttachDetach: options.enableControllerAttachDetach,
      leaseSeconds: options.leaseSeconds,
      podPidsLimit: options.podPidsLimit,
      volumeHealth: options.volumeHealth,
      volumeStatsPeriodMs: options.volumeStatsPeriodMs,
      prober: flexVolumes.forNode(context, nodeRoot),
    });
    running.start(node);
    await Promise.race([node.registered, running.failed]);
    return standalone;
  } catch (error) {
    await running.stop().catch(() => undefined);
    throw error;
  }
}
