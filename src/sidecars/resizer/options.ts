import { BACKOFF, type FlagsOf, fillIn, type RetryingOptions } from '../shared/options.ts';

/** Flags of the sidecar, under their upstream names in camel case; defaults are upstream's. */
export interface ResizerOptions extends RetryingOptions {
  /** For each CSI call. @default 10000 */
  readonly timeoutMs?: number;
  /** How many claims at once. @default 10 */
  readonly workers?: number;
  /** A driver that grows volumes only while nobody uses them is not asked again while pods use one. @default true */
  readonly handleVolumeInUseError?: boolean;
  /** Passes the names of claim and volume to the driver among the mutable parameters. @default false */
  readonly extraModifyMetadata?: boolean;
}

export type Flags = FlagsOf<ResizerOptions>;

export const flagsOf = fillIn<ResizerOptions>({
  timeoutMs: 10_000,
  workers: 10,
  backoff: BACKOFF,
  handleVolumeInUseError: true,
  extraModifyMetadata: false,
});
