import type { PersistentVolume, PersistentVolumeClaim, Stored } from '../../kube/index.ts';
import { withClaimRef } from '../../volume/binding/index.ts';
import { withBoundStatus, withVolumeName, withVolumePhase } from './bind.ts';

/** How decisions become writes. Every write carries the resourceVersion that it was decided on. */
export interface Writes {
  saveClaim(
    claim: Stored<PersistentVolumeClaim>,
    subresource?: 'status',
  ): Promise<Stored<PersistentVolumeClaim>>;
  saveVolume(volume: Stored<PersistentVolume>, subresource?: 'status'): Promise<Stored<PersistentVolume>>;
  /** Lets no other claim choose the volume until `refresh`. */
  hold(volumeName: string): void;
  refresh(volumeName: string): void;
}

/**
 * Binds claim and volume to each other: the volume's claimRef first, so that no other claim can take it; then the
 * volume's phase and the claim's volumeName, at once, since neither needs the other; the claim's status last. Any error
 * leaves a state from which the next sync completes the binding.
 */
export async function bind(
  world: Writes,
  claim: Stored<PersistentVolumeClaim>,
  volume: Stored<PersistentVolume>,
): Promise<Stored<PersistentVolumeClaim>> {
  const { name } = volume.metadata;
  world.hold(name);
  try {
    const held = withClaimRef(volume, claim);
    const ours = held ? await world.saveVolume(held) : volume;
    const boundVolume = withVolumePhase(ours, 'Bound');
    const pointing = withVolumeName(claim, ours);
    const [, saved] = await bothOf(
      boundVolume && world.saveVolume(boundVolume, 'status'),
      pointing && world.saveClaim(pointing),
    );
    const complete = saved ?? claim;
    const boundClaim = withBoundStatus(complete, ours);
    return boundClaim ? await world.saveClaim(boundClaim, 'status') : complete;
  } finally {
    world.refresh(name);
  }
}

/** Waits for both even when one fails: nothing must still be written when the next sync begins. */
async function bothOf<A, B>(
  a: Promise<A> | undefined,
  b: Promise<B> | undefined,
): Promise<[A | undefined, B | undefined]> {
  const [first, second] = await Promise.allSettled([a, b]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}
