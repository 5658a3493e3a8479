import {
  matchesSelector,
  type Pod,
  type ReplicaSet,
  type ReplicaSetStatus,
  type Stored,
} from '../../kube/index.ts';
import { isAvailable, isReady } from '../workload/index.ts';

type Condition = NonNullable<ReplicaSetStatus['conditions']>[number];

export interface StatusInput {
  readonly set: Stored<ReplicaSet>;
  readonly active: readonly Pod[];
  readonly terminating: readonly Pod[];
  /** Why pods could not be made or deleted. */
  readonly failure: string | undefined;
  readonly nowMs: number;
  readonly nowText: string;
}

/** The status that the set should have (pkg/controller/replicaset, calculateStatus). */
export function computeStatus(input: StatusInput): ReplicaSetStatus {
  const { set, active, terminating, nowMs } = input;
  const template = Object.entries(set.spec?.template?.metadata?.labels ?? {}).map(
    ([key, value]) => ({ key, operator: 'In', values: [value] }) as const,
  );
  const ready = active.filter(isReady);
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  return {
    replicas: active.length,
    fullyLabeledReplicas: active.filter(({ metadata }) => matchesSelector(template, metadata?.labels)).length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length,
    terminatingReplicas: terminating.length,
    observedGeneration: set.metadata.generation,
    conditions: conditions(input),
  };
}

/** A failure that is known already keeps its words. */
function conditions({ set, active, failure, nowText }: StatusInput): Condition[] {
  const known = set.status?.conditions ?? [];
  const failed = known.some(({ type }) => type === 'ReplicaFailure');
  if (failure === undefined) return known.filter(({ type }) => type !== 'ReplicaFailure');
  if (failed) return [...known];
  const reason = active.length < (set.spec?.replicas ?? 1) ? 'FailedCreate' : 'FailedDelete';
  const condition = { type: 'ReplicaFailure', status: 'True', reason, message: failure };
  return [...known, { ...condition, lastTransitionTime: nowText }];
}
