import {
  apiVersionOf,
  controllerReference,
  type OwnerReference,
  type PersistentVolumeClaim,
  type Pod,
  pods,
  type StatefulSet,
  type Stored,
  statefulSets,
} from '../../kube/index.ts';
import { isInOrdinalRange, ordinalOf } from './identity.ts';

/** A pod that may not exist yet: then it has no uid, and owns nothing. */
type MaybePod = Pod;

interface Policy {
  readonly deletesWithSet: boolean;
  readonly deletesWhenScaled: boolean;
}

function retentionPolicy(set: StatefulSet): Policy {
  const policy = set.spec?.persistentVolumeClaimRetentionPolicy;
  return {
    deletesWithSet: policy?.whenDeleted === 'Delete',
    deletesWhenScaled: policy?.whenScaled === 'Delete',
  };
}

/**
 * The owners that the claim of `pod` should have by the set's retention policy; undefined when those it has are right,
 * or not to be touched (it belongs to an earlier set or pod of this name, or to another controller).
 *
 * | whenScaled | whenDeleted | owner of a pod in range | owner of a pod scaled away |
 * | --- | --- | --- | --- |
 * | Retain | Retain | none | none |
 * | Retain | Delete | the set | the set |
 * | Delete | Retain | none | the pod |
 * | Delete | Delete | the set | the pod |
 */
export function claimOwnersToSet(
  claim: PersistentVolumeClaim,
  set: Stored<StatefulSet>,
  pod: MaybePod,
): OwnerReference[] | undefined {
  const references = claim.metadata?.ownerReferences ?? [];
  if (references.some((reference) => isStale(reference, set, pod))) return undefined;
  const ours = references.filter((reference) => names(reference, set, pod));
  const others = references.filter((reference) => !names(reference, set, pod));
  const policy = retentionPolicy(set);
  const deletes = policy.deletesWithSet || policy.deletesWhenScaled;
  const hasOtherController = deletes && others.some(({ controller }) => controller);
  const wanted = hasOtherController ? [] : ownersByPolicy(set, pod);
  const matches =
    ours.length === wanted.length &&
    wanted.every((owner) => ours.some((reference) => reference.uid === owner.uid && reference.controller));
  return matches ? undefined : [...others, ...wanted];
}

/** Another controller claims to manage a claim that the policy would delete: the policy is not applied to it. */
export function hasConflictingController(
  claim: PersistentVolumeClaim,
  set: Stored<StatefulSet>,
  pod: MaybePod,
): boolean {
  const policy = retentionPolicy(set);
  if (!policy.deletesWithSet && !policy.deletesWhenScaled) return false;
  const references = claim.metadata?.ownerReferences ?? [];
  return references.some(
    (reference) => isStale(reference, set, pod) || (reference.controller && !names(reference, set, pod)),
  );
}

/** The owners of a claim that is made now. */
export function ownersByPolicy(set: Stored<StatefulSet>, pod: MaybePod): OwnerReference[] {
  const policy = retentionPolicy(set);
  const scaledAway = !isInOrdinalRange(set, ordinalOf(pod));
  if (policy.deletesWhenScaled && scaledAway) {
    return pod.metadata?.uid ? [controllerReference(pod as Stored<Pod>)] : [];
  }
  return policy.deletesWithSet ? [controllerReference(set)] : [];
}

/**
 * Whether the claim is about to be deleted with an earlier pod of this name: a new pod must wait for that, lest it
 * lose its data later.
 */
export function claimIsStale(claim: PersistentVolumeClaim, set: StatefulSet, pod: MaybePod): boolean {
  if (!retentionPolicy(set).deletesWhenScaled) return false;
  return (claim.metadata?.ownerReferences ?? []).some(
    (reference) => namesPod(reference, pod) && reference.uid !== pod.metadata?.uid,
  );
}

function isStale(reference: OwnerReference, set: Stored<StatefulSet>, pod: MaybePod): boolean {
  if (namesSet(reference, set)) return reference.uid !== set.metadata.uid;
  return namesPod(reference, pod) && reference.uid !== pod.metadata?.uid;
}

function names(reference: OwnerReference, set: Stored<StatefulSet>, pod: MaybePod): boolean {
  return namesSet(reference, set) || namesPod(reference, pod);
}

function namesSet(reference: OwnerReference, set: Stored<StatefulSet>): boolean {
  return (
    reference.apiVersion === apiVersionOf(statefulSets) &&
    reference.kind === statefulSets.kind &&
    reference.name === set.metadata.name
  );
}

function namesPod(reference: OwnerReference, pod: MaybePod): boolean {
  return (
    reference.apiVersion === apiVersionOf(pods) &&
    reference.kind === pods.kind &&
    reference.name === pod.metadata?.name
  );
}
