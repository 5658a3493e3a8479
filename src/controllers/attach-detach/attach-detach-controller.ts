import { errorMessage, type Metrics, sleep } from '../../base/index.ts';
import { type Component, type ComponentContext, Informers } from '../../client/index.ts';
import {
  claimKeysOf,
  csiDrivers,
  keyOf,
  type Node,
  nodes,
  POD_PVC_INDEX,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type Stored,
  volumeAttachments,
} from '../../kube/index.ts';
import { PendingOperations, type PluginRegistry, timeOperations } from '../../volume/index.ts';
import { ActualStateOfWorld } from './actual-state-of-world.ts';
import { attachmentIndex } from './attachment-check.ts';
import { DesiredStateOfWorld } from './desired-state-of-world.ts';
import { DesiredStatePopulator } from './desired-state-populator.ts';
import { addAttachDetachMetrics } from './metrics.ts';
import { NodeStatusUpdater } from './node-status-updater.ts';
import { isManaged, keepsTerminatedPodVolumes, nodeCondition } from './nodes.ts';
import { AttachDetachOperations, COMPONENT } from './operations.ts';
import { OrphanedAttachments } from './orphaned-attachments.ts';
import { Reconciler } from './reconciler.ts';
import { BY_VOLUME_AND_NODE, VolumeAttachments } from './volume-attachments.ts';

/** Defaults are upstream's; durations are milliseconds. */
export interface AttachDetachOptions {
  /** The volume types of this process; those with an attacher are attached. */
  readonly plugins: PluginRegistry;
  /** --disable-force-detach-on-timeout. @default false */
  readonly disableForceDetachOnTimeout?: boolean;
  /** How often attachments are compared with their VolumeAttachments (--attach-detach-reconcile-sync-period); 0: never. @default 60000 */
  readonly reconcileSyncMs?: number;
  /** How long a node that is not Ready may take to unmount. @default 360000 */
  readonly maxWaitForUnmountMs?: number;
  /** How often unsettled volumes are looked at. @default 100 */
  readonly loopPeriodMs?: number;
  /** Where it tells what it has. @default nowhere */
  readonly metrics?: Metrics;
  /** How often all pods are looked at again. @default 60000 */
  readonly populatorPeriodMs?: number;
}

const BY_NODE = 'attach-detach/node';

/** Attaches the volumes of scheduled pods to their nodes, and detaches what no pod there needs. */
export function createAttachDetachController(
  context: ComponentContext,
  options: AttachDetachOptions,
): Component {
  return new AttachDetachController(context, options);
}

class AttachDetachController implements Component {
  readonly name = COMPONENT;
  readonly #context: ComponentContext;
  readonly #options: AttachDetachOptions;
  readonly #desired = new DesiredStateOfWorld((volume) => this.#reconciler.wake(volume));
  readonly #actual = new ActualStateOfWorld((volume) => this.#reconciler.wake(volume));
  readonly #pending: PendingOperations;
  readonly #nodeStatus: NodeStatusUpdater;
  readonly #reconciler: Reconciler;
  readonly #populator: DesiredStatePopulator;
  readonly #attachments: VolumeAttachments;
  readonly #orphans: OrphanedAttachments;
  /** Look-ups of VolumeAttachments under way: deleted ones, and those whose volume is gone. */
  readonly #checks = new Set<Promise<void>>();
  readonly #informers;

  constructor(context: ComponentContext, options: AttachDetachOptions) {
    this.#context = context;
    this.#options = options;
    const { client, clock, informers, log, trace } = context;
    this.#informers = {
      pods: informers
        .of(pods)
        .addIndex(POD_PVC_INDEX, claimKeysOf)
        .addIndex(BY_NODE, (pod) => (pod.spec?.nodeName ? [pod.spec.nodeName] : [])),
      nodes: informers.of(nodes),
      claims: informers.of(persistentVolumeClaims),
      volumes: informers.of(persistentVolumes),
      attachments: informers.of(volumeAttachments).addIndex(BY_VOLUME_AND_NODE, attachmentIndex),
      drivers: informers.of(csiDrivers),
    };
    const desired = this.#desired;
    const actual = this.#actual;
    const { plugins } = options;
    const recorder = context.recorder(COMPONENT);
    this.#pending = new PendingOperations({
      clock,
      settled: ({ volume }, error, { retryAfterMs }) => {
        // Attach and detach do not hold each other back: two that fail in turn would keep the machine busy.
        if (error === undefined) this.#reconciler.wake(volume);
        else this.#reconciler.wakeLater(volume, retryAfterMs);
      },
    });
    this.#nodeStatus = new NodeStatusUpdater(client, actual, log);
    const forcedDetaches =
      options.metrics &&
      addAttachDetachMetrics(options.metrics, {
        desired,
        actual,
        plugins,
        listers: this.#informers,
        pods: this.#informers.pods,
      });
    const operations = new AttachDetachOperations({
      actual,
      pending: this.#pending,
      plugins,
      nodeStatus: this.#nodeStatus,
      client,
      recorder,
      trace,
      log,
      timed: options.metrics && timeOperations(options.metrics, clock),
    });
    this.#reconciler = new Reconciler({
      desired,
      actual,
      operations,
      pending: this.#pending,
      nodeStatus: this.#nodeStatus,
      recorder,
      clock,
      nodeCondition: (name) => nodeCondition(this.#informers.nodes.get(name)),
      periodMs: options.loopPeriodMs ?? 100,
      maxWaitForUnmountMs: options.maxWaitForUnmountMs ?? 360_000,
      disableForceDetachOnTimeout: options.disableForceDetachOnTimeout ?? false,
      forced: (reason) => forcedDetaches?.add([reason]),
    });
    this.#attachments = new VolumeAttachments({
      actual,
      pending: this.#pending,
      plugins,
      client,
      log,
      ...this.#informers,
      wake: (volume) => this.#reconciler.wake(volume),
    });
    this.#orphans = new OrphanedAttachments({
      client,
      log,
      ...this.#informers,
      placed: () => [...actual.attachedVolumes(), ...desired.volumesToAttach()],
    });
    this.#populator = new DesiredStatePopulator({
      desired,
      plugins,
      listers: this.#informers,
      pods: this.#informers.pods,
      keepsTerminatedPodVolumes: (name) => keepsTerminatedPodVolumes(this.#informers.nodes.get(name)),
      log,
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    const { plugins } = this.#options;
    const ready = [...plugins.all().map((plugin) => plugin.ready), plugins.probed].map((one) => ({
      synced: one ?? Promise.resolve(),
    }));
    await Informers.synced(signal, ...Object.values(this.#informers), ...ready);
    if (signal.aborted) return;
    this.#rebuildActualState();
    const stopListening = this.#listen(signal);
    this.#learnSpecs();
    this.#reconciler.start(signal);
    this.#reconciler.resync();
    this.#track(this.#orphans.discard(signal));
    await Promise.all([
      this.#every(this.#options.populatorPeriodMs ?? 60_000, signal, () => this.#populator.resync()),
      this.#every(this.#options.reconcileSyncMs ?? 60_000, signal, () => {
        this.#attachments.verify(signal);
        this.#track(this.#orphans.discard(signal));
      }),
    ]);
    stopListening();
    await Promise.all([this.#pending.idle(), ...this.#checks]);
  }

  #track(work: Promise<void>): void {
    const check = work.finally(() => this.#checks.delete(check));
    this.#checks.add(check);
  }

  /** What the API says is attached: node status for certain, VolumeAttachments perhaps. */
  #rebuildActualState(): void {
    for (const node of this.#informers.nodes.values()) {
      if (!isManaged(node)) continue;
      for (const { name, devicePath } of node.status?.volumesAttached ?? []) {
        this.#actual.markAttached(name, undefined, node.metadata.name, devicePath);
      }
    }
    this.#attachments.learn();
  }

  /** Pods explain volumes that were found in a node's status only. */
  #learnSpecs(): void {
    for (const { volumeName, spec } of this.#desired.volumesToAttach())
      this.#actual.setSpec(volumeName, spec);
  }

  #listen(signal: AbortSignal): () => void {
    const { pods, nodes, claims, volumes, attachments, drivers } = this.#informers;
    const populator = this.#populator;
    const claimChanged = (key: string) => {
      for (const pod of pods.byIndex(POD_PVC_INDEX, key)) populator.podChanged(pod);
    };
    const stops = [
      nodes.on({
        added: (node) => this.#nodeChanged(node, true),
        updated: (node) => this.#nodeChanged(node, false),
        deleted: (node) => this.#desired.deleteNode(node.metadata.name),
      }),
      pods.on({
        added: (pod) => populator.podChanged(pod),
        updated: (pod, previous) => {
          // Deleted and created anew between two looks.
          if (previous.metadata.uid !== pod.metadata.uid) populator.podDeleted(previous);
          populator.podChanged(pod);
        },
        deleted: (pod) => populator.podDeleted(pod),
      }),
      claims.on({
        added: (claim) => claimChanged(keyOf(claim)),
        updated: (claim) => claimChanged(keyOf(claim)),
      }),
      // The claim may be seen bound before its volume is seen at all.
      volumes.on({
        added: ({ spec }) =>
          spec?.claimRef && claimChanged(`${spec.claimRef.namespace}/${spec.claimRef.name}`),
        updated: ({ spec }) =>
          spec?.claimRef && claimChanged(`${spec.claimRef.namespace}/${spec.claimRef.name}`),
      }),
      attachments.on({
        updated: (attachment, previous) => {
          if (attachment.status?.attached && !previous.status?.attached) this.#attachments.tryNow(attachment);
        },
        deleted: (attachment) => {
          this.#attachments.tryNow(attachment);
          this.#track(this.#attachments.deleted(attachment, signal));
        },
      }),
    ];
    let listening = false;
    const driverChanged = () => listening && populator.resync();
    stops.push(drivers.on({ added: driverChanged, updated: driverChanged, deleted: driverChanged }));
    stops.push(this.#options.plugins.onChange(driverChanged));
    listening = true;
    return () => {
      for (const stop of stops) stop();
    };
  }

  #nodeChanged(node: Stored<Node>, arrived: boolean): void {
    const { name } = node.metadata;
    if (!isManaged(node)) {
      if (this.#desired.hasNode(name)) {
        this.#desired.releaseNode(name);
        this.#actual.releaseNode(name);
      }
      return;
    }
    const isNew = !this.#desired.hasNode(name);
    this.#desired.addNode(name);
    this.#actual.setVolumesInUse(name, node.status?.volumesInUse ?? []);
    // A node that was made anew, or whose status somebody replaced, has lost its list.
    const differs = this.#actual.reportDiffers(name, node.status?.volumesAttached ?? []);
    if (arrived || (differs && !this.#nodeStatus.isWriting(name))) {
      this.#actual.setReportStale(name);
    }
    if (isNew) for (const pod of this.#informers.pods.byIndex(BY_NODE, name)) this.#populator.podChanged(pod);
    // Health and taints decide about waiting detaches.
    this.#reconciler.wakeUnsettled();
  }

  /** Calls `work` each period until the signal aborts; 0: never. Resolves when aborted. */
  async #every(periodMs: number, signal: AbortSignal, work: () => void): Promise<void> {
    const { clock, log } = this.#context;
    while (!signal.aborted) {
      const wait = periodMs > 0 ? periodMs : 2 ** 31 - 1;
      await sleep(clock, wait, signal).catch(() => undefined);
      if (signal.aborted || periodMs <= 0) continue;
      try {
        work();
      } catch (error) {
        log.error('a periodic check of attached volumes failed', { error: errorMessage(error) });
      }
    }
  }
}
