import type { PersistentVolumeClaim } from '../../kube/index.ts';

/** What is to be done about the attributes of a claim's volume. */
export type ModificationPlan =
  /** It is what it is to be, or nobody cares. */
  | { readonly action: 'nothing' }
  /** The wish was taken back; what is said of it may go. */
  | { readonly action: 'cancel' }
  /** The driver may be at it: the same again. */
  | { readonly action: 'carryOn'; readonly target: string }
  | { readonly action: 'begin'; readonly target: string };

/** The condition that tells of a modification under way. */
export const MODIFYING = 'ModifyingVolume';

/**
 * @param mayBeGoingOn the last answer of the driver left open what it did, or nobody knows what that was.
 * Source: modify of external-resizer.
 */
export function planModification(claim: PersistentVolumeClaim, mayBeGoingOn: boolean): ModificationPlan {
  const wanted = claim.spec?.volumeAttributesClassName ?? '';
  const { modifyVolumeStatus, currentVolumeAttributesClassName = '', conditions = [] } = claim.status ?? {};
  if (!modifyVolumeStatus && wanted === (currentVolumeAttributesClassName ?? ''))
    return { action: 'nothing' };
  const inProgress = modifyVolumeStatus?.status === 'InProgress';
  if (inProgress && (mayBeGoingOn || wanted === ''))
    return { action: 'carryOn', target: modifyVolumeStatus.targetVolumeAttributesClassName ?? '' };
  if (wanted !== '') return { action: 'begin', target: wanted };
  // The status stays as it is: it is the result of the last modification.
  return { action: conditions.some(({ type }) => type === MODIFYING) ? 'cancel' : 'nothing' };
}

/** Whether the last modification was called impossible, and the claim still asks for the same. */
export function asksForImpossible({ spec, status }: PersistentVolumeClaim): boolean {
  return status?.modifyVolumeStatus?.status === 'Infeasible' && isLastTarget({ spec, status });
}

/** Whether the claim asks for what was tried last. */
export function isLastTarget({ spec, status }: PersistentVolumeClaim): boolean {
  const target = status?.modifyVolumeStatus?.targetVolumeAttributesClassName ?? '';
  const wanted = spec?.volumeAttributesClassName ?? undefined;
  return status?.modifyVolumeStatus !== undefined && target === wanted;
}

/** Whether a change may call for work: another wish, or the end of a modification during which there may have been one (updatePVC). */
export function concernsAttributes(claim: PersistentVolumeClaim, previous: PersistentVolumeClaim): boolean {
  const [now, before] = [claim, previous].map(({ spec }) => spec?.volumeAttributesClassName ?? '');
  return claim.status?.phase === 'Bound' && (now !== before || !claim.status.modifyVolumeStatus);
}
