import { type Clock, Metrics } from '../../base/index.ts';

/** What is measured of a snapshot: until it is cut, until it can be used, until it is gone. */
export type Operation = 'Create' | 'CreateAndReady' | 'Delete';

/** A snapshot or a group snapshot. */
interface Snapshot {
  readonly metadata: { readonly uid: string };
  readonly spec: {
    readonly source: {
      readonly volumeSnapshotContentName?: string;
      readonly volumeGroupSnapshotContentName?: string;
    };
  };
}

interface Running {
  readonly driver: string;
  readonly type: 'dynamic' | 'pre-provisioned';
  readonly sinceMs: number;
}

type Observe = (seconds: number, labels: readonly string[]) => void;

const BUCKETS_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60, 120, 300, 600];
const UNKNOWN = 'unknown';
const PREFIX = 'snapshot_controller';

/** The operations of both kinds. */
export interface OperationsByKind {
  readonly snapshots: Operations;
  readonly groups: Operations;
}

/**
 * snapshot_controller_operation_total_seconds and snapshot_controller_operations_in_flight: how long snapshots and group
 * snapshots take, over all tries. Source: pkg/metrics of external-snapshotter.
 */
export function openOperations(clock: Clock, metrics: Metrics = new Metrics()): OperationsByKind {
  const total = metrics.histogram({
    name: `${PREFIX}_operation_total_seconds`,
    help: '[ALPHA] Total number of seconds spent by the controller on an operation',
    labels: ['driver_name', 'operation_name', 'snapshot_type', 'operation_status'],
    buckets: BUCKETS_SECONDS,
  });
  const snapshots = new Operations('Snapshot', clock, total.observe);
  const groups = new Operations('GroupSnapshot', clock, total.observe);
  const help = '[ALPHA] Total number of operations in flight';
  metrics.gauge({ name: `${PREFIX}_operations_in_flight`, help }, () => [
    [[], snapshots.inFlight + groups.inFlight],
  ]);
  return { snapshots, groups };
}

/** The operations of one kind, by the uid of what they are about. */
export class Operations {
  readonly #noun: string;
  readonly #clock: Clock;
  readonly #observe: Observe;
  readonly #running = new Map<string, Running>();

  constructor(noun: string, clock: Clock, observe: Observe) {
    this.#noun = noun;
    this.#clock = clock;
    this.#observe = observe;
  }

  get inFlight(): number {
    return this.#running.size;
  }

  /** Begins with the first try; the later ones belong to it. */
  start(operation: Operation, snapshot: Snapshot, driver: string | undefined): void {
    const key = keyOf(operation, snapshot);
    if (this.#running.has(key)) return;
    const { volumeSnapshotContentName, volumeGroupSnapshotContentName } = snapshot.spec.source;
    const given = volumeSnapshotContentName ?? volumeGroupSnapshotContentName;
    this.#running.set(key, {
      driver: driver || UNKNOWN,
      type: given === undefined ? 'dynamic' : 'pre-provisioned',
      sinceMs: this.#clock.monotonic(),
    });
  }

  /** It has ended before, and an old state of the snapshot began it once more. */
  drop(operation: Operation, snapshot: Snapshot): void {
    this.#running.delete(keyOf(operation, snapshot));
  }

  /**
   * Ends well. When a snapshot is gone, what was being made of it is cancelled; upstream leaves the creation of groups in
   * flight then.
   */
  succeed(operation: Operation, snapshot: Snapshot, driver: string | undefined): void {
    const running = this.#running.get(keyOf(operation, snapshot));
    if (!running) return;
    const seconds = (this.#clock.monotonic() - running.sinceMs) / 1000;
    this.#end(operation, snapshot, seconds, 'success', driver);
    if (operation !== 'Delete') return;
    this.#end('Create', snapshot, seconds, 'cancel');
    this.#end('CreateAndReady', snapshot, seconds, 'cancel');
  }

  #end(operation: Operation, snapshot: Snapshot, seconds: number, status: string, driver?: string): void {
    const key = keyOf(operation, snapshot);
    const running = this.#running.get(key);
    if (!running) return;
    this.#running.delete(key);
    this.#observe(seconds, [driver || running.driver, this.#nameOf(operation), running.type, status]);
  }

  /** CreateSnapshot, CreateGroupSnapshotAndReady … */
  #nameOf(operation: Operation): string {
    return operation === 'CreateAndReady' ? `Create${this.#noun}AndReady` : `${operation}${this.#noun}`;
  }
}

function keyOf(operation: Operation, { metadata }: Snapshot): string {
  return `${operation} ${metadata.uid}`;
}
