import type { BackoffPolicy, Clock, Timer } from '../base/index.ts';
import { errorMessage, type Logger } from '../base/index.ts';
import { BackoffPool, POD_BACKOFF } from './backoff-pool.ts';
import { type ClusterEvent, type Interest, matches } from './cluster-events.ts';
import { Heap } from './heap.ts';
import type { PodInfo } from './pod-info.ts';
import { byPriority, type QueuedPod } from './queued-pod.ts';

export interface SchedulingQueueOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** The plugin whose gate holds the pod back, if one does. */
  gate(pod: PodInfo): string | undefined;
  /** What each plugin waits for once it has refused a pod, by its name. */
  readonly interests: ReadonlyMap<string, readonly Interest[]>;
  readonly backoff?: BackoffPolicy;
}

/** Refused pods that no event has helped for so long are tried again all the same. */
const UNSCHEDULABLE_LIMIT_MS = 5 * 60_000;
const FLUSH_INTERVAL_MS = 30_000;

/**
 * Pods that want a node. Active ones are handed out by priority, then in their order. One that fits nowhere waits in
 * the unschedulable pool until a change that its rejectors care for, then in the back-off pool until its time has come
 * or the scheduler has nothing better to do. (scheduler/backend/queue)
 */
export class SchedulingQueue {
  readonly #options: SchedulingQueueOptions;
  readonly #active = new Heap<QueuedPod>((pod) => pod.info.key, byPriority);
  readonly #backoff: BackoffPool;
  readonly #unschedulable = new Map<string, QueuedPod>();
  #order = 0;
  #taker: ((pod: QueuedPod | undefined) => void) | undefined;
  #backoffTimer: { timer: Timer; at: number } | undefined;
  #flushTimer: Timer | undefined;
  #closed = false;

  constructor(options: SchedulingQueueOptions) {
    this.#options = options;
    this.#backoff = new BackoffPool(options.backoff ?? POD_BACKOFF);
  }

  /** How many pods wait, and where. */
  get sizes(): { active: number; backoff: number; unschedulable: number } {
    return {
      active: this.#active.size,
      backoff: this.#backoff.size,
      unschedulable: this.#unschedulable.size,
    };
  }

  /** The next pod to try; `undefined` once the queue is closed. One taker at a time. */
  take(): Promise<QueuedPod | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    if (this.#taker) throw new Error('the scheduling queue has a taker already');
    const next = this.#next();
    if (next) return Promise.resolve(next);
    return new Promise((resolve) => {
      this.#taker = resolve;
    });
  }

  /** A pod that was not in the queue before. */
  add(info: PodInfo): void {
    if (this.#closed) return;
    this.delete(info.key);
    this.#activate({
      info,
      attemptedAt: this.#options.clock.now(),
      order: this.#order++,
      attempts: 0,
      refusals: 0,
      errors: 0,
      backoffEnd: 0,
      rejectors: new Set(),
    });
  }

  /** A waiting pod has changed. One that is being tried is looked up again by whoever puts it back. */
  update(info: PodInfo, events: readonly ClusterEvent[]): void {
    const { key } = info;
    const inActive = this.#active.delete(key);
    if (inActive) {
      inActive.info = info;
      this.#active.push(inActive);
      return;
    }
    const inBackoff = this.#backoff.delete(key);
    if (inBackoff) {
      inBackoff.info = info;
      this.#backoff.add(inBackoff);
      return;
    }
    const waiting = this.#unschedulable.get(key);
    if (!waiting) return;
    waiting.info = info;
    if (events.some((event) => this.#mayHelp(waiting, event))) this.#requeue(waiting);
  }

  delete(key: string): void {
    this.#active.delete(key);
    this.#backoff.delete(key);
    this.#unschedulable.delete(key);
  }

  /** Puts a pod back that plugins refused (`rejectors`), or that failed by an error (none). `info`: as it is now. */
  putBack(pod: QueuedPod, info: PodInfo, rejectors: ReadonlySet<string>): void {
    if (this.#closed || this.#has(info.key)) return;
    pod.info = info;
    pod.rejectors = rejectors;
    pod.attemptedAt = this.#options.clock.now();
    pod.order = this.#order++;
    if (rejectors.size > 0) {
      pod.refusals++;
      pod.errors = 0;
      this.#hold(pod);
    } else {
      pod.errors++;
      this.#requeue(pod);
    }
  }

  /** Something in the cluster changed: brings back the pods that it may help, of those that are `eligible`. */
  move(event: ClusterEvent, eligible: (pod: PodInfo) => boolean = () => true): void {
    if (this.#unschedulable.size === 0 || !this.#concernsAnyone(event)) return;
    for (const pod of [...this.#unschedulable.values()]) {
      if (eligible(pod.info) && this.#mayHelp(pod, event)) this.#requeue(pod);
    }
  }

  /** Brings a waiting pod back whatever it was refused for. */
  activate(key: string): void {
    const pod = this.#backoff.delete(key) ?? this.#unschedulable.get(key);
    if (!pod || this.#closed) return;
    this.#unschedulable.delete(key);
    this.#activate(pod);
  }

  close(): void {
    this.#closed = true;
    this.#backoffTimer?.timer.cancel();
    this.#flushTimer?.cancel();
    this.#taker?.(undefined);
    this.#taker = undefined;
  }

  #has(key: string): boolean {
    return (
      this.#active.get(key) !== undefined ||
      this.#backoff.get(key) !== undefined ||
      this.#unschedulable.has(key)
    );
  }

  #next(): QueuedPod | undefined {
    const pod = this.#active.pop() ?? this.#backoff.takeEarly();
    if (pod) pod.attempts++;
    return pod;
  }

  #wake(): void {
    if (!this.#taker) return;
    const next = this.#next();
    if (!next) return;
    const taker = this.#taker;
    this.#taker = undefined;
    taker(next);
  }

  #activate(pod: QueuedPod): void {
    pod.gatedBy = this.#options.gate(pod.info);
    if (pod.gatedBy !== undefined) {
      pod.rejectors = new Set([...pod.rejectors, pod.gatedBy]);
      this.#hold(pod);
      return;
    }
    this.#active.push(pod);
    this.#wake();
  }

  /** To the active pods, or to the back-off when that is not over. */
  #requeue(pod: QueuedPod): void {
    this.#unschedulable.delete(pod.info.key);
    if (this.#backoff.end(pod) <= this.#options.clock.now()) {
      this.#activate(pod);
      return;
    }
    pod.gatedBy = this.#options.gate(pod.info);
    if (pod.gatedBy !== undefined) {
      pod.rejectors = new Set([...pod.rejectors, pod.gatedBy]);
      this.#hold(pod);
      return;
    }
    this.#backoff.add(pod);
    this.#wake();
    this.#armBackoff();
  }

  #hold(pod: QueuedPod): void {
    this.#unschedulable.set(pod.info.key, pod);
    this.#armFlush();
  }

  #concernsAnyone(event: ClusterEvent): boolean {
    for (const name of this.#options.interests.keys()) if (this.#concerns(name, event)) return true;
    return false;
  }

  #concerns(plugin: string, event: ClusterEvent): boolean {
    return this.#options.interests.get(plugin)?.some((interest) => matches(interest, event)) ?? false;
  }

  #mayHelp(pod: QueuedPod, event: ClusterEvent): boolean {
    // What the gate does not wait for does not open it.
    if (pod.gatedBy !== undefined && !this.#concerns(pod.gatedBy, event)) return false;
    for (const name of pod.rejectors) {
      for (const interest of this.#options.interests.get(name) ?? []) {
        if (matches(interest, event) && this.#hint(name, interest, pod, event)) return true;
      }
    }
    return false;
  }

  #hint(plugin: string, interest: Interest, pod: QueuedPod, event: ClusterEvent): boolean {
    try {
      return interest.helps(pod.info, event);
    } catch (error) {
      this.#options.log.error('a queueing hint failed; the pod is tried again', {
        plugin,
        pod: pod.info.key,
        error: errorMessage(error),
      });
      return true;
    }
  }

  #armBackoff(): void {
    const at = this.#backoff.nextEnd();
    if (this.#closed || at === undefined) return;
    if (this.#backoffTimer) {
      if (this.#backoffTimer.at <= at) return;
      this.#backoffTimer.timer.cancel();
    }
    const fire = () => {
      this.#backoffTimer = undefined;
      for (const pod of this.#backoff.takeEnded(this.#options.clock.now())) this.#activate(pod);
      this.#armBackoff();
    };
    const { clock } = this.#options;
    this.#backoffTimer = { at, timer: clock.after(Math.max(0, at - clock.now()), fire, { unref: true }) };
  }

  #armFlush(): void {
    if (this.#closed || this.#flushTimer) return;
    const fire = () => {
      this.#flushTimer = undefined;
      const { clock } = this.#options;
      for (const pod of [...this.#unschedulable.values()]) {
        if (pod.gatedBy !== undefined) continue;
        if (clock.now() - pod.attemptedAt > UNSCHEDULABLE_LIMIT_MS) this.#requeue(pod);
      }
      if (this.#unschedulable.size > 0) this.#armFlush();
    };
    this.#flushTimer = this.#options.clock.after(FLUSH_INTERVAL_MS, fire, { unref: true });
  }
}
