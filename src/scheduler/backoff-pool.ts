import { type BackoffPolicy, backoffDelay } from '../base/index.ts';
import { Heap } from './heap.ts';
import { byPriority, type QueuedPod } from './queued-pod.ts';

/** How long a pod waits after a failed attempt (kube-scheduler's podInitialBackoffSeconds and podMaxBackoffSeconds). */
export const POD_BACKOFF: BackoffPolicy = { initialMs: 1_000, maxMs: 10_000 };

/**
 * Pods that were tried and wait for their back-off to end, earliest first. Those that failed by an error, not by a
 * plugin's refusal, are kept apart: they are never taken before their time, or a failing server would be hammered.
 */
export class BackoffPool {
  readonly #policy: BackoffPolicy;
  readonly #refused = new Heap<QueuedPod>(keyOf, compare);
  readonly #failed = new Heap<QueuedPod>(keyOf, compare);

  constructor(policy: BackoffPolicy) {
    this.#policy = policy;
  }

  get size(): number {
    return this.#refused.size + this.#failed.size;
  }

  /** When the pod's back-off ends, by the clock's wall time. */
  end({ attemptedAt, refusals, errors }: QueuedPod): number {
    const failures = errors > 0 ? errors : refusals;
    return failures === 0 ? 0 : attemptedAt + backoffDelay(this.#policy, failures);
  }

  add(pod: QueuedPod): void {
    pod.backoffEnd = this.end(pod);
    (pod.rejectors.size > 0 ? this.#refused : this.#failed).push(pod);
  }

  get(key: string): QueuedPod | undefined {
    return this.#refused.get(key) ?? this.#failed.get(key);
  }

  delete(key: string): QueuedPod | undefined {
    return this.#refused.delete(key) ?? this.#failed.delete(key);
  }

  /** The next pod although its time has not come: for a scheduler that has nothing else to do. */
  takeEarly(): QueuedPod | undefined {
    return this.#refused.pop();
  }

  /** Every pod whose back-off has ended. */
  takeEnded(now: number): QueuedPod[] {
    const ended: QueuedPod[] = [];
    for (const heap of [this.#refused, this.#failed]) {
      for (let next = heap.peek(); next && next.backoffEnd <= now; next = heap.peek()) {
        ended.push(heap.pop()!);
      }
    }
    return ended;
  }

  /** When the next back-off ends; `undefined` when none waits. */
  nextEnd(): number | undefined {
    const ends = [this.#refused.peek(), this.#failed.peek()].filter((pod) => pod !== undefined);
    return ends.length === 0 ? undefined : Math.min(...ends.map((pod) => pod.backoffEnd));
  }
}

function keyOf(pod: QueuedPod): string {
  return pod.info.key;
}

function compare(a: QueuedPod, b: QueuedPod): number {
  return a.backoffEnd - b.backoffEnd || byPriority(a, b);
}
