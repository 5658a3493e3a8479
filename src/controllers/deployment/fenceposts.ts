import type { Deployment, ReplicaSet } from '../../kube/index.ts';
import { scaled } from '../workload/index.ts';

export function replicasOf({ spec }: Deployment | ReplicaSet): number {
  return spec?.replicas ?? 1;
}

export function isRollingUpdate({ spec }: Deployment): boolean {
  return (spec?.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}

/** Pods beyond the wanted number that an update may make. */
export function maxSurge(deployment: Deployment): number {
  return isRollingUpdate(deployment) ? fenceposts(deployment).surge : 0;
}

/** Pods of the wanted number that an update may do without. */
export function maxUnavailable(deployment: Deployment): number {
  const replicas = replicasOf(deployment);
  if (!isRollingUpdate(deployment) || replicas === 0) return 0;
  return Math.min(fenceposts(deployment).unavailable, replicas);
}

/** Surge is rounded up, unavailable down; they are never both zero, or nothing would move (ResolveFenceposts). */
function fenceposts({ spec }: Deployment): { surge: number; unavailable: number } {
  const rolling = spec?.strategy?.rollingUpdate;
  const replicas = spec?.replicas ?? 1;
  const surge = scaled(rolling?.maxSurge, replicas, 'up');
  const unavailable = scaled(rolling?.maxUnavailable, replicas, 'down');
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
}

/** The size of the newest replica set after the next step (NewRSNewReplicas). */
export function newestSize(deployment: Deployment, all: readonly ReplicaSet[], newest: number): number {
  const wanted = replicasOf(deployment);
  if (!isRollingUpdate(deployment)) return wanted;
  const most = wanted + scaled(deployment.spec?.strategy?.rollingUpdate?.maxSurge, wanted, 'up');
  const present = all.reduce((sum, set) => sum + replicasOf(set), 0);
  if (present >= most) return newest;
  return newest + Math.min(most - present, wanted - newest);
}
