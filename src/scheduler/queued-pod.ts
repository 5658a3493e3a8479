import type { PodInfo } from './pod-info.ts';

/** A pod on its way through the queue. */
export interface QueuedPod {
  info: PodInfo;
  /** When it came into the queue or was last tried: its place among pods of one priority. */
  attemptedAt: number;
  /** Breaks ties of `attemptedAt`. */
  order: number;
  attempts: number;
  /** Attempts that plugins refused. */
  refusals: number;
  /** Attempts in a row that failed by an error. */
  errors: number;
  backoffEnd: number;
  /** The plugins that refused the last attempt; changes that they care for bring the pod back. */
  rejectors: ReadonlySet<string>;
  /** The plugin whose gate keeps it out of the queue. */
  gatedBy?: string;
}

/** Higher priority first, then first come, first served (PrioritySort). */
export function byPriority(a: QueuedPod, b: QueuedPod): number {
  return b.info.priority - a.info.priority || a.attemptedAt - b.attemptedAt || a.order - b.order;
}
