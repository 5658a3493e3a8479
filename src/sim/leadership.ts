import type { Dice } from './dice.ts';

/** client-go's leader election, with the defaults of kube-controller-manager, kube-scheduler and the sidecars. */
const LEASE_MS = 15_000;
const RENEW_DEADLINE_MS = 10_000;
const RETRY_MS = 2_000;
/** Whoever waits for a lease looks every so often, and up to 1.2 times that later. */
const LOOK_MS = RETRY_MS * 2.2;

/** How long after the leader has ended another begins, at least and at most. */
export type TakeOverMs = readonly [least: number, most: number];

/** A leader that cannot renew its lease gives up after ten seconds: five at least without any. */
export const LEASE_ENDS: TakeOverMs = [LEASE_MS - RENEW_DEADLINE_MS, LEASE_MS + RETRY_MS];
/** kube-scheduler gives its lease back as it ends; others look every two seconds. */
export const LEASE_GIVEN_BACK: TakeOverMs = [0, RETRY_MS];

/** A leader that stands still, and does not know it: a long collection, SIGSTOP, a machine without processor time. */
export interface Absence {
  readonly frozenMs: number;
  /** When another begins to lead; it never does if the old one is back by then, and renews. */
  readonly successorAfterMs: number;
  /** How long the old one leads on beside the new one. */
  readonly overlapMs: number;
}

/**
 * The lease was renewed up to one retry period before; the next leader has it once it has seen it unchanged for its
 * duration. The old one, back again, mostly wakes from the pause between two renewals, begins another and tries in vain
 * until the whole renew deadline is over (`renew` in leaderelection.go: the deadline is that of one renewal). Only one that
 * stood still within a renewal finds its deadline passed and ends at once.
 */
export function drawAbsence(dice: Dice): Absence {
  const successorAfterMs = dice.between(LEASE_MS - RETRY_MS, LEASE_MS + LOOK_MS);
  const frozenMs = dice.chance(0.2)
    ? dice.between(1_000, successorAfterMs)
    : successorAfterMs + dice.delay(6_000);
  const overlapMs = dice.chance(0.8) ? RENEW_DEADLINE_MS : dice.between(0, RETRY_MS);
  return { frozenMs, successorAfterMs, overlapMs };
}
