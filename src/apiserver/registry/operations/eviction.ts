import { rfc3339 } from '../../../base/index.ts';
import type { DeleteOptions } from '../../../client/index.ts';
import {
  badRequest,
  changedPodConditions,
  type Eviction,
  forbidden,
  fromLabelSelector,
  matchesSelector,
  type Pod,
  type PodDisruptionBudget,
  podDisruptionBudgets,
  pods,
  StatusError,
  type Stored,
} from '../../../kube/index.ts';
import { checkPreconditions } from './delete.ts';

const MAX_DISRUPTED_PODS = 2000;
const REFUSED = "Cannot evict pod as it would violate the pod's disruption budget.";

/** What an eviction does; all of it in one turn. */
export type EvictionPlan =
  /** More budgets than evictions can reckon with: answered, not thrown, as upstream does. */
  | { readonly refusal: string }
  | {
      /** The budget with one disruption less, where the pod has one that counts. */
      readonly budget?: Stored<PodDisruptionBudget>;
      /** The pod as it is marked before it is deleted. */
      readonly pod: Stored<Pod>;
      readonly options: DeleteOptions;
    };

/**
 * Whether a pod may be evicted, and what has to be written for it. `budgets` are those of its namespace. Rules:
 * Kubernetes 1.36, registry/core/pod/storage EvictionREST.
 * @throws StatusError 400, 403, 429
 */
export function planEviction(
  pod: Stored<Pod>,
  budgets: Iterable<Stored<PodDisruptionBudget>>,
  eviction: Eviction,
  nowMs: number,
): EvictionPlan {
  if (eviction.metadata?.name !== pod.metadata.name)
    throw badRequest('name in URL does not match name in Eviction object');
  const { gracePeriodSeconds, propagationPolicy, preconditions, dryRun } = eviction.deleteOptions ?? {};
  const options: DeleteOptions = {
    gracePeriodSeconds,
    propagationPolicy: propagationPolicy as DeleteOptions['propagationPolicy'],
    preconditions,
    dryRun: (dryRun?.length ?? 0) > 0,
  };
  checkPreconditions(pods, pod, options);
  const marked = { pod: withCondition(pod, nowMs), options };
  if (needsNoBudget(pod)) return marked;
  const own = [...budgets].filter((budget) => covers(budget, pod));
  if (own.length > 1) {
    return {
      refusal:
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    };
  }
  const [budget] = own;
  if (!budget || mayGoUnhealthy(budget, pod)) return marked;
  return { ...marked, budget: charged(budget, pod, nowMs) };
}

/** It disrupts nothing any more, or not yet. */
function needsNoBudget({ metadata, status }: Stored<Pod>): boolean {
  if (metadata.deletionTimestamp) return true;
  return ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '');
}

function covers({ spec }: PodDisruptionBudget, { metadata }: Stored<Pod>): boolean {
  return spec?.selector !== undefined && matchesSelector(fromLabelSelector(spec.selector), metadata.labels);
}

/** A pod that is not ready counts for nothing; whether it may go is the budget's policy. */
function mayGoUnhealthy({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  if (pod.status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True')) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

/** The budget after this disruption. @throws StatusError 403, 429 when it allows none */
function charged(
  budget: Stored<PodDisruptionBudget>,
  pod: Stored<Pod>,
  nowMs: number,
): Stored<PodDisruptionBudget> {
  const { name, generation = 0 } = budget.metadata;
  const status = budget.status ?? {
    disruptionsAllowed: 0,
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
  };
  if ((status.observedGeneration ?? 0) < generation)
    throw tooMany(`The disruption budget ${name} is still being processed by the server.`, 10);
  const refuse = (why: string) =>
    forbidden({ ...podDisruptionBudgets, plural: 'poddisruptionbudget' }, name, why);
  const allowed = status.disruptionsAllowed ?? 0;
  if (allowed < 0) throw refuse('pdb disruptions allowed is negative');
  const disrupted = status.disruptedPods ?? {};
  if (Object.keys(disrupted).length > MAX_DISRUPTED_PODS) {
    throw refuse('DisruptedPods map too big - too many evictions not confirmed by PDB controller');
  }
  if (allowed === 0) throw tooMany(whyNot(budget));
  const disruptionsAllowed = allowed - 1;
  return {
    ...budget,
    status: {
      ...status,
      disruptionsAllowed,
      disruptedPods: { ...disrupted, [pod.metadata.name]: rfc3339(nowMs) },
      ...(disruptionsAllowed === 0 && { conditions: insufficient(status, nowMs) }),
    },
  };
}

function whyNot({ metadata, status }: Stored<PodDisruptionBudget>): string {
  const { name } = metadata;
  const condition = status?.conditions?.find((one) => one.type === 'DisruptionAllowed');
  const denied = condition?.status === 'False' && condition.message ? condition : undefined;
  const none = `The disruption budget ${name} does not allow evicting pods currently`;
  if (denied?.reason === 'SyncFailed') return `${none} because it failed sync: ${denied.message}`;
  const { desiredHealthy = 0, currentHealthy = 0 } = status ?? {};
  if (currentHealthy <= desiredHealthy) {
    return `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
  }
  return denied ? `${none} (${denied.reason}): ${denied.message}` : none;
}

type BudgetStatus = NonNullable<PodDisruptionBudget['status']>;

function insufficient(status: BudgetStatus, nowMs: number): BudgetStatus['conditions'] {
  const conditions = status.conditions ?? [];
  const old = conditions.find((one) => one.type === 'DisruptionAllowed');
  const condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    reason: 'InsufficientPods',
    message: '',
    observedGeneration: status.observedGeneration,
    lastTransitionTime: old?.status === 'False' ? old.lastTransitionTime : rfc3339(nowMs),
  };
  return old ? conditions.map((one) => (one === old ? condition : one)) : [...conditions, condition];
}

function withCondition(pod: Stored<Pod>, nowMs: number): Stored<Pod> {
  const conditions = changedPodConditions(
    pod,
    {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
    },
    rfc3339(nowMs),
  );
  return conditions ? { ...pod, status: { ...pod.status, conditions } } : pod;
}

function tooMany(why: string, retryAfterSeconds?: number): StatusError {
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: REFUSED,
    reason: 'TooManyRequests',
    details: { causes: [{ reason: 'DisruptionBudget', message: why }], retryAfterSeconds },
    code: 429,
  });
}
