import { type Outcome, type Scenario, type SimulateOptions, simulate } from './simulate.ts';

export interface ShrinkOptions extends Pick<SimulateOptions, 'sabotage'> {
  /** Runs at most. @default 400 */
  readonly maxRuns?: number;
  /** Hears of each smaller scenario. */
  readonly onSmaller?: (outcome: Outcome) => void;
}

/**
 * A smaller scenario that breaks the same rule: fewer things done, fewer faults. Each is left out in turn, in halves
 * first, until nothing more can go.
 */
export async function shrink(first: Outcome, options: ShrinkOptions = {}): Promise<Outcome> {
  const rule = first.violation?.rule;
  if (rule === undefined)
    throw new Error(`seed ${first.scenario.seed} breaks no rule: there is nothing to shrink`);
  let best = first;
  let runs = options.maxRuns ?? 400;
  const fails = async (scenario: Scenario): Promise<boolean> => {
    if (runs-- <= 0) return false;
    const outcome = await simulate(scenario, { sabotage: options.sabotage });
    if (outcome.violation?.rule !== rule) return false;
    best = outcome;
    options.onSmaller?.(outcome);
    return true;
  };
  for (;;) {
    const before = best.faults.length + best.steps.length;
    await reduce(best.faults, (faults) => fails({ ...best.scenario, faults }));
    await reduce(best.steps, (only) => fails({ ...best.scenario, only }));
    if (best.faults.length + best.steps.length >= before || runs <= 0) break;
  }
  // What is written down must fail by itself.
  return { ...best, scenario: { ...best.scenario, faults: best.faults, only: best.steps } };
}

/** Leaves out ever smaller pieces of a list as long as it still fails. */
async function reduce<T>(
  list: readonly T[],
  fails: (shorter: readonly T[]) => Promise<boolean>,
): Promise<void> {
  let rest = list;
  for (let size = rest.length; size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < rest.length; ) {
      const shorter = [...rest.slice(0, from), ...rest.slice(from + size)];
      if (await fails(shorter)) rest = shorter;
      else from += size;
    }
  }
}
