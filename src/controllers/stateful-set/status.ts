import { isBeingDeleted, type Pod, type StatefulSet } from '../../kube/index.ts';
import { isAvailable } from '../workload/index.ts';
import { replicasOf } from './identity.ts';
import { isCreated, isRunningAndReady, revisionOf } from './pod-state.ts';

/** The part of StatefulSetStatus that the controller writes. */
export interface SetStatus {
  readonly observedGeneration: number;
  readonly replicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  readonly currentReplicas: number;
  readonly updatedReplicas: number;
  readonly currentRevision: string;
  readonly updateRevision: string;
  readonly collisionCount: number;
}

export interface RevisionNames {
  readonly current: string;
  readonly update: string;
}

export function computeStatus(
  set: StatefulSet,
  pods: readonly Pod[],
  revisions: RevisionNames,
  collisionCount: number,
  nowMs: number,
): SetStatus {
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const ready = pods.filter(isRunningAndReady);
  const alive = pods.filter((pod) => isCreated(pod) && !isBeingDeleted(pod));
  return {
    observedGeneration: set.metadata?.generation ?? 0,
    replicas: pods.filter(isCreated).length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length,
    currentReplicas: alive.filter((pod) => revisionOf(pod) === revisions.current).length,
    updatedReplicas: alive.filter((pod) => revisionOf(pod) === revisions.update).length,
    currentRevision: revisions.current,
    updateRevision: revisions.update,
    collisionCount,
  };
}

/** The status with a finished rolling update taken as the current state. */
export function completeRollingUpdate(set: StatefulSet, status: SetStatus): SetStatus {
  const replicas = replicasOf(set);
  const complete =
    updateStrategy(set) === 'RollingUpdate' &&
    status.updatedReplicas === replicas &&
    status.readyReplicas === replicas &&
    status.replicas === replicas;
  if (!complete) return status;
  return { ...status, currentReplicas: status.updatedReplicas, currentRevision: status.updateRevision };
}

export function updateStrategy(set: StatefulSet): string {
  return set.spec?.updateStrategy?.type ?? 'RollingUpdate';
}
