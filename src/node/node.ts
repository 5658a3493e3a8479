import { join } from 'node:path';
import { aborted, Metrics } from '../base/index.ts';
import type { Component, ComponentContext } from '../client/index.ts';
import type { Host } from '../host/index.ts';
import { type Node, nodes, type Stored, services } from '../kube/index.ts';
import type { VolumeStats } from '../volume/index.ts';
import { type Images, NO_IMAGES } from './images/index.ts';
import { LocalStorageEviction } from './local-storage/index.ts';
import { PodManager, type PodSource, type PodVolumes, ProbeMetrics } from './pods/index.ts';
import { LinuxRuntime, type Runtime } from './runtime/index.ts';
import { addVolumeStatsMetrics, ClientAccess, NodeServer } from './server/index.ts';
import { type NodeFacts, NodeStatusReporter } from './status/index.ts';
import { VolumeStatsCollector } from './volume-stats/index.ts';

/** What a node needs of its volume manager. */
export interface NodeVolumeManager extends PodVolumes {
  start(signal: AbortSignal): Promise<void>;
  waitForAllUnmounted(signal: AbortSignal): Promise<void>;
  volumeStats(podUid: string, signal: AbortSignal): Promise<ReadonlyMap<string, VolumeStats>>;
}

export interface NodeOptions {
  readonly host: Host;
  /** The Node object's name. */
  readonly name: string;
  /** The kubelet's root directory: pods, plugins, volumes. */
  readonly nodeRoot: string;
  /** What the container runtime keeps, and logs. @default NODE-ROOT/runtime and NODE-ROOT/log */
  readonly stateDirectory?: string;
  /** More paths of the host that pods must not see; the node's own are hidden anyway. */
  readonly hiddenFromPods?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** PEM: the certificate for the node's HTTPS server, and the authority of its clients. Absent: no server. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** Where the node's server listens; the InternalIP. @default 127.0.0.1 */
  readonly address?: string;
  /** 0 takes a free one. @default 0 */
  readonly port?: number;
  /** Whether the attach/detach controller attaches for it; otherwise its volume manager must. @default true */
  readonly enableControllerAttachDetach?: boolean;
  /** How many processes a pod may have, where there are control groups. @default any number */
  readonly podPidsLimit?: number;
  /** How long its lease is good for; it is renewed four times in that. @default 40 */
  readonly leaseSeconds?: number;
  /** What runs containers. @default processes of this machine */
  readonly runtime?: Runtime;
  /** What containers can run in beside the host's root. @default none */
  readonly images?: Images;
  readonly createVolumeManager: (source: PodSource) => NodeVolumeManager;
  /** What runs beside it and ends after the pods: the plugin manager. */
  readonly companions?: readonly Component[];
  /** Stop pods and unmount volumes at the end; the API keeps them for the next start. @default false */
  readonly stopPods?: boolean;
  /** What pods get between SIGTERM and SIGKILL at such a stop, at most. @default 2 */
  readonly stopGraceSeconds?: number;
  /** How often volumes are looked at. @default 60000 */
  readonly volumeStatsPeriodMs?: number;
  /** How often it is looked whether pods have more on the node's disk than they may. @default 10000 */
  readonly evictionPeriodMs?: number;
  /** What is told at /metrics; others may have put some there. @default none but its own */
  readonly metrics?: Metrics;
  readonly kubeletVersion?: string;
  readonly runtimeVersion?: string;
}

export interface NodeComponent extends Component {
  /** Resolves with the Node object once it is registered. */
  readonly registered: Promise<Stored<Node>>;
  readonly podSource: PodSource;
}

/** Unmounting at a stop must not hold it up for ever. */
const UNMOUNT_LIMIT_MS = 60_000;

/** A node: registers itself, serves logs, runs the pods that are bound to it. */
export function createNode(context: ComponentContext, options: NodeOptions): NodeComponent {
  const { client, informers, clock, random, trace } = context;
  const { host, name, nodeRoot, address = '127.0.0.1' } = options;
  const log = context.log.child({ node: name });
  const state = options.stateDirectory ?? nodeRoot;
  const logRoot = join(state, 'log');
  const runtime =
    options.runtime ??
    new LinuxRuntime({
      host,
      clock,
      random,
      log,
      directory: join(state, 'runtime'),
      logRoot,
      masked: [nodeRoot, state, ...(options.hiddenFromPods ?? [])],
    });
  const recorder = context.recorder('kubelet', name);
  const { images = NO_IMAGES } = options;
  const facts = async (port: number): Promise<NodeFacts> => ({
    name,
    labels: options.labels ?? {},
    info: host.info(),
    address,
    port,
    storageBytes: (await host.files.statFs(nodeRoot)).totalBytes,
    kubeletVersion: options.kubeletVersion ?? 'v1.36.2+stowage',
    runtimeVersion: options.runtimeVersion ?? 'stowage://0.1.0',
    nowMs: clock.now(),
    attachesForItself: options.enableControllerAttachDetach === false,
    images: await images.list(),
  });
  const probeMetrics = new Metrics();
  const serviceInformer = informers.of(services);
  const pods = new PodManager({
    client,
    informers,
    clock,
    log,
    trace,
    recorder,
    host,
    runtime,
    images,
    probeMetrics: new ProbeMetrics(probeMetrics),
    nodeName: name,
    nodeRoot,
    hostIp: address,
    podPidsLimit: options.podPidsLimit,
    allocatable: () => informers.of(nodes).get(name)?.status?.allocatable ?? {},
    services: async () => {
      await serviceInformer.synced;
      return serviceInformer.values();
    },
  });
  const volumeManager = options.createVolumeManager(pods.source);
  const volumeStats = new VolumeStatsCollector({
    pods: () => pods.pods(),
    volumeStats: (podUid, signal) => volumeManager.volumeStats(podUid, signal),
    periodMs: options.volumeStatsPeriodMs,
    clock,
    random,
    log,
    recorder,
  });
  const eviction = new LocalStorageEviction({
    host,
    runtime,
    clock,
    source: { pods: () => pods.pods(), onChange: (callback) => pods.source.onChange(callback) },
    volumes: (podUid) => volumeStats.latest(podUid)?.volumes,
    evict: (podUid, why) => pods.evict(podUid, why),
    periodMs: options.evictionPeriodMs,
  });
  const { metrics = new Metrics() } = options;
  addVolumeStatsMetrics(metrics, {
    pods: () => pods.pods(),
    volumes: (podUid) => volumeStats.latest(podUid),
  });
  const server =
    options.tls &&
    new NodeServer({
      host,
      clock,
      log,
      runtime,
      containersKnown: pods.containersKnown,
      address,
      port: options.port ?? 0,
      tls: options.tls,
      pods: () => pods.pods(),
      access: new ClientAccess({ client, clock, nodeName: name }),
      metrics,
      probeMetrics,
      logRoot,
      configuration: {
        enableControllerAttachDetach: options.enableControllerAttachDetach ?? true,
        podPidsLimit: options.podPidsLimit,
        nodeLeaseDurationSeconds: options.leaseSeconds,
        volumeStatsPeriodMs: options.volumeStatsPeriodMs,
      },
      volumes: (podUid) => volumeStats.latest(podUid),
      nodeName: name,
      nodeRoot,
    });
  let port = 0;
  const status = new NodeStatusReporter({
    client,
    clock,
    random,
    log,
    recorder,
    facts: () => facts(port),
    leaseSeconds: options.leaseSeconds,
  });

  return {
    name: `node ${name}`,
    registered: status.registered,
    podSource: pods.source,
    async start(signal) {
      await host.files.makeDirectory(nodeRoot, 0o750);
      if (server) port = await server.listen();
      const inner = new AbortController();
      const parts = [
        status.run(inner.signal),
        pods.start(volumeManager, inner.signal),
        volumeManager.start(inner.signal),
        volumeStats.run(inner.signal),
        eviction.run(inner.signal),
        ...(options.companions ?? []).map((companion) => companion.start(inner.signal)),
      ];
      try {
        // A part that ends before it is told to has failed.
        await Promise.race([aborted(signal), Promise.all(parts)]);
        if (options.stopPods && signal.aborted) await stopPods();
      } finally {
        inner.abort(signal.reason);
        const ends = await Promise.allSettled(parts);
        await server?.close();
        if (signal.aborted) reportFailures(ends);
      }
    },
  };

  /** A volume whose driver is gone must not hold up the end for ever, neither in its pod's end nor after it. */
  async function stopPods(): Promise<void> {
    const limit = new AbortController();
    const tooLong = new Promise<never>((_, reject) =>
      limit.signal.addEventListener('abort', () => reject(limit.signal.reason), { once: true }),
    );
    const timer = clock.after(UNMOUNT_LIMIT_MS, () =>
      limit.abort(new Error(`volumes are still mounted after ${UNMOUNT_LIMIT_MS / 1000}s`)),
    );
    try {
      await Promise.race([pods.stopAll(options.stopGraceSeconds ?? 2), tooLong]);
      await Promise.race([volumeManager.waitForAllUnmounted(limit.signal), tooLong]);
    } finally {
      timer.cancel();
    }
  }

  function reportFailures(ends: readonly PromiseSettledResult<unknown>[]): void {
    for (const end of ends)
      if (end.status === 'rejected')
        log.warn('a part of the node did not end cleanly', { error: end.reason });
  }
}
