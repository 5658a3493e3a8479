import { BACKOFF, type FlagsOf, fillIn, type RetryingOptions } from '../shared/options.ts';

/** Flags of upstream's csi-snapshotter, in camel case; defaults are upstream's, durations milliseconds. */
export interface SnapshotterOptions extends RetryingOptions {
  /** For each CSI call. @default 60000 */
  readonly timeoutMs?: number;
  /** How many contents, and how many group contents, at once. @default 10 */
  readonly workerThreads?: number;
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
  /** --node-deployment: only contents that the snapshot controller has given to this node. @default '' (all) */
  readonly nodeName?: string;
}

export type Flags = FlagsOf<SnapshotterOptions>;

export const flagsOf = fillIn<SnapshotterOptions>({
  timeoutMs: 60_000,
  workerThreads: 10,
  backoff: BACKOFF,
  snapshotNamePrefix: 'snapshot',
  snapshotNameUuidLength: -1,
  groupSnapshotNamePrefix: 'groupsnapshot',
  groupSnapshotNameUuidLength: -1,
  extraCreateMetadata: false,
  groupSnapshots: true,
  nodeName: '',
});

/** The name by which the driver makes a snapshot once only. Source: makeSnapshotName. */
export function snapshotName(prefix: string, uid: string, uuidLength: number): string {
  return `${prefix}-${uuidLength === -1 ? uid : uid.replaceAll('-', '').slice(0, uuidLength)}`;
}
