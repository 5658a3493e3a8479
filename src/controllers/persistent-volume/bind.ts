import {
  ANN_BIND_COMPLETED,
  ANN_BOUND_BY_CONTROLLER,
  annotation,
  compareQuantity,
  isQuantity,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
  withAnnotations,
} from '../../kube/index.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

/** On a volume whose file system still has its old size: what the claim's status must say until the resize is done. */
const ANN_PRE_RESIZE_CAPACITY = 'volume.alpha.kubernetes.io/pre-resize-capacity';

// Each function gives the object as it must be written, or undefined when nothing is to be written. Binding is
// withClaimRef, then the first three here in their order; whichever of them was the last before a crash, doing all again completes it.

/** For the status subresource. lastPhaseTransitionTime is the API server's to set. */
export function withVolumePhase(volume: Volume, phase: string, message?: string): Volume | undefined {
  if (volume.status?.phase === phase) return undefined;
  return { ...volume, status: { ...volume.status, phase, message } };
}

/** The claim, pointing to the volume, its binding complete. */
export function withVolumeName(claim: Claim, volume: Volume): Claim | undefined {
  const pointsThere = claim.spec?.volumeName === volume.metadata.name;
  const isComplete = annotation(claim, ANN_BIND_COMPLETED) !== undefined;
  if (pointsThere && isComplete) return undefined;
  const bound: Claim = { ...claim, spec: { ...claim.spec, volumeName: volume.metadata.name } };
  return withAnnotations(bound, {
    [ANN_BIND_COMPLETED]: annotation(claim, ANN_BIND_COMPLETED) ?? 'yes',
    ...(!pointsThere && {
      [ANN_BOUND_BY_CONTROLLER]: annotation(claim, ANN_BOUND_BY_CONTROLLER) ?? 'yes',
    }),
  });
}

/**
 * The claim's status, Bound to the volume. The capacity is set only as the claim becomes Bound: later it may differ on
 * purpose, while the file system is smaller than its device.
 * @throws Error when the volume says no capacity.
 */
export function withBoundStatus(claim: Claim, volume: Volume): Claim | undefined {
  const status = claim.status;
  const accessModes = volume.spec?.accessModes;
  let next = status;
  if (!sameList(status?.accessModes, accessModes)) next = { ...next, accessModes };
  if (status?.phase !== 'Bound') {
    const size = volume.spec?.capacity?.storage;
    if (size === undefined) {
      throw new Error(
        `PersistentVolume ${JSON.stringify(volume.metadata.name)} is without a storage capacity`,
      );
    }
    const preResize = annotation(volume, ANN_PRE_RESIZE_CAPACITY);
    next = { ...next, phase: 'Bound' };
    if (preResize !== undefined) {
      const before = isQuantity(preResize) ? preResize : size;
      next = { ...next, capacity: { ...status?.capacity, storage: before } };
    } else if (
      status?.capacity?.storage === undefined ||
      compareQuantity(status.capacity.storage, size) !== 0
    ) {
      next = { ...next, capacity: volume.spec?.capacity };
    }
  }
  // Once bound, the resizer owns this field.
  const attributesClass = volume.spec?.volumeAttributesClassName;
  if (
    status?.phase === 'Pending' &&
    (status.currentVolumeAttributesClassName ?? undefined) !== attributesClass
  ) {
    next = { ...next, currentVolumeAttributesClassName: attributesClass };
  }
  return next === status ? undefined : { ...claim, status: next };
}

/** The claim's status without a volume: Pending or Lost. */
export function withUnboundStatus(claim: Claim, phase: 'Pending' | 'Lost'): Claim | undefined {
  const { accessModes, capacity, currentVolumeAttributesClassName, ...rest } = claim.status ?? {};
  const isClean = [accessModes, capacity, currentVolumeAttributesClassName].every(
    (field) => field === undefined || field === null,
  );
  if (isClean && claim.status?.phase === phase) return undefined;
  return { ...claim, status: { ...rest, phase } };
}

/** The volume given back: free when the controller had bound it, still reserved by name when its maker had. */
export function withoutClaim(volume: Volume): Volume {
  if (annotation(volume, ANN_BOUND_BY_CONTROLLER) !== undefined) {
    const { claimRef: _, ...spec } = volume.spec ?? {};
    return withAnnotations({ ...volume, spec }, { [ANN_BOUND_BY_CONTROLLER]: undefined });
  }
  const { uid: _, ...reference } = volume.spec?.claimRef ?? {};
  return { ...volume, spec: { ...volume.spec, claimRef: reference } };
}

function sameList(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return (a ?? []).length === (b ?? []).length && (a ?? []).every((value, index) => value === b?.[index]);
}
