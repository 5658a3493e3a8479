import type { Deployment, ReplicaSet, Stored } from '../../kube/index.ts';
import { sameTemplate } from '../workload/index.ts';
import { ANN_DESIRED_REPLICAS, countOf, revisionOf } from './annotations.ts';
import { replicasOf } from './fenceposts.ts';

type Sets = readonly Stored<ReplicaSet>[];
type Order = (a: Stored<ReplicaSet>, b: Stored<ReplicaSet>) => number;

export const oldestFirst: Order = (a, b) =>
  a.metadata.creationTimestamp.localeCompare(b.metadata.creationTimestamp) ||
  (a.metadata.name < b.metadata.name ? -1 : 1);

export const lowestRevisionFirst: Order = (a, b) => {
  const [first, second] = [revisionOf(a), revisionOf(b)];
  if (first === undefined || second === undefined) return oldestFirst(a, b);
  return first - second || oldestFirst(a, b);
};

/** The set whose template is the deployment's; of several the oldest. */
export function findNewest(deployment: Deployment, sets: Sets): Stored<ReplicaSet> | undefined {
  return [...sets]
    .sort(oldestFirst)
    .find((set) => sameTemplate(set.spec?.template, deployment.spec?.template));
}

export function active(sets: Sets): Stored<ReplicaSet>[] {
  return sets.filter((set) => replicasOf(set) > 0);
}

export function sum(sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number | undefined): number {
  return sets.reduce((total, set) => total + (count(set) ?? 0), 0);
}

export const availableOf = ({ status }: ReplicaSet): number => status?.availableReplicas ?? 0;

/** The deployment's size was changed since its sets were last sized. */
export function isScalingEvent(deployment: Deployment, sets: Sets): boolean {
  return active(sets).some((set) => {
    const desired = countOf(set, ANN_DESIRED_REPLICAS);
    return desired !== undefined && desired !== replicasOf(deployment);
  });
}

/** The newest set has all the pods that are wanted, and knows it. */
export function isSaturated(deployment: Deployment, newest: ReplicaSet | undefined): boolean {
  const wanted = replicasOf(deployment);
  return (
    newest !== undefined &&
    replicasOf(newest) === wanted &&
    countOf(newest, ANN_DESIRED_REPLICAS) === wanted &&
    availableOf(newest) === wanted
  );
}

/** Old sets beyond the history limit, lowest revision first; those that still have or make pods stay. */
export function setsToDelete(deployment: Deployment, old: Sets): Stored<ReplicaSet>[] {
  const limit = deployment.spec?.revisionHistoryLimit;
  if (limit === undefined || limit === 2 ** 31 - 1) return [];
  const alive = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return [...alive]
    .sort(lowestRevisionFirst)
    .slice(0, Math.max(0, alive.length - limit))
    .filter(
      (set) =>
        (set.status?.replicas ?? 0) === 0 &&
        replicasOf(set) === 0 &&
        (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0),
    );
}
