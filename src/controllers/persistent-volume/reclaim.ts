import {
  ANN_MIGRATED_TO,
  ANN_PROVISIONED_BY,
  annotation,
  FINALIZER_EXTERNAL_PROVISIONER,
  FINALIZER_IN_TREE_PROVISIONER,
  type PersistentVolume,
  type Stored,
} from '../../kube/index.ts';
import type { Deleter, Recycler } from '../../volume/index.ts';
import { driverOfPlugin } from '../../volume/migration/index.ts';
import { type EventText, normal, warning } from './decision.ts';
import { type ControlPlugins, deleterOf, isInTree, recyclerOf } from './plugins.ts';

/** What becomes of a released volume. */
export type ReclaimDecision =
  /** To itself, or to an external provisioner. */
  | { readonly action: 'leave' }
  /** Not yet. */
  | { readonly action: 'wait'; readonly event: EventText }
  | { readonly action: 'fail'; readonly event: EventText }
  | { readonly action: 'recycle'; readonly recycler: Recycler }
  | { readonly action: 'delete'; readonly deleter: Deleter };

export interface ReclaimView {
  readonly plugins: ControlPlugins;
  /** `namespace/name` of the live pods that name the claim which the volume was bound to, in order. */
  podsUsing(volume: PersistentVolume): readonly string[];
}

/** Source: reclaimVolume, recycleVolumeOperation, deleteVolumeOperation. */
export function reclaim(volume: Stored<PersistentVolume>, view: ReclaimView): ReclaimDecision {
  if (annotation(volume, ANN_MIGRATED_TO)) return { action: 'leave' };
  switch (volume.spec?.persistentVolumeReclaimPolicy) {
    case 'Retain':
      return { action: 'leave' };
    case 'Recycle':
      return reclaimByRecycle(volume, view);
    case 'Delete':
      return reclaimByDelete(volume, view.plugins);
    default:
      return fail('VolumeUnknownReclaimPolicy', 'Volume has unrecognized PersistentVolumeReclaimPolicy');
  }
}

function reclaimByRecycle(volume: Stored<PersistentVolume>, view: ReclaimView): ReclaimDecision {
  const users = view.podsUsing(volume);
  if (users.length > 0) {
    const event = normal('VolumeFailedRecycle', `Volume is used by pods: ${users.join(',')}`);
    return { action: 'wait', event };
  }
  const recycler = recyclerOf(view.plugins, volume);
  return recycler
    ? { action: 'recycle', recycler }
    : fail('VolumeFailedRecycle', 'No recycler plugin found for the volume!');
}

function reclaimByDelete(volume: Stored<PersistentVolume>, plugins: ControlPlugins): ReclaimDecision {
  const found = deleterOf(plugins, volume);
  if ('error' in found) return fail('VolumeFailedDelete', found.error);
  return found.deleter ? { action: 'delete', deleter: found.deleter } : { action: 'leave' };
}

const fail = (reason: string, message: string): ReclaimDecision => ({
  action: 'fail',
  event: warning(reason, message),
});

/**
 * The finalizers that the volume must have; undefined when it has them. A volume made in-tree is kept until its data
 * is deleted, if that is its policy; one whose plugin was migrated is the driver's to keep. Source:
 * modifyDeletionFinalizers (HonorPVReclaimPolicy).
 */
export function deletionFinalizers(volume: PersistentVolume): readonly string[] | undefined {
  const provisioner = annotation(volume, ANN_PROVISIONED_BY);
  if (provisioner === undefined || !isInTree(provisioner)) return undefined;
  const present = volume.metadata?.finalizers ?? [];
  const policy = volume.spec?.persistentVolumeReclaimPolicy;
  const isMigrated = driverOfPlugin(provisioner) !== undefined;
  const stays = (name: string) => {
    if (name === FINALIZER_EXTERNAL_PROVISIONER) return isMigrated;
    return (
      name !== FINALIZER_IN_TREE_PROVISIONER || (!isMigrated && policy !== 'Retain' && policy !== 'Recycle')
    );
  };
  const kept = present.filter(stays);
  const isMissing = !isMigrated && policy === 'Delete' && !kept.includes(FINALIZER_IN_TREE_PROVISIONER);
  const wanted = isMissing ? [...kept, FINALIZER_IN_TREE_PROVISIONER] : kept;
  const isSame = wanted.length === present.length && wanted.every((name, index) => name === present[index]);
  return isSame ? undefined : wanted;
}
