import {
  ANN_PRE_RESIZE_CAPACITY,
  compareQuantity,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '../../kube/index.ts';

/** What is to be done for a claim that wants to be larger. */
export type ExpansionPlan =
  /** Nothing, or it is the node's turn. */
  | { readonly action: 'nothing' }
  /** All is done; the note of the old size may go from the volume. */
  | { readonly action: 'forgetOldSize' }
  /** The volume has its size; the node failed to grow the file system and may try again. */
  | { readonly action: 'askNode' }
  | { readonly action: 'expand'; readonly newSize: string };

/** Whether the claim wants to be larger, or its volume still notes an old size. */
export function concernsExpansion(claim: PersistentVolumeClaim, volume: PersistentVolume): boolean {
  return compareQuantity(requested(claim), capacity(claim)) > 0 || notesOldSize(volume);
}

/**
 * An expansion that was begun is carried on to the size that it was begun with, for it may have happened already; only
 * one that is known to be impossible gives way to what the claim says now (RecoverVolumeExpansionFailure). Source:
 * expand, expandAndRecoverFunction.
 */
export function planExpansion(claim: PersistentVolumeClaim, volume: PersistentVolume): ExpansionPlan {
  const size = volume.spec?.capacity?.storage;
  const has = capacity(claim);
  const isOnNodeComplete = compareQuantity(has, requested(claim)) >= 0 && compareQuantity(has, size) >= 0;
  if (isOnNodeComplete && notesOldSize(volume)) return { action: 'forgetOldSize' };

  const wanted = requested(claim) ?? '0';
  const status = claim.status?.allocatedResourceStatuses?.storage;
  const begun = claim.status?.allocatedResources?.storage ?? wanted;
  if (compareQuantity(size, wanted) < 0) {
    return { action: 'expand', newSize: IS_UNDER_WAY.has(status ?? '') ? begun : wanted };
  }
  switch (status) {
    case 'NodeResizeInProgress':
    case 'NodeResizePending':
      return { action: 'nothing' };
    case 'NodeResizeInfeasible':
      return { action: 'askNode' };
    case 'ControllerResizeInProgress':
    case 'ControllerResizeInfeasible':
    case undefined:
    case '':
      return { action: 'expand', newSize: begun };
    default:
      return { action: 'expand', newSize: wanted };
  }
}

const IS_UNDER_WAY: ReadonlySet<string> = new Set([
  'ControllerResizeInProgress',
  'NodeResizePending',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
]);

function requested(claim: PersistentVolumeClaim): string | undefined {
  return claim.spec?.resources?.requests?.storage;
}

function capacity(claim: PersistentVolumeClaim): string | undefined {
  return claim.status?.capacity?.storage;
}

function notesOldSize(volume: PersistentVolume): boolean {
  return volume.metadata?.annotations?.[ANN_PRE_RESIZE_CAPACITY] !== undefined;
}
