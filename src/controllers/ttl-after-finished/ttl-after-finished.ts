import { type Component, type ComponentContext, Controller, runControllers } from '../../client/index.ts';
import {
  isBeingDeleted,
  isNotFound,
  type Job,
  jobs,
  keyOf,
  type Stored,
  splitKey,
} from '../../kube/index.ts';

/** Milliseconds that a finished job still has; undefined for one that stays, or is not finished, or goes already. */
export function timeLeftMs(job: Job, nowMs: number): number | undefined {
  const seconds = job.spec?.ttlSecondsAfterFinished;
  if (seconds === undefined || isBeingDeleted(job)) return undefined;
  const finished = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  if (!finished?.lastTransitionTime) return undefined;
  return Date.parse(finished.lastTransitionTime) + seconds * 1000 - nowMs;
}

/** Deletes jobs, with their pods, ttlSecondsAfterFinished after their end. */
export function createTtlAfterFinished(context: ComponentContext): Component {
  const { client, clock, informers, log } = context;
  const informer = informers.of(jobs);
  const name = 'ttl-after-finished-controller';
  const controller = new Controller({ name, clock, log, reconcile });
  const changed = (job: Stored<Job>) => {
    if (timeLeftMs(job, clock.now()) !== undefined) controller.enqueue(keyOf(job));
  };
  return {
    name,
    start: (signal) =>
      runControllers(signal, {
        informers: { informer },
        listen: () => [informer.on({ added: changed, updated: changed })],
        loops: [controller],
      }),
  };

  async function reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const known = informer.byKey(key);
    const leftMs = known && timeLeftMs(known, clock.now());
    if (leftMs === undefined || leftMs > 0) return leftMs;
    try {
      // The time may just have been changed: what the server says counts.
      const job = await client.get(jobs, splitKey(key), { signal });
      const stillLeftMs = timeLeftMs(job, clock.now());
      if (stillLeftMs === undefined || stillLeftMs > 0) return stillLeftMs;
      const preconditions = { uid: job.metadata.uid };
      await client.delete(jobs, splitKey(key), { propagationPolicy: 'Foreground', preconditions, signal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return undefined;
  }
}
