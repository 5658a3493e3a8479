import {
  isBeingDeleted,
  isPodTerminal,
  type OwnerReference,
  type PersistentVolumeClaim,
  type Pod,
  type PodTemplateSpec,
  type StatefulSet,
  type Stored,
} from '../../kube/index.ts';
import { isAvailable } from '../workload/index.ts';
import {
  claimIsStale,
  claimOwnersToSet,
  hasConflictingController,
  ownersByPolicy,
} from './claim-retention.ts';
import {
  claimsFor,
  identityMatches,
  isInOrdinalRange,
  newPod,
  ordinalOf,
  replicasOf,
  startOrdinal,
  storageMatches,
  withIdentity,
} from './identity.ts';
import { isCreated, isRunningAndReady, isUnavailable } from './pod-state.ts';
import { computeStatus, type SetStatus } from './status.ts';
import { podsToUpdate } from './update-strategy.ts';

/** One write. Each can be done again without harm. */
export type Action =
  | { readonly type: 'create-claim'; readonly claim: PersistentVolumeClaim; readonly pod: Pod }
  | {
      readonly type: 'own-claim';
      readonly claim: Stored<PersistentVolumeClaim>;
      readonly owners: OwnerReference[];
    }
  /** Another controller manages the claim, so the retention policy is not for it: that is told. */
  | { readonly type: 'claim-conflict'; readonly claim: Stored<PersistentVolumeClaim> }
  | { readonly type: 'create-pod'; readonly pod: Pod }
  | { readonly type: 'update-pod'; readonly pod: Stored<Pod> }
  /** `isOutdated`: for the rolling update. It is of the current revision no more once that has succeeded. */
  | { readonly type: 'delete-pod'; readonly pod: Stored<Pod>; readonly isOutdated?: boolean }
  /** The pod cannot be made now; `message` says why. Tried again with back-off. */
  | { readonly type: 'blocked'; readonly pod: Pod; readonly message: string };

export interface RevisionTemplate {
  readonly name: string;
  readonly template: PodTemplateSpec;
}

export interface PlanInput {
  readonly set: Stored<StatefulSet>;
  /** The set's pods. */
  readonly pods: readonly Stored<Pod>[];
  claim(name: string): Stored<PersistentVolumeClaim> | undefined;
  readonly current: RevisionTemplate;
  readonly update: RevisionTemplate;
  readonly collisionCount: number;
  readonly nowMs: number;
}

export interface Plan {
  /** Before anything is done. */
  readonly status: SetStatus;
  /** What belongs together, in order. An OrderedReady set does one step after another, a Parallel one several at once. */
  readonly steps: readonly (readonly Action[])[];
  readonly parallel: boolean;
}

/**
 * What to do next about a set: pods in the order of their ordinals, each running, ready and available before the next
 * is made (unless Parallel); then those beyond the range deleted from the highest; then those of an old revision.
 * Rules: pkg/controller/statefulset, updateStatefulSet.
 */
export function plan(input: PlanInput): Plan {
  const { set, nowMs, current, update, collisionCount } = input;
  const parallel = set.spec?.podManagementPolicy === 'Parallel';
  const minReadySeconds = set.spec?.minReadySeconds ?? 0;
  const { replicas, condemned } = partition(input);
  const status = computeStatus(
    set,
    [...replicas, ...condemned],
    { current: current.name, update: update.name },
    collisionCount,
    nowMs,
  );
  const steps: Action[][] = [];
  const done = (): Plan => ({ status, steps: steps.filter((step) => step.length > 0), parallel });
  if (isBeingDeleted(set)) return done();

  for (const pod of replicas) {
    const { actions, blocks } = planReplica(input, pod, parallel);
    steps.push(actions);
    if (blocks && !parallel) return done();
  }

  for (const pod of condemned) steps.push(ownClaims(input, pod));
  const firstUnavailable =
    replicas.find((pod) => isUnavailable(pod, minReadySeconds, nowMs)) ??
    condemned.findLast((pod) => isUnavailable(pod, minReadySeconds, nowMs));
  for (const pod of condemned) {
    if (isBeingDeleted(pod)) {
      if (parallel) continue;
      return done();
    }
    const healthy = isRunningAndReady(pod) && isAvailable(pod, minReadySeconds, nowMs);
    if (!parallel && !healthy && pod !== firstUnavailable) return done();
    steps.push([{ type: 'delete-pod', pod }]);
    if (!parallel) return done();
  }

  for (const pod of podsToUpdate(set, replicas, update.name, nowMs))
    steps.push([{ type: 'delete-pod', pod, isOutdated: true }]);
  return done();
}

/** The status once an action of the plan has succeeded: all else shows when the pods do. */
export function statusAfter(status: SetStatus, action: Action): SetStatus {
  const isReplaced = action.type === 'delete-pod' && action.isOutdated;
  return isReplaced ? { ...status, currentReplicas: status.currentReplicas - 1 } : status;
}

/** Pods by place: those in the range of ordinals, with planned ones where none is; those beyond it, highest first. */
function partition(input: PlanInput): { replicas: (Pod | Stored<Pod>)[]; condemned: Stored<Pod>[] } {
  const { set, pods } = input;
  const start = startOrdinal(set);
  const byOrdinal = new Map(pods.map((pod) => [ordinalOf(pod), pod]));
  const replicas = Array.from(
    { length: replicasOf(set) },
    (_, index) => byOrdinal.get(start + index) ?? plannedPod(input, start + index),
  );
  const condemned = pods
    .filter((pod) => ordinalOf(pod) >= 0 && !isInOrdinalRange(set, ordinalOf(pod)))
    .sort((a, b) => ordinalOf(b) - ordinalOf(a));
  return { replicas, condemned };
}

/** A pod at the current revision below the partition, at the update revision from there on. */
function plannedPod({ set, current, update }: PlanInput, ordinal: number): Pod {
  const { updateStrategy } = set.spec ?? {};
  const rollingUpdate = updateStrategy?.rollingUpdate;
  const keep =
    rollingUpdate !== undefined
      ? (rollingUpdate.partition ?? 0)
      : updateStrategy?.type === 'RollingUpdate'
        ? (set.status?.currentReplicas ?? 0)
        : 0;
  const revision = ordinal < startOrdinal(set) + keep ? current : update;
  return newPod(set, revision.template, revision.name, ordinal);
}

/** `blocks`: in an ordered set nothing after this pod is looked at. */
function planReplica(
  input: PlanInput,
  pod: Pod | Stored<Pod>,
  parallel: boolean,
): { actions: Action[]; blocks: boolean } {
  const { set, nowMs } = input;
  if (isPodTerminal(pod)) {
    const actions: Action[] = isBeingDeleted(pod) ? [] : [{ type: 'delete-pod', pod: pod as Stored<Pod> }];
    return { actions, blocks: true };
  }
  if (!isCreated(pod)) return { actions: planCreation(input, pod), blocks: true };
  const actions: Action[] = [];
  if (pod.status?.phase === 'Pending') {
    const claims = missingClaims(input, pod);
    if (typeof claims === 'string')
      return { actions: [{ type: 'blocked', pod, message: claims }], blocks: true };
    actions.push(...claims);
  }
  const settled =
    !isBeingDeleted(pod) && isRunningAndReady(pod) && isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs);
  if (!settled && !parallel) {
    if (pod.status?.phase === 'Pending') actions.push(...ownClaims(input, pod));
    return { actions, blocks: true };
  }
  if (!storageMatches(set, pod) || !identityMatches(set, pod)) {
    const claims = missingClaims(input, pod);
    if (typeof claims === 'string')
      return { actions: [{ type: 'blocked', pod, message: claims }], blocks: true };
    if (actions.length === 0) actions.push(...claims);
    actions.push({ type: 'update-pod', pod: withIdentity(set, pod as Stored<Pod>, ordinalOf(pod)) });
  }
  return { actions: [...actions, ...ownClaims(input, pod)], blocks: false };
}

function planCreation(input: PlanInput, pod: Pod): Action[] {
  const { set } = input;
  const existing = claimsFor(set, ordinalOf(pod)).flatMap(
    (claim) => input.claim(claim.metadata!.name!) ?? [],
  );
  // Its deletion is watched: nothing to do until then.
  if (existing.some((claim) => claimIsStale(claim, set, pod))) return [];
  const claims = missingClaims(input, pod);
  if (typeof claims === 'string') return [{ type: 'blocked', pod, message: claims }];
  return [...claims, { type: 'create-pod', pod }, ...ownClaims(input, pod)];
}

/** The claims of the pod that do not exist, to be made; or why they cannot be. */
function missingClaims(input: PlanInput, pod: Pod): Action[] | string {
  const { set } = input;
  const actions: Action[] = [];
  const leaving: string[] = [];
  for (const claim of claimsFor(set, ordinalOf(pod))) {
    const found = input.claim(claim.metadata!.name!);
    if (found?.metadata.deletionTimestamp !== undefined) leaving.push(found.metadata.name);
    if (found) continue;
    const ownerReferences = ownersByPolicy(set, pod);
    const metadata = ownerReferences.length > 0 ? { ...claim.metadata, ownerReferences } : claim.metadata;
    actions.push({ type: 'create-claim', claim: { ...claim, metadata }, pod });
  }
  if (leaving.length === 0) return actions;
  return leaving.map((name) => `pvc ${name} is being deleted`).join(', ');
}

/** Gives the pod's claims the owners that the retention policy asks for. */
function ownClaims(input: PlanInput, pod: Pod): Action[] {
  const { set } = input;
  return claimsFor(set, ordinalOf(pod)).flatMap((template): Action[] => {
    const claim = input.claim(template.metadata!.name!);
    if (!claim) return [];
    const owners = claimOwnersToSet(claim, set, pod);
    return [
      ...(hasConflictingController(claim, set, pod) ? [{ type: 'claim-conflict', claim } as const] : []),
      ...(owners ? [{ type: 'own-claim', claim, owners } as const] : []),
    ];
  });
}
