import { Metrics } from '../base/index.ts';
import type { ComponentContext } from '../client/index.ts';
import { driverCallMetrics, type Sockets } from '../csi/index.ts';
import { nodes } from '../kube/index.ts';
import { createNode } from '../node/index.ts';
import { createPluginManager } from '../node/plugin-manager/index.ts';
import { createVolumeManager } from '../node/volume-manager/index.ts';
import { createPluginRegistry, type PluginProber } from '../volume/index.ts';
import { ImmutableObjects } from '../volume/payloads/index.ts';
import { createConfigMapPlugin } from '../volume/plugins/config-map/index.ts';
import { CsiDrivers, createCsiPlugin } from '../volume/plugins/csi/index.ts';
import { createDownwardApiPlugin } from '../volume/plugins/downward-api/index.ts';
import { createEmptyDirPlugin } from '../volume/plugins/empty-dir/index.ts';
import { createFcPlugin } from '../volume/plugins/fc/index.ts';
import { createHostPathPlugin } from '../volume/plugins/host-path/index.ts';
import { createImagePlugin } from '../volume/plugins/image/index.ts';
import { createIscsiPlugin } from '../volume/plugins/iscsi/index.ts';
import { createLocalPlugin } from '../volume/plugins/local/index.ts';
import { createNfsPlugin } from '../volume/plugins/nfs/index.ts';
import { createProjectedPlugin } from '../volume/plugins/projected/index.ts';
import { createSecretPlugin } from '../volume/plugins/secret/index.ts';
import { createSeLinux } from '../volume/selinux/index.ts';

type NodeOptions = Parameters<typeof createNode>[1];
type NodeComponent = ReturnType<typeof createNode>;

export interface KubeletOptions extends Omit<NodeOptions, 'createVolumeManager' | 'companions'> {
  /** Finds volume plugins that come and go. @default none */
  readonly prober?: PluginProber;
  /** Whether CSI drivers are asked for the health of volumes (the gate CSIVolumeHealth). @default false */
  readonly volumeHealth?: boolean;
}

/** A node with its volume manager, its volume plugins and its plugin manager. `sockets`: where its CSI drivers serve. */
export function createKubelet(
  context: ComponentContext,
  { prober, volumeHealth = false, ...options }: KubeletOptions,
  sockets?: Sockets,
): NodeComponent {
  const { host, name, nodeRoot } = options;
  const { client, informers, clock, random, log, trace } = context;
  const { metrics = new Metrics() } = options;
  const recorder = context.recorder('kubelet', name);
  const drivers = new CsiDrivers(clock);
  const allocatable = () => informers.of(nodes).get(name)?.status?.allocatable ?? {};
  const fromApi = { client, host, clock, nodeRoot, allocatable, immutable: new ImmutableObjects() };
  const always = [
    createCsiPlugin({
      client,
      informers,
      clock,
      node: { host, drivers, nodeRoot, nodeName: name, volumeHealth },
    }),
    createEmptyDirPlugin({ host, nodeRoot, allocatable }),
    createNfsPlugin({ host, nodeRoot }),
    createIscsiPlugin({ client, host, clock, nodeRoot }),
    createFcPlugin({ host, clock, nodeRoot }),
    createHostPathPlugin({ host }),
    createImagePlugin({ host, nodeRoot }),
    createLocalPlugin({ host, nodeRoot, recorder }),
    createConfigMapPlugin(fromApi),
    createSecretPlugin(fromApi),
    createDownwardApiPlugin(fromApi),
    createProjectedPlugin({ ...fromApi, random, log }),
  ];
  const plugins = createPluginRegistry(always, prober);
  return createNode(context, {
    ...options,
    metrics,
    createVolumeManager: (podSource) =>
      createVolumeManager({
        client,
        informers,
        host,
        plugins,
        podSource,
        nodeName: name,
        nodeRoot,
        enableControllerAttachDetach: options.enableControllerAttachDetach,
        clock,
        log,
        recorder,
        trace,
        metrics,
        seLinux: createSeLinux(host, random),
      }),
    companions: [
      createPluginManager({
        host,
        client,
        informers,
        nodeName: name,
        nodeRoot,
        drivers,
        clock,
        log,
        sockets,
        onCall: driverCallMetrics(metrics),
      }),
    ],
  });
}
