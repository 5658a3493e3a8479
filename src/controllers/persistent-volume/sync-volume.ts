import {
  ANN_PROVISIONED_BY,
  annotation,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
  volumeModeOf,
} from '../../kube/index.ts';
import { type EventText, warning } from './decision.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

/** What to do about a volume now. */
export type VolumeDecision =
  | { readonly action: 'setPhase'; readonly phase: 'Available' | 'Bound' }
  /** Half bound: the claim's own sync completes it. */
  | { readonly action: 'syncClaim' }
  /** Reserved for a claim that can never use it. */
  | { readonly action: 'refuse'; readonly volumeEvent: EventText; readonly claimEvent: EventText }
  /** Its claim has another volume: give it back. */
  | { readonly action: 'unbind' }
  /** Nobody claims it any more: do what its reclaim policy says. `release`: tell of it by phase Released first. */
  | { readonly action: 'reclaim'; readonly release: boolean };

/**
 * `claim` is the claim that claimRef names; undefined when there is none, or one of the same name with another uid.
 * Source: syncVolume of Kubernetes 1.36, persistentvolume controller.
 */
export function syncVolume(volume: Volume, claim: Claim | undefined): VolumeDecision {
  // Free, or reserved for a claim that is yet to come or to be bound.
  if (!volume.spec?.claimRef?.uid) return { action: 'setPhase', phase: 'Available' };
  if (!claim) return reclaim(volume);
  if (!claim.spec?.volumeName) {
    return volumeModeOf(volume) === volumeModeOf(claim) ? { action: 'syncClaim' } : refuse(volume, claim);
  }
  if (claim.spec.volumeName === volume.metadata.name) return { action: 'setPhase', phase: 'Bound' };
  const wasMadeForClaim =
    annotation(volume, ANN_PROVISIONED_BY) !== undefined &&
    volume.spec.persistentVolumeReclaimPolicy === 'Delete';
  return wasMadeForClaim ? reclaim(volume) : { action: 'unbind' };
}

/** Failed stays to be seen, while reclaiming is tried again. */
function reclaim(volume: Volume): VolumeDecision {
  const phase = volume.status?.phase;
  return { action: 'reclaim', release: phase !== 'Released' && phase !== 'Failed' };
}

function refuse(volume: Volume, claim: Claim): VolumeDecision {
  const because = 'due to incompatible volumeMode.';
  return {
    action: 'refuse',
    volumeEvent: warning(
      'VolumeMismatch',
      `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${JSON.stringify(claim.metadata.name)} ${because}`,
    ),
    claimEvent: warning(
      'VolumeMismatch',
      `Cannot bind PersistentVolume ${JSON.stringify(volume.metadata.name)} to requested PersistentVolumeClaim ${because}`,
    ),
  };
}
