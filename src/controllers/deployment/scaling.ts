import type { Deployment, ReplicaSet, Stored } from '../../kube/index.ts';
import { ANN_MAX_REPLICAS, countOf } from './annotations.ts';
import { isRollingUpdate, maxSurge, maxUnavailable, newestSize, replicasOf } from './fenceposts.ts';
import { active, availableOf, isSaturated, oldestFirst, sum } from './replica-sets.ts';

/** A set that is to have so many pods. */
export interface Scaling {
  readonly set: Stored<ReplicaSet>;
  readonly to: number;
  /** Its annotations are brought up to date even if its size fits. */
  readonly always?: boolean;
}

type Set = Stored<ReplicaSet>;

/** How the newest set grows or shrinks in a rolling update. */
export function rollNewest(deployment: Deployment, newest: Set, all: readonly Set[]): Scaling[] {
  const [size, wanted] = [replicasOf(newest), replicasOf(deployment)];
  if (size === wanted) return [];
  const to = size > wanted ? wanted : newestSize(deployment, all, size);
  return to === size ? [] : [{ set: newest, to }];
}

/**
 * How the old sets shrink in a rolling update: first what is not available anyway, then as much as the availability
 * that must be kept allows, the oldest set first (reconcileOldReplicaSets).
 */
export function rollOld(deployment: Deployment, newest: Set, old: readonly Set[]): Scaling[] {
  const sets = active(old).sort(oldestFirst);
  if (sets.length === 0) return [];
  const minAvailable = replicasOf(deployment) - maxUnavailable(deployment);
  const unavailableNew = replicasOf(newest) - availableOf(newest);
  let mayGo = sum([...old, newest], replicasOf) - minAvailable - unavailableNew;
  if (mayGo <= 0) return [];

  const sizes = new Map(sets.map((set) => [set, replicasOf(set)]));
  const scalings: Scaling[] = [];
  const shrink = (set: Set, by: number) => {
    const to = sizes.get(set)! - by;
    sizes.set(set, to);
    if (by > 0) scalings.push({ set, to });
  };
  for (const set of sets) {
    const unhealthy = Math.min(mayGo, replicasOf(set) - availableOf(set));
    if (unhealthy <= 0) continue;
    shrink(set, unhealthy);
    mayGo -= unhealthy;
  }
  let surplus = sum([...sets, newest], availableOf) - minAvailable;
  for (const set of sets) {
    const healthy = Math.min(sizes.get(set)!, surplus);
    if (healthy <= 0) continue;
    shrink(set, healthy);
    surplus -= healthy;
  }
  return scalings;
}

/**
 * How sets change with the deployment's size, while it is paused or in the middle of an update: in proportion to their
 * sizes, so that a bad template does not spread faster than it would have (scale in sync.go).
 */
export function rescale(deployment: Deployment, newest: Set | undefined, old: readonly Set[]): Scaling[] {
  const all = newest ? [...old, newest] : [...old];
  const alive = active(all);
  const wanted = replicasOf(deployment);
  if (alive.length <= 1) {
    const only = alive[0] ?? newest ?? [...old].sort(oldestFirst).at(-1);
    return only && replicasOf(only) !== wanted ? [{ set: only, to: wanted }] : [];
  }
  if (isSaturated(deployment, newest)) return active(old).map((set) => ({ set, to: 0 }));
  if (!isRollingUpdate(deployment)) return [];
  return inProportion(deployment, alive);
}

function inProportion(deployment: Deployment, sets: readonly Set[]): Scaling[] {
  const wanted = replicasOf(deployment);
  const allowed = wanted > 0 ? wanted + maxSurge(deployment) : 0;
  const toAdd = allowed - sum(sets, replicasOf);
  // Growth prefers the newer of sets of a size, shrinking the older.
  const byAge = toAdd > 0 ? (a: Set, b: Set) => oldestFirst(b, a) : oldestFirst;
  const sorted = toAdd === 0 ? sets : [...sets].sort((a, b) => replicasOf(b) - replicasOf(a) || byAge(a, b));
  let added = 0;
  const sizes = sorted.map((set) => {
    const share = toAdd === 0 || toAdd === added ? 0 : fraction(deployment, set);
    const change = toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
    added += change;
    return replicasOf(set) + change;
  });
  // What rounding leaves over is the largest set's.
  sizes[0] = Math.max(0, sizes[0]! + toAdd - added);
  return sorted.map((set, index) => ({ set, to: sizes[index]!, always: true }));
}

/** By how much a set changes when the deployment's greatest size does (getReplicaSetFraction). */
function fraction(deployment: Deployment, set: ReplicaSet): number {
  const size = replicasOf(set);
  if (replicasOf(deployment) === 0) return -size;
  const most = replicasOf(deployment) + maxSurge(deployment);
  const before = countOf(set, ANN_MAX_REPLICAS) || (deployment.status?.replicas ?? 0);
  return before === 0 ? 0 : Math.round((size * most) / before) - size;
}
