import {
  ANN_MIGRATED_TO,
  ANN_PROVISIONED_BY,
  annotation,
  FINALIZER_EXTERNAL_PROVISIONER,
  hasFinalizer,
  isBeingDeleted,
  type PersistentVolume,
} from '../../kube/index.ts';

/** Whether the driver answers for the volume: it made it, or, made by hand, it is of its kind. */
export function isVolumeOf(volume: PersistentVolume, driver: string): boolean {
  if (annotation(volume, ANN_MIGRATED_TO) === driver) return true;
  return (annotation(volume, ANN_PROVISIONED_BY) ?? volume.spec?.csi?.driver) === driver;
}

/**
 * Whether the finalizer that keeps the object until its volume is deleted must be added (true), removed (false) or left
 * as it is. Source: handleProtectionFinalizer (HonorPVReclaimPolicy).
 */
export function finalizerChange(volume: PersistentVolume): boolean | undefined {
  const has = hasFinalizer(volume, FINALIZER_EXTERNAL_PROVISIONER);
  const policy = volume.spec?.persistentVolumeReclaimPolicy;
  if (policy === 'Retain' || policy === 'Recycle') return has ? false : undefined;
  const belongs = policy === 'Delete' && !isBeingDeleted(volume) && volume.status?.phase === 'Bound';
  return belongs && !has ? true : undefined;
}

/** Whether the volume behind the object is to be deleted now. */
export function shouldDelete(volume: PersistentVolume): boolean {
  // Without our finalizer, an object that is going has had its volume deleted before.
  if (isBeingDeleted(volume) && !hasFinalizer(volume, FINALIZER_EXTERNAL_PROVISIONER)) return false;
  return volume.status?.phase === 'Released' && volume.spec?.persistentVolumeReclaimPolicy === 'Delete';
}
