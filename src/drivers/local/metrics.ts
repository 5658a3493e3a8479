import type { Clock, Metrics } from '../../base/index.ts';
import { type PersistentVolume, quantityValue, type Stored } from '../../kube/index.ts';
import { capacityStep } from './capacity.ts';
import type { CleanupProcesses } from './cleanups.ts';

/** Prometheus' own (prometheus.DefBuckets). */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const PREFIX = 'local_volume_provisioner_';

/** How a volume was wiped. */
export interface Wiped {
  readonly mode: string;
  readonly type: 'process' | 'job';
}

/** What the provisioner tells of itself, under upstream's names. */
export interface LocalMetrics {
  /** Counts a request and times it. */
  request<T>(method: 'create' | 'delete', work: () => Promise<T>): Promise<T>;
  discovered(mode: string, seconds: number): void;
  deleted(
    wiped: Wiped & { readonly capacity: string | undefined; readonly command: string },
    seconds?: number,
  ): void;
  failedToDelete(wiped: Wiped): void;
  /** What there is when somebody asks. */
  observe(own: () => readonly Stored<PersistentVolume>[], processes: CleanupProcesses): void;
}

export function localMetrics(metrics: Metrics, clock: Clock): LocalMetrics {
  const named = (name: string, help: string, labels: readonly string[] = []) => ({
    name: `${PREFIX}${name}`,
    help,
    labels,
  });
  const requests = metrics.counter(
    named('apiserver_requests_total', 'Requests to the API server.', ['method']),
  );
  const failures = metrics.counter(
    named('apiserver_requests_failed_total', 'Requests to the API server that failed.', ['method']),
  );
  const durations = metrics.histogram({
    ...named('apiserver_requests_duration_seconds', 'How long requests took.', ['method']),
    buckets: BUCKETS,
  });
  const discovered = metrics.counter(
    named('persistentvolume_discovery_total', 'Volumes that were found.', ['mode']),
  );
  const discoveries = metrics.histogram({
    ...named('persistentvolume_discovery_duration_seconds', 'How long it took to offer a volume.', ['mode']),
    buckets: BUCKETS,
  });
  const deleted = metrics.counter(
    named('persistentvolume_delete_total', 'Volumes that were wiped and deleted.', ['mode', 'type']),
  );
  const undeleted = metrics.counter(
    named('persistentvolume_delete_failed_total', 'Attempts at it that failed.', ['mode', 'type']),
  );
  const deletions = metrics.histogram({
    ...named('persistentvolume_delete_duration_seconds', 'How long it took to wipe and delete a volume.', [
      'mode',
      'type',
      'capacity',
      'cleanup_command',
    ]),
    buckets: BUCKETS,
  });
  let own: () => readonly Stored<PersistentVolume>[] = () => [];
  let processes: CleanupProcesses | undefined;
  metrics.gauge(
    named('persistentvolume_capacity_bytes', 'Bytes of the volumes that were found.', ['mode']),
    () => {
      const sums = new Map<string, bigint>();
      for (const { spec } of own())
        sums.set(
          spec!.volumeMode!,
          (sums.get(spec!.volumeMode!) ?? 0n) + quantityValue(spec?.capacity?.storage),
        );
      return [...sums].map(([mode, bytes]) => [[mode], Number(bytes)] as const);
    },
  );
  for (const state of ['running', 'succeeded', 'failed'] as const)
    metrics.gauge(named(`proctable_${state}`, `Volumes whose wiping is ${state}.`), () =>
      processes ? [[[], processes.counts()[state]] as const] : [],
    );
  return {
    async request(method, work) {
      const startedAtMs = clock.monotonic();
      requests.add([method]);
      try {
        return await work();
      } catch (error) {
        failures.add([method]);
        throw error;
      } finally {
        durations.observe((clock.monotonic() - startedAtMs) / 1000, [method]);
      }
    },
    discovered(mode, seconds) {
      discovered.add([mode]);
      discoveries.observe(seconds, [mode]);
    },
    deleted({ mode, type, capacity, command }, seconds) {
      deleted.add([mode, type]);
      if (seconds !== undefined)
        deletions.observe(seconds, [mode, type, capacityStep(quantityValue(capacity)), command]);
    },
    failedToDelete: ({ mode, type }) => undeleted.add([mode, type]),
    observe(volumes, table) {
      own = volumes;
      processes = table;
    },
  };
}
