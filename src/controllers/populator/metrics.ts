import type { Clock, Metrics } from '../../base/index.ts';

const BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600];

/** How long volumes take to fill, under upstream's names. */
export interface PopulatorMetrics {
  /** Of the claim with this uid; again is fine. */
  started(uid: string): void;
  finished(uid: string): void;
  /** It ends otherwise: its claim is deleted. */
  dropped(uid: string): void;
}

export function populatorMetrics(metrics: Metrics, clock: Clock): PopulatorMetrics {
  const begun = new Map<string, number>();
  const latency = metrics.histogram({
    name: 'volume_populator_operation_seconds',
    help: 'How long it takes to fill a volume.',
    labels: ['result'],
    buckets: BUCKETS,
  });
  metrics.gauge(
    { name: 'volume_populator_operations_in_flight', help: 'Volumes that are being filled.' },
    () => [[[], begun.size] as const],
  );
  return {
    started(uid) {
      if (!begun.has(uid)) begun.set(uid, clock.monotonic());
    },
    finished(uid) {
      const startedAtMs = begun.get(uid);
      if (startedAtMs !== undefined) latency.observe((clock.monotonic() - startedAtMs) / 1000, ['success']);
      begun.delete(uid);
    },
    dropped: (uid) => void begun.delete(uid),
  };
}
