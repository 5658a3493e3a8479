import {
  claimNameOf,
  isPodTerminated,
  notMadeFor,
  type PersistentVolumeClaim,
  type Pod,
  type Stored,
} from '../../kube/index.ts';

// Since when no pod refers to a claim (PersistentVolumeClaimUnusedSinceTime, alpha in 1.36).

const UNUSED = 'Unused';

export function hasUnusedCondition(claim: PersistentVolumeClaim): boolean {
  return claim.status?.conditions?.some(({ type }) => type === UNUSED) ?? false;
}

/** Whether the pod refers to the claim, on a node or not, until it has ended. Source: podUsesPVCForUnusedSince. */
export function podRefersTo(pod: Stored<Pod>, claim: Stored<PersistentVolumeClaim>): boolean {
  if (isPodTerminated(pod) || pod.metadata.namespace !== claim.metadata.namespace) return false;
  return (pod.spec?.volumes ?? []).some(
    (volume) =>
      claimNameOf(pod, volume) === claim.metadata.name &&
      (volume.persistentVolumeClaim !== undefined || notMadeFor(pod, claim) === undefined),
  );
}

/** The claim with its condition, for the status subresource; undefined when it says so already (updateUnusedCondition). */
export function withUnusedCondition(
  claim: Stored<PersistentVolumeClaim>,
  isUsed: boolean,
  nowText: string,
): Stored<PersistentVolumeClaim> | undefined {
  const conditions = claim.status?.conditions ?? [];
  const old = conditions.find(({ type }) => type === UNUSED);
  const isTrue = old?.status === 'True';
  if (old && isTrue === !isUsed) return undefined;
  const condition = {
    type: UNUSED,
    status: isUsed ? 'False' : 'True',
    lastTransitionTime: nowText,
    reason: isUsed ? 'PodUsingPVC' : 'NoPodsUsingPVC',
    message: isUsed
      ? 'A pod is currently referencing this PVC'
      : 'No pods are currently referencing this PVC',
  };
  const next = old ? conditions.map((one) => (one === old ? condition : one)) : [...conditions, condition];
  return { ...claim, status: { ...claim.status, conditions: next } };
}
