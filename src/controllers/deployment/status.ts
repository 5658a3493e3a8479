import type {
  Deployment,
  DeploymentCondition,
  DeploymentStatus,
  ReplicaSet,
  Stored,
} from '../../kube/index.ts';
import { maxUnavailable, replicasOf } from './fenceposts.ts';
import { availableOf, sum } from './replica-sets.ts';

export type Conditions = readonly DeploymentCondition[];
export type ConditionText = Pick<DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>;

export function conditionOf(conditions: Conditions, type: string): DeploymentCondition | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** The condition as of now. */
export function withCondition(conditions: Conditions, text: ConditionText, nowText: string): Conditions {
  return setCondition(conditions, { ...text, lastUpdateTime: nowText, lastTransitionTime: nowText });
}

/** The condition set, at the end; one of the same status and reason stays as it is (SetDeploymentCondition). */
export function setCondition(conditions: Conditions, condition: DeploymentCondition): Conditions {
  const before = conditionOf(conditions, condition.type);
  if (before?.status !== condition.status) {
    return [...withoutCondition(conditions, condition.type), condition];
  }
  if (before.reason === condition.reason) return conditions;
  const { lastTransitionTime } = before;
  return [...withoutCondition(conditions, condition.type), { ...condition, lastTransitionTime }];
}

export function withoutCondition(conditions: Conditions, type: string): Conditions {
  return conditions.filter((condition) => condition.type !== type);
}

/** Whether somebody wants to hear of an update that does not get on. */
export function progressDeadlineMs({ spec }: Deployment): number | undefined {
  const seconds = spec?.progressDeadlineSeconds;
  return seconds === undefined || seconds === 2 ** 31 - 1 ? undefined : seconds * 1000;
}

/** Paused and Resumed: the time of a pause does not count as lack of progress. */
export function pausedCondition(deployment: Deployment, conditions: Conditions): ConditionText | undefined {
  const progressing = conditionOf(conditions, 'Progressing');
  if (progressDeadlineMs(deployment) === undefined || progressing?.reason === 'ProgressDeadlineExceeded') {
    return undefined;
  }
  const paused = deployment.spec?.paused === true;
  if (paused === (progressing?.reason === 'DeploymentPaused')) return undefined;
  return {
    type: 'Progressing',
    status: 'Unknown',
    reason: paused ? 'DeploymentPaused' : 'DeploymentResumed',
    message: paused ? 'Deployment is paused' : 'Deployment is resumed',
  };
}

export interface StatusInput {
  readonly deployment: Stored<Deployment>;
  /** What is known by now, beyond what is stored. */
  readonly conditions: Conditions;
  readonly newest: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  readonly collisionCount: number | undefined;
  readonly nowText: string;
}

/** Counts and the Available condition (calculateStatus). */
export function computeStatus(input: StatusInput): DeploymentStatus {
  const { deployment, newest, old, conditions, collisionCount, nowText } = input;
  const all = newest ? [...old, newest] : old;
  const available = sum(all, availableOf);
  const enough = available >= replicasOf(deployment) - maxUnavailable(deployment);
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: sum(all, ({ status }) => status?.replicas),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sum(all, ({ status }) => status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all, replicasOf) - available),
    terminatingReplicas: terminating(all),
    collisionCount,
    conditions: withCondition(
      conditions,
      {
        type: 'Available',
        status: enough ? 'True' : 'False',
        reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
        message: `Deployment ${enough ? 'has' : 'does not have'} minimum availability.`,
      },
      nowText,
    ),
  };
}

/** Unknown as long as one of the sets that was looked at does not tell. */
function terminating(all: readonly ReplicaSet[]): number | undefined {
  const silent = all.some(
    ({ status }) => (status?.observedGeneration ?? 0) > 0 && status?.terminatingReplicas === undefined,
  );
  return silent ? undefined : sum(all, ({ status }) => status?.terminatingReplicas);
}
