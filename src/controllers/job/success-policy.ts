import type { JobSpec } from '../../kube/index.ts';
import { countCommon, countIndexes, type Intervals, parseIndexes } from './indexes.ts';

/** Which rule of the success policy the succeeded indexes meet, in words; undefined when none. */
export function successPolicyMatch(spec: JobSpec, succeeded: Intervals): string | undefined {
  if (succeeded.length === 0) return undefined;
  const index = (spec.successPolicy?.rules ?? []).findIndex(({ succeededIndexes, succeededCount }) => {
    if (succeededIndexes === undefined) {
      return succeededCount !== undefined && countIndexes(succeeded) >= succeededCount;
    }
    const wanted = parseIndexes(succeededIndexes, spec.completions ?? 0);
    if (wanted.length === 0) return false;
    const met = countCommon(wanted, succeeded);
    return met === countIndexes(wanted) || (succeededCount !== undefined && met >= succeededCount);
  });
  return index < 0 ? undefined : `Matched rules at index ${index}`;
}
