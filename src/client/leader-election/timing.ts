/** How long leadership lasts, ms. Defaults are client-go's for core components; the sidecars retry every 5 s. */
export interface LeaseTiming {
  /** For how long others leave an unchanged lease alone. Written in whole seconds. @default 15000 */
  readonly leaseDurationMs: number;
  /** After so long without a renewal the leader gives up. @default 10000 */
  readonly renewDeadlineMs: number;
  /** Between tries. @default 2000 */
  readonly retryPeriodMs: number;
}

export const CORE_TIMING: LeaseTiming = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
};

/** What the library of the CSI sidecars takes. */
export const SIDECAR_TIMING: LeaseTiming = { ...CORE_TIMING, retryPeriodMs: 5_000 };

/** Candidates spread their tries by up to so much of the retry period. */
export const JITTER_FACTOR = 1.2;

/** What is wrong with the durations, in client-go's words; undefined when nothing. */
export function timingProblem({
  leaseDurationMs,
  renewDeadlineMs,
  retryPeriodMs,
}: LeaseTiming): string | undefined {
  if (leaseDurationMs <= renewDeadlineMs) return 'leaseDuration must be greater than renewDeadline';
  if (renewDeadlineMs <= JITTER_FACTOR * retryPeriodMs)
    return 'renewDeadline must be greater than retryPeriod*JitterFactor';
  if (retryPeriodMs <= 0) return 'retryPeriod must be greater than zero';
  return undefined;
}
