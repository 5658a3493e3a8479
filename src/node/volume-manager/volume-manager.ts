import { type Clock, errorMessage, type Logger, Metrics, type Trace } from '../../base/index.ts';
import { type Client, type EventRecorder, Informers } from '../../client/index.ts';
import type { Host } from '../../host/index.ts';
import {
  type Node,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
} from '../../kube/index.ts';
import {
  claimOf,
  PendingOperations,
  type PluginRegistry,
  type UniqueVolumeName,
} from '../../volume/index.ts';
import { NO_SELINUX, type SeLinux } from '../../volume/selinux/index.ts';
import { ActualStateOfWorld } from './actual-state-of-world.ts';
import { attachLimitExceeded } from './attach-limit.ts';
import { ClaimWatch } from './claim-watch.ts';
import type { MountedVolumes, PodSource, VolumeManager } from './contract.ts';
import { DesiredStateOfWorld, type VolumeToMount } from './desired-state-of-world.ts';
import { hasOutgrown } from './expansion-plan.ts';
import { Leftovers } from './leftovers.ts';
import { NodeAttachments } from './node-attachments.ts';
import { Operations } from './operations.ts';
import { OrphanedPods } from './orphaned-pods.ts';
import { expectedVolumes } from './pod-volumes.ts';
import { Populator } from './populator.ts';
import { reconcile } from './reconciler.ts';
import { completeFromNodeStatus, reconstruct, reconstructDevices } from './reconstruct.ts';
import { mountedVolumesForPod, notMountedMessage, unmountedVolumes, volumesInUse } from './status.ts';
import { mayGrow } from './volume-expander.ts';
import { createVolumeMetrics, type VolumeMetrics } from './volume-metrics.ts';
import { volumeStatsOfPod } from './volume-stats.ts';
import { VolumesInUse } from './volumes-in-use.ts';
import { Changes, repeat } from './wait.ts';

export interface VolumeManagerOptions {
  readonly client: Client;
  readonly informers: Informers;
  readonly host: Host;
  readonly plugins: PluginRegistry;
  readonly podSource: PodSource;
  readonly nodeName: string;
  /** The kubelet's root directory. */
  readonly nodeRoot: string;
  /** Whether the attach/detach controller attaches for this node; otherwise it does so itself. @default true */
  readonly enableControllerAttachDetach?: boolean;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recorder: EventRecorder;
  readonly trace: Trace;
  /** Where it counts. @default nowhere that anybody looks */
  readonly metrics?: Metrics;
  /** @default there is none */
  readonly seLinux?: SeLinux;
}

/** Slightly off two minutes, so that a time-out due to this is recognizable. Source: podAttachAndMountTimeout. */
const WAIT_LIMIT_MS = 123_000;
/** Everything is looked at this often even if no event asked for it. Upstream's loops, which wait for none, run every 100 ms. */
const RESYNC_MS = 5_000;
/** Upstream's reconciler looks this often (reconcilerLoopSleepPeriod). */
const LOOP_MS = 100;
/** Volumes whose content comes from the API are set up again this often (the kubelet's --sync-frequency). */
const REFRESH_MS = 60_000;

const BY_NAME = 'metadata.name';

/** The node's volume manager: see VolumeManager. */
export function createVolumeManager(options: VolumeManagerOptions): VolumeManager {
  return new NodeVolumeManager(options);
}

class NodeVolumeManager implements VolumeManager {
  readonly name = 'volume-manager';
  readonly #options: VolumeManagerOptions;
  readonly #desired: DesiredStateOfWorld;
  readonly #actual = new ActualStateOfWorld();
  readonly #changes = new Changes();
  readonly #populator: Populator;
  readonly #pending: PendingOperations;
  readonly #operations: Operations;
  readonly #metrics: VolumeMetrics;
  readonly #inUse: VolumesInUse;
  readonly #orphans: OrphanedPods;
  readonly #claims: ClaimWatch;
  readonly #leftovers: Leftovers;
  readonly #attachments: NodeAttachments;
  #failedAtMs = Number.NEGATIVE_INFINITY;
  #passScheduled = false;
  #signal: AbortSignal | undefined;

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
    const { client, clock, log, podSource, informers, nodeName } = options;
    this.#desired = new DesiredStateOfWorld(options.plugins, options.clock);
    this.#pending = new PendingOperations({
      clock,
      settled: (key, error, { name, retryAfterMs }) => {
        if (error !== undefined && !this.#signal?.aborted) {
          log.warn(`${name} failed`, {
            volume: key.volume,
            pod: key.pod,
            error: errorMessage(error),
            retryAfterMs,
          });
          clock.after(retryAfterMs + 1, () => this.#wake(), { unref: true });
        }
        this.#orphans.markDirty();
        this.#wakeAfter(error !== undefined);
      },
    });
    const worlds = { desired: this.#desired, actual: this.#actual };
    this.#metrics = createVolumeMetrics(options.metrics ?? new Metrics(), clock, worlds);
    this.#operations = new Operations({
      ...options,
      metrics: this.#metrics,
      actual: this.#actual,
      pending: this.#pending,
      node: () => informers.of(nodes).get(nodeName),
      claimByVolume: (spec) => {
        const persistentVolume = informers.of(persistentVolumes).get(spec.name);
        return persistentVolume && claimOf({ ...spec, persistentVolume });
      },
    });
    this.#populator = new Populator({
      client,
      podSource,
      desired: this.#desired,
      actual: this.#actual,
      seLinux: options.seLinux ?? NO_SELINUX,
      clock,
      log,
      processed: () => {
        this.#orphans.markDirty();
        const growing = () =>
          this.#desired.volumesToMount().some(({ plugin, spec }) => mayGrow(plugin, spec));
        this.#claims.follow((this.#populator.hasFailed || growing()) && !this.#signal?.aborted);
        this.#wake();
      },
    });
    this.#inUse = new VolumesInUse({
      client,
      clock,
      log,
      nodeName,
      nodes: informers.of(nodes),
      wanted: () => this.volumesInUse(),
      reported: (names) => {
        if (this.#desired.markReportedInUse(names)) this.#wake();
      },
    });
    this.#orphans = new OrphanedPods({
      ...options,
      isOrphan: (podUid) => this.#isOrphan(podUid),
      wake: () => this.#wake(),
      swept: (orphans, failed) => this.#metrics.orphansSwept(orphans, failed),
    });
    this.#leftovers = new Leftovers({
      ...worlds,
      operations: this.#operations,
      plugins: options.plugins,
      isSettled: (podUid) => this.#populator.isSettled(podUid),
      adopt: async (plugin) => {
        await reconstructDevices(plugin, this.#actual);
        completeFromNodeStatus(this.#actual, informers.of(nodes).get(nodeName));
        this.#wake();
      },
      log,
    });
    this.#attachments = new NodeAttachments({
      client,
      clock,
      log,
      nodeName,
      read: (node) => {
        completeFromNodeStatus(this.#actual, node);
        this.#leftovers.hold(node.status?.volumesInUse ?? []);
        this.#inUse.nodeChanged(node, this.#signal!);
      },
      wake: () => this.#wake(),
    });
    this.#claims = new ClaimWatch(informers, {
      appeared: () => this.#populator.enqueueFailed(),
      changed: () => this.#wake(),
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const { clock, informers, plugins, podSource } = this.#options;
    // What an unknown plugin has mounted would not be known either.
    await Informers.synced(signal, { synced: plugins.probed });
    if (signal.aborted) return;
    const { total, failed } = await reconstruct(this.#options, this.#actual);
    this.#metrics.reconstructed(total, failed.length);
    this.#leftovers.found(failed, plugins.all());
    await this.#leftovers.clearAbandoned();
    const nodeInformer = informers.of(nodes);
    const ready = plugins.all().map((plugin) => ({ synced: plugin.ready ?? Promise.resolve() }));
    await Informers.synced(signal, nodeInformer, ...ready);
    if (signal.aborted) return;
    const stops = [
      podSource.onChange((podUid, edited) => {
        if (edited && podUid) this.#edited(podUid);
        this.#populator.enqueue(podUid);
      }),
      plugins.onChange(() => this.#populator.enqueueFailed()),
      ...this.#watch(signal),
    ];
    const timers = [
      repeat(clock, RESYNC_MS, () => this.#wake()),
      repeat(clock, REFRESH_MS, () => this.#refresh()),
      repeat(clock, REFRESH_MS, () => void this.#leftovers.clearAbandoned()),
    ];
    this.#wake();
    await this.#populator.run(signal);
    for (const stop of [...stops, ...timers]) stop();
    this.#changes.notify();
    await this.#pending.idle();
    await this.#inUse.stopped();
    await this.#orphans.stopped();
  }

  async waitForAttachAndMount(pod: Stored<Pod>, signal: AbortSignal): Promise<MountedVolumes> {
    const expected = expectedVolumes(pod);
    if (expected.length === 0) return new Map();
    const uid = pod.metadata.uid;
    const { clock } = this.#options;
    const failed = (why: string, cause?: unknown) =>
      new Error(notMountedMessage(this.#desired, this.#actual, uid, expected, why), { cause });
    // Old errors say nothing of this attempt.
    this.#desired.popErrors(uid);
    void this.#populator.reprocess(uid);
    const allMounted = () => {
      const errors = this.#desired.popErrors(uid);
      const missing = unmountedVolumes(this.#desired, this.#actual, uid, expected);
      if (missing.length > 0 && errors.length > 0) throw failed(errors.join('; '));
      return missing.length === 0;
    };
    try {
      await this.#changes.until(allMounted, { clock, signal, limitMs: WAIT_LIMIT_MS, timedOut: failed });
    } catch (error) {
      throw await attachLimitExceeded(this.#desired, this.#actual, uid, error, signal);
    }
    return this.mountedVolumesForPod(uid);
  }

  async waitForUnmount(pod: Stored<Pod>, signal: AbortSignal): Promise<void> {
    const uid = pod.metadata.uid;
    this.#populator.enqueue(uid);
    await this.#changes.until(() => !this.podHasMountedVolumes(uid), {
      clock: this.#options.clock,
      signal,
      limitMs: WAIT_LIMIT_MS,
      timedOut: (why) => {
        const names = this.#actual.podMountsOf(uid).map((mount) => mount.volumeName);
        return new Error(`mounted volumes=[${names.sort().join(' ')}]: ${why}`);
      },
    });
  }

  removePodDirectory(pod: Stored<Pod>): Promise<void> {
    return this.#orphans.remove(pod.metadata.uid);
  }

  async waitForAllUnmounted(signal: AbortSignal): Promise<void> {
    this.#populator.enqueue();
    await this.#changes.until(() => this.#desired.pods().size === 0 && this.#mountedNames().length === 0, {
      clock: this.#options.clock,
      signal,
      limitMs: WAIT_LIMIT_MS,
      timedOut: (why) => new Error(`mounted volumes=[${this.#mountedNames().sort().join(' ')}]: ${why}`),
    });
  }

  mountedVolumesForPod(podUid: string): MountedVolumes {
    return mountedVolumesForPod(this.#desired, this.#actual, podUid);
  }

  volumeStats(podUid: string, signal: AbortSignal) {
    return volumeStatsOfPod(this.#options.host, this.#desired, this.#actual, podUid, signal);
  }

  podHasMountedVolumes(podUid: string): boolean {
    return this.#actual.podMountsOf(podUid).length > 0;
  }

  volumesInUse(): readonly UniqueVolumeName[] {
    const known = volumesInUse(this.#desired, this.#actual);
    const { held } = this.#leftovers;
    return held.length === 0 ? known : [...new Set([...known, ...held])].sort();
  }

  #mountedNames(): UniqueVolumeName[] {
    return this.#actual
      .volumes()
      .filter((volume) => volume.pods.size > 0 || volume.deviceState !== 'not-mounted')
      .map((volume) => volume.volumeName);
  }

  /** Wakes on what the API says about this node. */
  #watch(signal: AbortSignal): (() => void)[] {
    const { informers, nodeName } = this.#options;
    const nodeSeen = (node: Stored<Node>) => {
      if (this.#attachments.known) this.#inUse.nodeChanged(node, signal);
      this.#wake();
    };
    const byName = informers.of(nodes).addIndex(BY_NAME, ({ metadata }) => [metadata.name]);
    return [
      byName.on({ added: nodeSeen, updated: nodeSeen }, { index: BY_NAME, value: nodeName }),
      () => this.#claims.follow(false),
    ];
  }

  /** Schedules a pass; several wishes before it make one. */
  #wake(): void {
    if (this.#passScheduled || !this.#signal || this.#signal.aborted) return;
    this.#passScheduled = true;
    this.#options.clock.soon(() => {
      this.#passScheduled = false;
      this.#pass(this.#signal!);
    });
  }

  /**
   * A mount and an unmount that fail in turn know no back-off of one another: after a failure so soon after the last it
   * is only looked again when upstream's reconciler would.
   */
  #wakeAfter(failed: boolean): void {
    const { clock } = this.#options;
    const nowMs = clock.monotonic();
    const isSoon = failed && nowMs < this.#failedAtMs + LOOP_MS;
    if (failed) this.#failedAtMs = nowMs;
    if (isSoon) clock.after(LOOP_MS, () => this.#wake(), { unref: true });
    else this.#wake();
  }

  #pass(signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#attachments.ask(signal);
    const mayUnmount =
      this.#populator.hasAddedPods && this.#attachments.known && this.#options.podSource.hasSynced !== false;
    const node = this.#options.informers.of(nodes).get(this.#options.nodeName);
    const attached = new Set(node?.status?.volumesAttached?.map((volume) => volume.name));
    reconcile(
      {
        desired: this.#desired,
        actual: this.#actual,
        operations: this.#operations,
        isSettled: (podUid) => this.#populator.isSettled(podUid),
        attachesForItself: this.#options.enableControllerAttachDetach === false,
        isReportedAttached: (name) => attached.has(name),
        needsExpansion: (volume) => this.#needsExpansion(volume),
      },
      mayUnmount,
      signal,
    );
    // Before the pods are known, volumes in use would seem to be none.
    if (this.#populator.hasAddedPods && this.#attachments.known) this.#inUse.sync(signal);
    if (mayUnmount) {
      this.#leftovers.clean(signal);
      this.#orphans.clean(signal);
    }
    this.#changes.notify();
  }

  #needsExpansion({ plugin, spec, volumeName }: VolumeToMount): boolean {
    const mounted = this.#actual.get(volumeName);
    if (spec.readOnly || mounted?.growsUnused || !mayGrow(plugin, spec)) return false;
    const { informers } = this.#options;
    const volume = informers.of<PersistentVolume>(persistentVolumes).get(spec.name);
    const claim = informers.of<PersistentVolumeClaim>(persistentVolumeClaims).byKey(claimOf(spec) ?? '');
    return hasOutgrown(mounted?.size, volume, claim);
  }

  #isOrphan(podUid: string): boolean {
    const { podSource } = this.#options;
    if (podSource.podMayStillUseVolumes(podUid) || this.podHasMountedVolumes(podUid)) return false;
    for (const pod of podSource.pods()) if (pod.metadata.uid === podUid) return false;
    return true;
  }

  /** Some volumes show what a pod says of itself. */
  #edited(podUid: string): void {
    for (const pod of this.#options.podSource.pods())
      if (pod.metadata.uid === podUid) this.#desired.updatePod(pod);
    if (this.#actual.markRemountRequired(podUid)) this.#wake();
  }

  #refresh(): void {
    this.#orphans.markDirty();
    for (const uid of this.#desired.pods()) this.#actual.markRemountRequired(uid);
    this.#wake();
  }
}
