/** Exponential back-off, in milliseconds: `initialMs`, then times `factor` each failure, up to `maxMs`. */
export interface BackoffPolicy {
  initialMs: number;
  maxMs: number;
  /** @default 2 */
  factor?: number;
}

/** The delay before try number `failures` + 1; `failures` counts from 1. */
export function backoffDelay(policy: BackoffPolicy, failures: number): number {
  return Math.min(policy.maxMs, policy.initialMs * (policy.factor ?? 2) ** (failures - 1));
}
