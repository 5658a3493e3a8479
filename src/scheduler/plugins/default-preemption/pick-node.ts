import { startOf, type Victims } from './victims.ts';

/** So that few pods of negative priority cost less than many. */
const PRIORITY_OFFSET = 2 ** 31;

/** What a preemption costs, the weightiest first; the lowest wins. (preemption, pickOneNodeForPreemption) */
const COSTS: readonly ((victims: Victims) => number)[] = [
  ({ violations }) => violations,
  ({ pods }) => pods[0]!.priority,
  ({ pods }) => pods.reduce((sum, { priority }) => sum + priority + PRIORITY_OFFSET, 0),
  ({ pods }) => pods.length,
  // Among the most important victims the one that has run for longest should be as young as can be.
  ({ pods }) => -Math.min(...pods.filter(({ priority }) => priority === pods[0]!.priority).map(startOf)),
];

/** The node where making room hurts least; of equals the first. */
export function pickNode(candidates: readonly Victims[]): Victims {
  let left = candidates;
  for (const cost of COSTS) {
    if (left.length === 1) break;
    const costs = left.map(cost);
    const lowest = Math.min(...costs);
    left = left.filter((_, at) => costs[at] === lowest);
  }
  return left[0]!;
}

const MIN_PERCENTAGE = 10;
const MIN_CANDIDATES = 100;

/** After how many candidates the search for victims stops. */
export function candidatesToFind(nodeCount: number): number {
  return Math.min(nodeCount, Math.max(MIN_CANDIDATES, Math.trunc((nodeCount * MIN_PERCENTAGE) / 100)));
}
