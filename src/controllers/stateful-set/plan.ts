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

/** What can be done again without harm: a write, or the claims of a pod. */
export type Action =
  /** All that can be made are, before it is said why others cannot: those that are there are being deleted. */
  | { readonly type: 'create-claims'; readonly claims: readonly PersistentVolumeClaim[]; readonly pod: Pod }
  | {
      readonly type: 'own-claim';
      readonly claim: Stored<PersistentVolumeClaim>;
      readonly owners: OwnerReference[];
      /** Whose claim it is; undefined when the set has no place for that pod any more. */
      readonly pod: Pod | undefined;
    }
  /** Another controller manages the claim, so the retention policy is not for it: that is told. */
  | { readonly type: 'claim-conflict'; readonly claim: Stored<PersistentVolumeClaim> }
  | { readonly type: 'create-pod'; readonly pod: Pod }
  | { readonly type: 'update-pod'; readonly pod: Stored<Pod> }
  /** `isOutdated`: for the rolling update. It is of the current revision no more once that has succeeded. */
  | { readonly type: 'delete-pod'; readonly pod: Stored<Pod>; readonly isOutdated?: boolean };

/** What belongs together, in order. */
export type Step = readonly Action[];

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
  /** One after another. An OrderedReady set does one step of a phase after another, a Parallel one several at once. */
  readonly phases: readonly (readonly Step[])[];
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
  const [making, owning, scaling, updating]: [Step[], Step[], Step[], Step[]] = [[], [], [], []];
  const done = (): Plan => {
    const phases = [making, owning, scaling, updating].map((steps) =>
      steps.filter(({ length }) => length > 0),
    );
    return { status, phases: phases.filter(({ length }) => length > 0), parallel };
  };
  if (isBeingDeleted(set)) return done();

  for (const pod of replicas) {
    const { actions, blocks } = planReplica(input, pod, parallel);
    making.push(actions);
    if (blocks && !parallel) return done();
  }

  for (const pod of condemned)
    owning.push(claimsMatchPolicy(input, pod) ? [] : ownClaims(input, pod, undefined));
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
    scaling.push([{ type: 'delete-pod', pod }]);
    if (!parallel) return done();
  }

  for (const pod of podsToUpdate(set, replicas, update.name, nowMs))
    updating.push([{ type: 'delete-pod', pod, isOutdated: true }]);
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
  const isPending = pod.status?.phase === 'Pending';
  const pending = isPending ? [...missingClaims(input, pod), ...ownClaims(input, pod, pod)] : [];
  const settled =
    !isBeingDeleted(pod) && isRunningAndReady(pod) && isAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs);
  if (!settled && !parallel) return { actions: pending, blocks: true };
  const hasStorage = storageMatches(set, pod);
  const owns = isPending || claimsMatchPolicy(input, pod);
  if (hasStorage && owns && identityMatches(set, pod)) return { actions: pending, blocks: false };
  const actions: Action[] = [
    ...pending,
    ...(hasStorage || isPending ? [] : missingClaims(input, pod)),
    ...(owns ? [] : ownClaims(input, pod, pod)),
    // Also where only its claims have other owners, as upstream.
    { type: 'update-pod', pod: withIdentity(set, pod as Stored<Pod>, ordinalOf(pod)) },
  ];
  return { actions, blocks: false };
}

function planCreation(input: PlanInput, pod: Pod): Action[] {
  const { set } = input;
  const existing = claimsFor(set, ordinalOf(pod)).flatMap(
    (claim) => input.claim(claim.metadata!.name!) ?? [],
  );
  // Its deletion is watched: nothing to do until then.
  if (existing.some((claim) => claimIsStale(claim, set, pod))) return [];
  return [...missingClaims(input, pod), { type: 'create-pod', pod }, ...ownClaims(input, pod, pod)];
}

/** The claims of the pod that do not exist, to be made, and those that are being deleted. */
function missingClaims(input: PlanInput, pod: Pod): Action[] {
  const { set } = input;
  const claims = claimsFor(set, ordinalOf(pod)).flatMap((claim): PersistentVolumeClaim[] => {
    const found = input.claim(claim.metadata!.name!);
    if (found) return isBeingDeleted(found) ? [found] : [];
    const ownerReferences = ownersByPolicy(set, pod);
    const metadata = ownerReferences.length > 0 ? { ...claim.metadata, ownerReferences } : claim.metadata;
    return [{ ...claim, metadata }];
  });
  return claims.length > 0 ? [{ type: 'create-claims', claims, pod }] : [];
}

/** Whether the pod's claims have the owners that the retention policy asks for. (ClaimsMatchRetentionPolicy) */
function claimsMatchPolicy({ set, claim }: PlanInput, pod: Pod): boolean {
  return claimsFor(set, ordinalOf(pod)).every(({ metadata }) => {
    const found = claim(metadata!.name!);
    return !found || !claimOwnersToSet(found, set, pod);
  });
}

/** Gives the pod's claims those owners. (UpdatePodClaimForRetentionPolicy) @param toTell the pod, if it is one of the set's places */
function ownClaims(input: PlanInput, pod: Pod, toTell: Pod | undefined): Action[] {
  const { set } = input;
  return claimsFor(set, ordinalOf(pod)).flatMap((template): Action[] => {
    const claim = input.claim(template.metadata!.name!);
    if (!claim) return [];
    const owners = claimOwnersToSet(claim, set, pod);
    return [
      ...(hasConflictingController(claim, set, pod) ? [{ type: 'claim-conflict', claim } as const] : []),
      ...(owners ? [{ type: 'own-claim', claim, owners, pod: toTell } as const] : []),
    ];
  });
}
