import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../kube/index.ts';
import { replicasOf } from './fenceposts.ts';
import {
  type Conditions,
  conditionOf,
  progressDeadlineMs,
  type StatusInput,
  setCondition,
  withCondition,
  withoutCondition,
} from './status.ts';

const PROGRESSING = 'Progressing';
const FAILURE = 'ReplicaFailure';

/** All pods are of the newest template and available, and no old one is left (DeploymentComplete). */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const wanted = replicasOf(deployment);
  return (
    (status.updatedReplicas ?? 0) === wanted &&
    (status.replicas ?? 0) === wanted &&
    (status.availableReplicas ?? 0) === wanted &&
    (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)
  );
}

/** The status of an update under way: with how it gets on, and what its sets complain of (syncRolloutStatus). */
export function rolloutStatus(
  input: StatusInput,
  computed: DeploymentStatus,
  nowMs: number,
): DeploymentStatus {
  const { newest, old } = input;
  const progressed = progressConditions(input, computed, nowMs);
  const failure = failureOf(newest) ?? old.map(failureOf).find((one) => one !== undefined);
  const conditions = failure ? setCondition(progressed, failure) : withoutCondition(progressed, FAILURE);
  return { ...computed, conditions };
}

function progressConditions(input: StatusInput, computed: DeploymentStatus, nowMs: number): Conditions {
  const { deployment, newest, nowText } = input;
  const conditions = computed.conditions ?? [];
  const deadlineMs = progressDeadlineMs(deployment);
  if (deadlineMs === undefined) return withoutCondition(conditions, PROGRESSING);
  const current = conditionOf(input.conditions, PROGRESSING);
  const wasComplete =
    computed.replicas === computed.updatedReplicas && current?.reason === 'NewReplicaSetAvailable';
  if (wasComplete) return conditions;
  const subject = newest
    ? `ReplicaSet "${newest.metadata?.name}"`
    : `Deployment "${deployment.metadata.name}"`;

  if (isComplete(deployment, computed)) {
    const message = `${subject} has successfully progressed.`;
    const reason = 'NewReplicaSetAvailable';
    return withCondition(conditions, { type: PROGRESSING, status: 'True', reason, message }, nowText);
  }
  if (isProgressing(deployment.status, computed)) {
    const lastTransitionTime = current?.status === 'True' ? current.lastTransitionTime : nowText;
    const reason = 'ReplicaSetUpdated';
    // Each progress counts, also one with the reason that is there already.
    return [
      ...withoutCondition(conditions, PROGRESSING),
      {
        type: PROGRESSING,
        status: 'True',
        reason,
        message: `${subject} is progressing.`,
        lastUpdateTime: nowText,
        lastTransitionTime,
      },
    ];
  }
  if (!hasTimedOut(current, deadlineMs, nowMs)) return conditions;
  const message = `${subject} has timed out progressing.`;
  const reason = 'ProgressDeadlineExceeded';
  return withCondition(conditions, { type: PROGRESSING, status: 'False', reason, message }, nowText);
}

/** More pods are new, ready or available than before, or fewer are old (DeploymentProgressing). */
function isProgressing(before: DeploymentStatus | undefined, now: DeploymentStatus): boolean {
  const old = ({ replicas = 0, updatedReplicas = 0 }: DeploymentStatus) => replicas - updatedReplicas;
  return (
    (now.updatedReplicas ?? 0) > (before?.updatedReplicas ?? 0) ||
    old(now) < old(before ?? {}) ||
    (now.readyReplicas ?? 0) > (before?.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before?.availableReplicas ?? 0)
  );
}

function hasTimedOut(condition: DeploymentCondition | undefined, deadlineMs: number, nowMs: number): boolean {
  if (!condition || condition.reason === 'NewReplicaSetAvailable') return false;
  if (condition.reason === 'ProgressDeadlineExceeded') return true;
  return Date.parse(condition.lastUpdateTime ?? '') + deadlineMs < nowMs;
}

/** Milliseconds until the update must be looked at again because it may have timed out. */
export function nextProgressCheck(
  deployment: Deployment,
  status: DeploymentStatus,
  nowMs: number,
): number | undefined {
  const deadlineMs = progressDeadlineMs(deployment);
  const condition = conditionOf(status.conditions ?? [], PROGRESSING);
  if (deadlineMs === undefined || !condition || isComplete(deployment, status)) return undefined;
  if (condition.reason === 'ProgressDeadlineExceeded') return undefined;
  // A second more, so that it is certainly past.
  return Math.max(0, Date.parse(condition.lastUpdateTime ?? '') + deadlineMs - nowMs) + 1000;
}

function failureOf(set: ReplicaSet | undefined): DeploymentCondition | undefined {
  const condition = set?.status?.conditions?.find(({ type }) => type === FAILURE);
  return condition && { ...condition, lastUpdateTime: condition.lastTransitionTime };
}
