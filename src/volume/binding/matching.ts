import {
  claimClass,
  compareQuantity,
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

// Which volumes a claim may have. Source: component-helpers, storage/volume; the PV controller and the scheduler must
// answer alike.

/** Whether a claim that is not named by the volume may take it. */
export function isFree(volume: PersistentVolume): boolean {
  return (
    volume.spec?.claimRef === undefined && volume.status?.phase === 'Available' && !isBeingDeleted(volume)
  );
}

/** What even a reserved volume must satisfy. Its class and labels are the concern of whoever reserved it. */
export function canHold(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (
    compareQuantity(volume.spec?.capacity?.storage, claim.spec?.resources?.requests?.storage) >= 0 &&
    volumeModeOf(volume) === volumeModeOf(claim) &&
    hasSameAttributesClass(volume, claim) &&
    !isBeingDeleted(volume)
  );
}

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
  if (!hasSameAttributesClass(volume, claim)) return 'volumeAttributesClassName does not match';
  if (volumeModeOf(volume) !== volumeModeOf(claim)) return 'incompatible volumeMode';
  if (!hasAccessModes(volume, claim)) return 'incompatible accessMode';
  return undefined;
}

/** Whether a claim that looks for any volume could take this one. */
export function couldTake(volume: Stored<PersistentVolume>, claim: PersistentVolumeClaim): boolean {
  const selector = claim.spec?.selector;
  return (
    isFree(volume) &&
    canHold(volume, claim) &&
    volumeClass(volume) === claimClass(claim) &&
    hasAccessModes(volume, claim) &&
    (selector === undefined || matchesSelector(fromLabelSelector(selector), volume.metadata.labels))
  );
}

function hasSameAttributesClass(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (volume.spec?.volumeAttributesClassName ?? '') === (claim.spec?.volumeAttributesClassName ?? '');
}
