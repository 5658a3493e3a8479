import { backoffDelay } from '../../base/index.ts';
import type { DaemonSet, Pod, Stored } from '../../kube/index.ts';
import { targetNode } from './daemon-pod.ts';

/** How long a failed pod stays before it is deleted, so that a node that refuses it is not asked all the time. */
const HOLD = { initialMs: 1_000, maxMs: 900_000 };

interface Failures {
  readonly count: number;
  readonly atMs: number;
}

/** Remembers how often the pods of a set have failed on a node. */
export class FailedPods {
  /** By set, generation and node. */
  readonly #failures = new Map<string, Failures>();

  /** How long a failed pod is still to stay; 0 when it goes now, which is remembered. */
  holdMs(set: Stored<DaemonSet>, pod: Stored<Pod>, nowMs: number): number {
    const key = `${set.metadata.uid}/${set.status?.observedGeneration ?? 0}/${targetNode(pod)}`;
    const before = this.#failures.get(key);
    const delayMs = before ? backoffDelay(HOLD, before.count) : 0;
    const leftMs = before ? before.atMs + delayMs - nowMs : 0;
    if (leftMs > 0) return leftMs;
    // Who has been well for twice the longest wait begins anew.
    const isOld = before !== undefined && nowMs - before.atMs > 2 * HOLD.maxMs;
    this.#failures.set(key, { count: isOld ? 1 : (before?.count ?? 0) + 1, atMs: nowMs });
    return 0;
  }

  forget({ metadata: { uid } }: Stored<DaemonSet>): void {
    for (const key of this.#failures.keys()) if (key.startsWith(`${uid}/`)) this.#failures.delete(key);
  }
}
