import type { CsiClient } from '../../csi/index.ts';

/** Flags of the sidecar, under their upstream names in camel case; defaults are upstream's. */
export interface ResizerOptions {
  /** The driver's controller service. The component does not close it. */
  readonly csi: CsiClient;
  /** Milliseconds for each CSI call. @default 10000 */
  readonly timeoutMs?: number;
  /** How many claims at once. @default 10 */
  readonly workers?: number;
  /** Milliseconds until the first retry; doubles with each failure. @default 1000 */
  readonly retryIntervalStartMs?: number;
  /** The longest back-off, and how long to leave what the driver calls impossible. @default 300000 */
  readonly retryIntervalMaxMs?: number;
  /** A driver that grows volumes only while nobody uses them is not asked again while pods use one. @default true */
  readonly handleVolumeInUseError?: boolean;
  /** Passes the names of claim and volume to the driver among the mutable parameters. @default false */
  readonly extraModifyMetadata?: boolean;
}

/** Flags with their defaults filled in. */
export type Flags = Required<Omit<ResizerOptions, 'csi'>>;

export function flagsOf(options: ResizerOptions): Flags {
  return {
    timeoutMs: options.timeoutMs ?? 10_000,
    workers: options.workers ?? 10,
    retryIntervalStartMs: options.retryIntervalStartMs ?? 1_000,
    retryIntervalMaxMs: options.retryIntervalMaxMs ?? 300_000,
    handleVolumeInUseError: options.handleVolumeInUseError ?? true,
    extraModifyMetadata: options.extraModifyMetadata ?? false,
  };
}
