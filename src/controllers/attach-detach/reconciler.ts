import type { Clock, Timer } from '../../base/index.ts';
import type { EventRecorder } from '../../client/index.ts';
import type { PendingOperations, UniqueVolumeName } from '../../volume/index.ts';
import type { ActualStateOfWorld, AttachedTo } from './actual-state-of-world.ts';
import { attachOrder } from './attach-order.ts';
import type { DesiredStateOfWorld, VolumeToAttach } from './desired-state-of-world.ts';
import { decideDetach } from './detach-decision.ts';
import { isMultiAttachAllowed, multiAttachMessage } from './multi-attach.ts';
import type { NodeStatusUpdater } from './node-status-updater.ts';
import { type AttachDetachOperations, DETACH, operationKey } from './operations.ts';

/** What the reconciler must know of a node. */
export interface NodeCondition {
  /** Its Ready condition is True. */
  readonly healthy: boolean;
  /** It carries the taint node.kubernetes.io/out-of-service. */
  readonly outOfService: boolean;
  /** It exists and attaches for itself: its volumes are not ours to touch. */
  readonly attachesForItself: boolean;
}

export interface ReconcilerOptions {
  readonly desired: DesiredStateOfWorld;
  readonly actual: ActualStateOfWorld;
  readonly operations: AttachDetachOperations;
  readonly pending: PendingOperations;
  readonly nodeStatus: NodeStatusUpdater;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  /** A node that does not exist is neither healthy nor out of service. */
  nodeCondition(nodeName: string): NodeCondition;
  /** Milliseconds between looks at what is not settled yet. */
  readonly periodMs: number;
  /** Milliseconds to wait for an unhealthy node to unmount. */
  readonly maxWaitForUnmountMs: number;
  readonly disableForceDetachOnTimeout: boolean;
  /** A detach begins for which no node was asked. */
  forced(reason: 'timeout' | 'out-of-service'): void;
}

const LONGEST_PAUSE = 10;

/**
 * Brings the actual state to the desired one. A change of either wakes it in the same turn of the event loop; what
 * waits for time to pass (a back-off, a node that is slow to unmount) it looks at once a period, and ever more seldom
 * the longer nothing happens, but at least every tenth period.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #dirty = new Set<UniqueVolumeName>();
  readonly #unsettled = new Set<UniqueVolumeName>();
  #signal: AbortSignal | undefined;
  #scheduled = false;
  #timer: Timer | undefined;
  /** When it fires: monotonic milliseconds. */
  #timerAt = 0;
  /** In periods: how long until the next look. Grows while nothing changes but the time. */
  #pause = 1;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Something about the volume has changed. */
  wake(volumeName: UniqueVolumeName): void {
    this.#pause = 1;
    this.#dirty.add(volumeName);
    this.#schedule();
  }

  /**
   * An operation on the volume has failed; it may be tried again after so many milliseconds, and is then, whatever the
   * looks in between find. Another operation need not wait for it: these looks start it.
   */
  wakeLater(volumeName: UniqueVolumeName, delayMs: number): void {
    this.#pause = 1;
    this.#unsettled.add(volumeName);
    this.#options.clock.after(delayMs, () => this.wake(volumeName), { unref: true });
    this.#lookLater();
  }

  /** From now on until the signal aborts changes are acted upon; those before are remembered. */
  start(signal: AbortSignal): void {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#timer?.cancel(), { once: true });
    this.#schedule();
  }

  /** Looks at every volume again, and at the nodes' status. */
  resync(): void {
    for (const name of this.#options.actual.volumeNames()) this.#dirty.add(name);
    for (const name of this.#options.desired.volumeNames()) this.#dirty.add(name);
    this.#schedule();
  }

  /** Looks again at what waits: a node's health or taints have changed. */
  wakeUnsettled(): void {
    if (this.#unsettled.size === 0) return;
    for (const name of this.#unsettled) this.#dirty.add(name);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || !this.#signal || this.#signal.aborted) return;
    this.#scheduled = true;
    this.#options.clock.soon(() => {
      this.#scheduled = false;
      this.#reconcile();
    });
  }

  #reconcile(): void {
    const signal = this.#signal!;
    if (signal.aborted) return;
    const { desired, actual, nodeStatus } = this.#options;
    const volumes = [...this.#dirty];
    this.#dirty.clear();
    for (const name of volumes) this.#unsettled.delete(name);
    // Detaches first, so that a volume that moves is free sooner.
    for (const name of volumes)
      for (const attached of actual.nodesOf(name)) this.#detachUnwanted(attached, signal);
    for (const name of volumes)
      for (const wanted of attachOrder(desired.nodesOf(name), (nodeName) => actual.state(name, nodeName)))
        this.#attachWanted(wanted, signal);
    for (const name of volumes) this.#forgetIfGone(name);
    if (actual.staleReports().length > 0) {
      void nodeStatus.updateAll().then(() => actual.staleReports().length > 0 && this.#lookLater());
    }
    if (this.#unsettled.size > 0) this.#lookLater();
  }

  #lookLater(): void {
    if (this.#signal?.aborted) return;
    const { clock, periodMs } = this.#options;
    const delayMs = this.#pause * periodMs;
    const at = clock.monotonic() + delayMs;
    if (this.#timer && this.#timerAt <= at) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = clock.after(
      delayMs,
      () => {
        this.#timer = undefined;
        this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE);
        for (const name of this.#unsettled) this.#dirty.add(name);
        this.#schedule();
      },
      { unref: true },
    );
  }

  #detachUnwanted(attached: AttachedTo, signal: AbortSignal): void {
    const { desired, actual, pending, operations, clock } = this.#options;
    const { volumeName, nodeName } = attached;
    if (desired.has(volumeName, nodeName)) return;
    const node = this.#options.nodeCondition(nodeName);
    if (node.attachesForItself) return;
    this.#unsettled.add(volumeName);
    // Before all else: an operation that ends after the checks below would make them stale.
    if (pending.refusal(operationKey(volumeName, attached.spec, nodeName), DETACH)) return;
    const decision = decideDetach({
      mountedByNode: attached.mountedByNode,
      waitedMs: actual.requestDetach(volumeName, nodeName, clock.monotonic()),
      maxWaitMs: this.#options.maxWaitForUnmountMs,
      disableForceDetachOnTimeout: this.#options.disableForceDetachOnTimeout,
      nodeHealthy: node.healthy,
      outOfService: node.outOfService,
    });
    if (decision.action !== 'detach') return;
    if (decision.forced) this.#options.forced(decision.forced);
    operations.detach(attached, decision.verifySafe, signal);
  }

  #attachWanted(wanted: VolumeToAttach, signal: AbortSignal): void {
    const { actual, pending, operations } = this.#options;
    const { volumeName, nodeName, spec } = wanted;
    if (pending.isPending(operationKey(volumeName, spec, nodeName))) {
      this.#unsettled.add(volumeName);
      return;
    }
    if (actual.state(volumeName, nodeName) === 'attached') {
      actual.resetDetachRequest(volumeName, nodeName);
      return;
    }
    this.#unsettled.add(volumeName);
    if (!isMultiAttachAllowed(spec)) {
      const holders = actual.confirmedNodesOf(volumeName);
      if (holders.length > 0) {
        this.#reportMultiAttach(wanted, holders);
        return;
      }
    }
    operations.attach(wanted, signal);
  }

  #reportMultiAttach(wanted: VolumeToAttach, holders: readonly string[]): void {
    if (wanted.multiAttachErrorReported) return;
    const { desired, recorder } = this.#options;
    const others = holders.filter((nodeName) => nodeName !== wanted.nodeName);
    const users = desired.podsOnNodes(wanted.volumeName, others);
    for (const pod of wanted.pods) {
      recorder.event(pod, 'Warning', 'FailedAttachVolume', multiAttachMessage(wanted.spec.name, pod, users));
    }
    desired.setMultiAttachErrorReported(wanted.volumeName, wanted.nodeName);
  }

  #forgetIfGone(volumeName: UniqueVolumeName): void {
    const { actual, desired, pending } = this.#options;
    if (actual.nodesOf(volumeName).length === 0 && desired.nodesOf(volumeName).length === 0) {
      pending.forget(volumeName);
      this.#unsettled.delete(volumeName);
    }
  }
}
