import {
  ANN_MIGRATED_TO,
  ANN_PROVISIONED_BY,
  annotation,
  FINALIZER_EXTERNAL_PROVISIONER,
  FINALIZER_IN_TREE_PROVISIONER,
  type PersistentVolume,
} from '../../kube/index.ts';
import { type EventText, warning } from './decision.ts';

const IN_TREE = 'kubernetes.io/';

/** What becomes of a released volume: left to itself or to an external provisioner, or Failed. */
export type ReclaimDecision =
  | { readonly action: 'leave' }
  | { readonly action: 'fail'; readonly event: EventText };

/** Source: reclaimVolume, findDeletablePlugin. No plugin here deletes or recycles yet. */
export function reclaim(volume: PersistentVolume): ReclaimDecision {
  if (annotation(volume, ANN_MIGRATED_TO)) return { action: 'leave' };
  switch (volume.spec?.persistentVolumeReclaimPolicy) {
    case 'Retain':
      return { action: 'leave' };
    case 'Recycle':
      return fail('VolumeFailedRecycle', 'No recycler plugin found for the volume!');
    case 'Delete':
      return reclaimByDelete(volume);
    default:
      return fail('VolumeUnknownReclaimPolicy', 'Volume has unrecognized PersistentVolumeReclaimPolicy');
  }
}

function reclaimByDelete(volume: PersistentVolume): ReclaimDecision {
  const provisioner = annotation(volume, ANN_PROVISIONED_BY);
  if (provisioner) {
    if (!provisioner.startsWith(IN_TREE)) return { action: 'leave' };
    return fail('VolumeFailedDelete', `no volume plugin matched name: ${provisioner}`);
  }
  if (volume.spec?.csi) return { action: 'leave' };
  return fail(
    'VolumeFailedDelete',
    `error getting deleter volume plugin for volume ${JSON.stringify(volume.metadata?.name)}: no volume plugin matched`,
  );
}

const fail = (reason: string, message: string): ReclaimDecision => ({
  action: 'fail',
  event: warning(reason, message),
});

/**
 * The finalizers that the volume must have; undefined when it has them. A volume made in-tree is kept until its data
 * is deleted, if that is its policy. Source: modifyDeletionFinalizers (HonorPVReclaimPolicy).
 */
export function deletionFinalizers(volume: PersistentVolume): readonly string[] | undefined {
  if (!annotation(volume, ANN_PROVISIONED_BY)?.startsWith(IN_TREE)) return undefined;
  const present = volume.metadata?.finalizers ?? [];
  const policy = volume.spec?.persistentVolumeReclaimPolicy;
  const isOurs = (name: string) => name === FINALIZER_IN_TREE_PROVISIONER;
  let wanted = present.filter((name) => name !== FINALIZER_EXTERNAL_PROVISIONER);
  if (policy === 'Delete' && !wanted.some(isOurs)) wanted = [...wanted, FINALIZER_IN_TREE_PROVISIONER];
  if (policy === 'Retain' || policy === 'Recycle') wanted = wanted.filter((name) => !isOurs(name));
  const isSame = wanted.length === present.length && wanted.every((name, index) => name === present[index]);
  return isSame ? undefined : wanted;
}
