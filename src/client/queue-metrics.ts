import type { Clock, Metrics } from '../base/index.ts';

/** Hears of what becomes of the keys of a work queue. */
export interface QueueObserver {
  added(key: string): void;
  taken(key: string): void;
  done(key: string): void;
  /** It was put aside, to come back later. */
  retried(): void;
}

/** An observer for the queue of a name; queues of the same name are measured together. */
export type QueueObservers = (name: string) => QueueObserver;

/** As Go multiplies: the fourth is 9.999999999999999e-06. */
const BUCKETS_SECONDS = [10e-9];
while (BUCKETS_SECONDS.length < 10) BUCKETS_SECONDS.push(BUCKETS_SECONDS.at(-1)! * 10);
const labels = ['name'];

/** workqueue_* for the queues of a process. Source: workqueue/metrics.go of client-go, and of component-base. */
export function queueMetrics(metrics: Metrics, clock: Clock): QueueObservers {
  const queues: { name: string; added: Map<string, number>; taken: Map<string, number> }[] = [];
  const adds = metrics.counter({
    name: 'workqueue_adds_total',
    help: '[BETA] Total number of adds handled by workqueue',
    labels,
  });
  const retries = metrics.counter({
    name: 'workqueue_retries_total',
    help: '[BETA] Total number of retries handled by workqueue',
    labels,
  });
  const waited = metrics.histogram({
    name: 'workqueue_queue_duration_seconds',
    help: '[BETA] How long in seconds an item stays in workqueue before being requested.',
    labels,
    buckets: BUCKETS_SECONDS,
  });
  const worked = metrics.histogram({
    name: 'workqueue_work_duration_seconds',
    help: '[BETA] How long in seconds processing an item from workqueue takes.',
    labels,
    buckets: BUCKETS_SECONDS,
  });
  /** Of each name, a figure of the queues that have it. */
  const gauge = (name: string, help: string, figure: (of: readonly (typeof queues)[number][]) => number) =>
    metrics.gauge({ name, help, labels }, () =>
      [...Map.groupBy(queues, (queue) => queue.name)].map(([queue, of]) => [[queue], figure(of)] as const),
    );
  const seconds = (sinceMs: number) => (clock.monotonic() - sinceMs) / 1000;
  const ages = (of: readonly (typeof queues)[number][]) =>
    of.flatMap(({ taken }) => [...taken.values()].map(seconds));
  gauge('workqueue_depth', '[BETA] Current depth of workqueue', (of) =>
    of.reduce((sum, { added }) => sum + added.size, 0),
  );
  gauge(
    'workqueue_unfinished_work_seconds',
    "[BETA] How many seconds of work has done that is in progress and hasn't been observed by work_duration. Large values indicate stuck threads. One can deduce the number of stuck threads by observing the rate at which this increases.",
    (of) => ages(of).reduce((sum, age) => sum + age, 0),
  );
  gauge(
    'workqueue_longest_running_processor_seconds',
    '[BETA] How many seconds has the longest running processor for workqueue been running.',
    (of) => Math.max(0, ...ages(of)),
  );
  return (name) => {
    const [added, taken] = [new Map<string, number>(), new Map<string, number>()];
    queues.push({ name, added, taken });
    // A queue without work is there, too.
    adds.add([name], 0);
    retries.add([name], 0);
    const observe = (of: typeof waited, from: Map<string, number>, key: string) => {
      const since = from.get(key);
      if (since !== undefined) of.observe(seconds(since), [name]);
      from.delete(key);
    };
    return {
      added(key) {
        adds.add([name]);
        if (!added.has(key)) added.set(key, clock.monotonic());
      },
      taken(key) {
        taken.set(key, clock.monotonic());
        observe(waited, added, key);
      },
      done: (key) => observe(worked, taken, key),
      retried: () => retries.add([name]),
    };
  };
}
