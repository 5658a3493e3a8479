import {
  ANN_NODE_EXPANSION_NOT_REQUIRED,
  compareQuantity,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../kube/index.ts';
import { type ClaimStatusPatch, mergedResizeConditions } from '../../volume/index.ts';

/** What a node is to do about a volume that has become larger. */
export type ExpansionPlan =
  /** It is not its turn yet. */
  | { readonly action: 'wait' }
  /** There is nothing to grow on a node: the volume has its size. */
  | { readonly action: 'done'; readonly newSize: string }
  | {
      readonly action: 'expand';
      readonly newSize: string;
      /** Whether the claim says afterwards what it has; another node may have said so already. */
      readonly tellsClaim: boolean;
      /** Whether the claim says meanwhile what is going on: one whose controller is old knows nothing of that. */
      readonly tellsProgress: boolean;
    };

/** Source: checkForRecoveryFromExpansion; NodeExpander.runPreCheck. */
export function planNodeExpansion(claim: PersistentVolumeClaim, volume: PersistentVolume): ExpansionPlan {
  const { capacity, allocatedResources, allocatedResourceStatuses } = claim.status ?? {};
  const status = allocatedResourceStatuses?.storage ?? '';
  const newSize = allocatedResources?.storage ?? volume.spec?.capacity?.storage ?? '0';
  const isTold = compareQuantity(capacity?.storage, newSize) >= 0;
  if (isOfOldController(claim))
    return { action: 'expand', newSize, tellsClaim: !isTold, tellsProgress: false };
  if (status === 'NodeResizePending' || status === 'NodeResizeInProgress')
    return { action: 'expand', newSize, tellsClaim: true, tellsProgress: true };
  if (status !== '' || !isTold) return { action: 'wait' };
  // A volume of many nodes grows on each of them.
  const isShared = claim.spec?.accessModes?.includes('ReadWriteMany');
  if (isShared && claim.metadata?.annotations?.[ANN_NODE_EXPANSION_NOT_REQUIRED] === undefined)
    return { action: 'expand', newSize, tellsClaim: false, tellsProgress: false };
  return { action: 'done', newSize };
}

/** Whether whoever grew the volume knows nothing of recovering from failures: the claim says nothing of what is going on. */
export function isOfOldController({ status }: PersistentVolumeClaim): boolean {
  return status?.allocatedResources === undefined && !status?.allocatedResourceStatuses?.storage;
}

/** Whether a volume that is mounted with this size has become larger, and it is the node's turn (volumeNeedsExpansion). */
export function hasOutgrown(
  size: string | undefined,
  volume: PersistentVolume | undefined,
  claim: PersistentVolumeClaim | undefined,
): boolean {
  if (size === undefined || !volume || !claim || claim.metadata?.uid !== volume.spec?.claimRef?.uid)
    return false;
  return (
    compareQuantity(volume.spec?.capacity?.storage, size) > 0 &&
    planNodeExpansion(claim, volume).action !== 'wait'
  );
}

// What the claim's status becomes. Source: pkg/volume/util, resize_util.

/** MarkNodeExpansionInProgress */
export const IN_PROGRESS: ClaimStatusPatch = {
  allocatedResourceStatuses: { storage: 'NodeResizeInProgress' },
};

/** MarkNodeExpansionFinishedWithRecovery */
export function expanded(claim: PersistentVolumeClaim, newSize: string): ClaimStatusPatch {
  return {
    capacity: { storage: newSize },
    allocatedResourceStatuses: { storage: null },
    conditions: mergedResizeConditions(claim, undefined),
  };
}

/** MarkNodeExpansionFailedCondition; MarkNodeExpansionInfeasible when the controller may now think of another size. */
export function expansionFailed(
  claim: PersistentVolumeClaim,
  why: string,
  nowText: string,
  isInfeasible: boolean,
): ClaimStatusPatch {
  const condition = {
    type: 'NodeResizeError',
    status: 'True',
    lastTransitionTime: nowText,
    message: `failed to expand pvc with ${why}`,
  };
  return {
    ...(isInfeasible && { allocatedResourceStatuses: { storage: 'NodeResizeInfeasible' } }),
    conditions: mergedResizeConditions(claim, condition, { keepOthers: true }),
  };
}
