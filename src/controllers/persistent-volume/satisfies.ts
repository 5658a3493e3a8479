import {
  claimClass,
  fromLabelSelector,
  hasAccessModes,
  isBeingDeleted,
  matchesSelector,
  type PersistentVolume,
  type PersistentVolumeClaim,
  quantityValue,
  type Stored,
  volumeClass,
  volumeModeOf,
} from '../../kube/index.ts';
import { isFree } from './volume-index.ts';

/**
 * Why the volume that a claim names cannot hold it, in upstream's words; `undefined` when it can. The claim's selector
 * does not count: the user has chosen. Source: checkVolumeSatisfyClaim.
 */
export function mismatch(volume: Stored<PersistentVolume>, claim: PersistentVolumeClaim): string | undefined {
  if (isBeingDeleted(volume))
    return `the volume is marked for deletion ${JSON.stringify(volume.metadata.name)}`;
  const size = quantityValue(volume.spec?.capacity?.storage);
  if (size < quantityValue(claim.spec?.resources?.requests?.storage)) return 'requested PV is too small';
  if (volumeClass(volume) !== claimClass(claim)) return 'storageClassName does not match';
  if ((volume.spec?.volumeAttributesClassName ?? '') !== (claim.spec?.volumeAttributesClassName ?? '')) {
    return 'volumeAttributesClassName does not match';
  }
  if (volumeModeOf(volume) !== volumeModeOf(claim)) return 'incompatible volumeMode';
  if (!hasAccessModes(volume, claim)) return 'incompatible accessMode';
  return undefined;
}

/** Whether a claim that looks for any volume could take this one. */
export function couldTake(volume: Stored<PersistentVolume>, claim: PersistentVolumeClaim): boolean {
  const selector = claim.spec?.selector;
  return (
    isFree(volume) &&
    mismatch(volume, claim) === undefined &&
    (selector === undefined || matchesSelector(fromLabelSelector(selector), volume.metadata.labels))
  );
}
