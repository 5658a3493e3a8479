import type { Lease } from '../../kube/index.ts';

/** A lease as somebody saw it, and when he first saw it so (monotonic, ms). His clock is the only one that counts. */
export interface Observation {
  readonly spec: Lease['spec'];
  readonly atMs: number;
}

/** What a candidate does with the lease that it has just read. */
export type Move =
  /** Somebody else holds it. */
  | { readonly kind: 'wait' }
  /** Nobody does, or he has let it run out: take it. */
  | { readonly kind: 'acquire'; readonly transitions: number }
  | { readonly kind: 'renew' };

/**
 * client-go's tryAcquireOrRenew: a lease may be taken once it has stood unchanged for as long as it says it lasts, by
 * the clock of who looks. What its holder wrote as time is never compared: clocks of machines differ.
 */
export function decide(seen: Observation, identity: string, nowMs: number): Move {
  const holder = seen.spec?.holderIdentity ?? '';
  if (holder === identity) return { kind: 'renew' };
  if (holder !== '' && isValid(seen, nowMs)) return { kind: 'wait' };
  return { kind: 'acquire', transitions: (seen.spec?.leaseTransitions ?? 0) + 1 };
}

/** Whether the lease was seen to change within its duration. */
export function isValid({ spec, atMs }: Observation, nowMs: number): boolean {
  return atMs + (spec?.leaseDurationSeconds ?? 0) * 1000 > nowMs;
}

/** The same holder, times and counts: nobody has written it since. */
export function isSame(a: Lease['spec'], b: Lease['spec']): boolean {
  return (
    a?.holderIdentity === b?.holderIdentity &&
    a?.leaseDurationSeconds === b?.leaseDurationSeconds &&
    a?.leaseTransitions === b?.leaseTransitions &&
    a?.acquireTime === b?.acquireTime &&
    a?.renewTime === b?.renewTime
  );
}
