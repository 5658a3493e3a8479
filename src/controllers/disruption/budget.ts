import type {
  LabelSelector,
  Pod,
  PodDisruptionBudget,
  PodDisruptionBudgetStatus,
  Stored,
} from '../../kube/index.ts';
import { isReady, scaled } from '../workload/index.ts';

/** A pod whose eviction was allowed counts as gone for so long; if it is there then, it counts again. */
const DELETION_TIMEOUT_MS = 120_000;
/** A pod that says that it is disrupted and is not takes it back after so long. */
const STALE_CONDITION_MS = 120_000;

type Budget = Stored<PodDisruptionBudget>;
type Conditions = NonNullable<PodDisruptionBudgetStatus['conditions']>;

/** Whether the budget counts against the size of the pods' controllers, not against the pods there are. */
export function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string';
}

export interface Expectation {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
}

/** @param scale the sum of the sizes of the pods' controllers; only when `needsScale` */
export function expectation({ spec }: PodDisruptionBudget, pods: number, scale: number): Expectation {
  const { maxUnavailable, minAvailable } = spec ?? {};
  if (maxUnavailable !== undefined) {
    const desired = scale - scaled(maxUnavailable, scale, 'up');
    return { expectedPods: scale, desiredHealthy: Math.max(0, desired) };
  }
  if (typeof minAvailable === 'string') {
    return { expectedPods: scale, desiredHealthy: scaled(minAvailable, scale, 'up') };
  }
  if (minAvailable === undefined) return { expectedPods: 0, desiredHealthy: 0 };
  return { expectedPods: pods, desiredHealthy: Number(minAvailable) };
}

export interface Disruptions {
  /** Pods that are expected to go, by name, and since when. */
  readonly expected: Readonly<Record<string, string>>;
  /** Pods that were expected to go and have not. */
  readonly missed: readonly Stored<Pod>[];
  /** Milliseconds until the next of the expected is overdue. */
  readonly recheckMs: number | undefined;
}

export function disruptions({ status }: Budget, pods: readonly Stored<Pod>[], nowMs: number): Disruptions {
  const expected: Record<string, string> = {};
  const missed: Stored<Pod>[] = [];
  const waits: number[] = [];
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const since = status?.disruptedPods?.[name];
    if (since === undefined || deletionTimestamp !== undefined) continue;
    const leftMs = Date.parse(since) + DELETION_TIMEOUT_MS - nowMs;
    if (leftMs < 0) {
      missed.push(pod);
      continue;
    }
    expected[name] = since;
    waits.push(leftMs + 1);
  }
  return { expected, missed, recheckMs: waits.length > 0 ? Math.min(...waits) : undefined };
}

/** The status of a budget, with the condition that says whether pods may be evicted. */
export function budgetStatus(
  budget: Budget,
  pods: readonly Stored<Pod>[],
  { expectedPods, desiredHealthy }: Expectation,
  { expected }: Disruptions,
  nowText: string,
): PodDisruptionBudgetStatus {
  const healthy = pods.filter(
    (pod) => pod.metadata.deletionTimestamp === undefined && !(pod.metadata.name in expected) && isReady(pod),
  ).length;
  const surplus = expectedPods > 0 ? Math.max(0, healthy - desiredHealthy) : 0;
  const observedGeneration = budget.metadata.generation;
  const allowed = surplus > 0;
  const condition = {
    type: 'DisruptionAllowed',
    status: allowed ? 'True' : 'False',
    reason: allowed ? 'SufficientPods' : 'InsufficientPods',
    message: '',
    observedGeneration,
  };
  return {
    currentHealthy: healthy,
    desiredHealthy,
    expectedPods,
    disruptionsAllowed: surplus,
    ...(Object.keys(expected).length > 0 ? { disruptedPods: expected } : {}),
    observedGeneration,
    conditions: withCondition(budget.status?.conditions, condition, nowText),
  };
}

/** Nothing is evicted as long as nobody knows what may be. */
export function failedStatus(budget: Budget, message: string, nowText: string): PodDisruptionBudgetStatus {
  const status = budget.status ?? {
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    disruptionsAllowed: 0,
  };
  const { observedGeneration } = status;
  const condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'SyncFailed',
    message,
    observedGeneration,
  };
  return {
    ...status,
    disruptionsAllowed: 0,
    conditions: withCondition(status.conditions, condition, nowText),
  };
}

function withCondition(
  conditions: Conditions | undefined,
  condition: Omit<Conditions[number], 'lastTransitionTime'>,
  nowText: string,
): Conditions {
  const known = conditions ?? [];
  const before = known.find(({ type }) => type === condition.type);
  const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : nowText;
  const set = { ...condition, lastTransitionTime };
  return before ? known.map((one) => (one === before ? set : one)) : [...known, set];
}

/** Milliseconds until a pod's DisruptionTarget condition is to be taken back; undefined when it is not. */
export function staleConditionMs(pod: Pod, nowMs: number): number | undefined {
  const { phase, conditions } = pod.status ?? {};
  if (pod.metadata?.deletionTimestamp !== undefined || phase === 'Failed' || phase === 'Succeeded')
    return undefined;
  const condition = conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  // A node takes its time to end a pod.
  if (!condition || condition.reason === 'TerminationByKubelet') return undefined;
  return Math.max(0, Date.parse(condition.lastTransitionTime ?? '') + STALE_CONDITION_MS - nowMs);
}

/** A selector as Go prints it. */
export function goSelector({ matchLabels, matchExpressions }: LabelSelector): string {
  const labels = Object.entries(matchLabels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}: ${value},`)
    .join('');
  const expressions = (matchExpressions ?? [])
    .map(
      ({ key, operator, values = [] }) =>
        `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
    )
    .join('');
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:[]LabelSelectorRequirement{${expressions}},}`;
}
