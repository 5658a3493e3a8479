import type { BackoffPolicy } from '../../base/index.ts';
import type { CsiClient } from '../../csi/index.ts';

/** Flags of upstream's csi-snapshotter, in camel case; defaults are upstream's, durations milliseconds. */
export interface SnapshotterOptions {
  /** The driver's controller service. The component does not close it. */
  readonly csi: CsiClient;
  /** @default what the driver answers to GetPluginInfo */
  readonly driverName?: string;
  /** For each CSI call. @default 60000 */
  readonly timeoutMs?: number;
  /** How many contents, and how many group contents, at once. @default 10 */
  readonly workerThreads?: number;
  /** --retry-interval-start and --retry-interval-max. @default 1 s doubling to 5 min */
  readonly backoff?: BackoffPolicy;
  /** @default 'snapshot' */
  readonly snapshotNamePrefix?: string;
  /** Cuts the snapshot's uid, without dashes, to so many characters; -1 keeps it whole. @default -1 */
  readonly snapshotNameUuidLength?: number;
  /** @default 'groupsnapshot' */
  readonly groupSnapshotNamePrefix?: string;
  /** As snapshotNameUuidLength. @default -1 */
  readonly groupSnapshotNameUuidLength?: number;
  /** Passes the names of snapshot and content to the driver as parameters. @default false */
  readonly extraCreateMetadata?: boolean;
  /** The gate CSIVolumeGroupSnapshot: group snapshots, where the driver has them. @default true */
  readonly groupSnapshots?: boolean;
}

/** Flags with their defaults filled in. */
export type Flags = Required<Omit<SnapshotterOptions, 'csi' | 'driverName'>>;

export function flagsOf(options: SnapshotterOptions): Flags {
  return {
    timeoutMs: options.timeoutMs ?? 60_000,
    workerThreads: options.workerThreads ?? 10,
    backoff: options.backoff ?? { initialMs: 1_000, maxMs: 300_000 },
    snapshotNamePrefix: options.snapshotNamePrefix ?? 'snapshot',
    snapshotNameUuidLength: options.snapshotNameUuidLength ?? -1,
    groupSnapshotNamePrefix: options.groupSnapshotNamePrefix ?? 'groupsnapshot',
    groupSnapshotNameUuidLength: options.groupSnapshotNameUuidLength ?? -1,
    extraCreateMetadata: options.extraCreateMetadata ?? false,
    groupSnapshots: options.groupSnapshots ?? true,
  };
}

/** The name by which the driver makes a snapshot once only. Source: makeSnapshotName. */
export function snapshotName(prefix: string, uid: string, uuidLength: number): string {
  return `${prefix}-${uuidLength === -1 ? uid : uid.replaceAll('-', '').slice(0, uuidLength)}`;
}
