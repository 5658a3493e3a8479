import {
  FINALIZER_CLAIM_AS_SOURCE,
  hasFinalizer,
  isBeingDeleted,
  isBoundToClaim,
  isConflict,
  isSnapshotReady,
  keyOf,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type Stored,
  type VolumeSnapshot,
  withFinalizer,
  withoutFinalizer,
} from '../../kube/index.ts';
import { SNAPSHOTS_BY_CLAIM, sourceClaim, updateFailed, type World } from './world.ts';

const ATTEMPTS = 5;

type Snapshot = Stored<VolumeSnapshot>;

/** Whether a snapshot of the claim is in the making, but for `except`. */
export function isInUse(snapshots: Iterable<Snapshot>, except: string | undefined): boolean {
  return [...snapshots].some((one) => one.metadata.name !== except && !isSnapshotReady(one));
}

/**
 * Keeps the claim until the snapshot is taken.
 * @throws Error when it is gone, or on its way. Source: ensurePVCFinalizer.
 */
export async function holdClaim(world: World, snapshot: Snapshot): Promise<void> {
  const claim = claimOrNone(world, snapshot);
  if (!claim) throw updateFailed(snapshot.metadata.name, 'cannot get claim from snapshot');
  await world.claimsInTurn.run(keyOf(claim), () => hold(world, claim));
}

async function hold({ client }: World, known: Stored<PersistentVolumeClaim>): Promise<void> {
  const { name, namespace } = known.metadata;
  try {
    // Another snapshot may just have let go of it, which the cache does not know yet: upstream's takes its word, and the
    // claim may go while its snapshot is taken.
    const isHeld = hasFinalizer(known, FINALIZER_CLAIM_AS_SOURCE);
    const claim = isHeld ? await client.get(persistentVolumeClaims, { name, namespace }) : known;
    if (hasFinalizer(claim, FINALIZER_CLAIM_AS_SOURCE)) return;
    if (isBeingDeleted(claim)) throw new Error('cannot add finalizer on claim because it is being deleted');
    await client.update(persistentVolumeClaims, withFinalizer(claim, FINALIZER_CLAIM_AS_SOURCE));
  } catch (error) {
    throw updateFailed(name, error);
  }
}

/**
 * Lets go of the claim once no snapshot of it is in the making. `leaving`: the snapshot itself does not count, since it
 * is about to go. Source: checkandRemovePVCFinalizer.
 */
export async function releaseClaim(
  world: World,
  snapshot: Snapshot,
  { leaving }: { leaving: boolean },
): Promise<void> {
  const claim = claimOrNone(world, snapshot);
  if (!claim) return;
  try {
    await release(world, claim, leaving ? snapshot.metadata.name : undefined);
  } catch (error) {
    const message = 'Error check and remove PVC Finalizer for VolumeSnapshot';
    world.recorder.event(snapshot, 'Warning', 'ErrorPVCFinalizer', message);
    throw error;
  }
}

/**
 * Lets go of a claim that is to go. Of two snapshots that went at once each may have taken the other for in the making,
 * and the claim stayed: upstream's does for ever.
 */
export async function releaseLeavingClaim(world: World, key: string): Promise<void> {
  const claim = world.claims.byKey(key);
  if (claim && isBeingDeleted(claim)) await release(world, claim, undefined);
}

async function release(
  world: World,
  claim: Stored<PersistentVolumeClaim>,
  except: string | undefined,
): Promise<void> {
  if (!hasFinalizer(claim, FINALIZER_CLAIM_AS_SOURCE)) return;
  const key = keyOf(claim);
  const isWanted = () => isInUse(world.snapshots.byIndex(SNAPSHOTS_BY_CLAIM, key), except);
  if (isWanted()) return;
  const { name, namespace } = claim.metadata;
  await world.claimsInTurn.run(key, async () => {
    for (let attempt = 1; ; attempt++) {
      try {
        const live = await world.client.get(persistentVolumeClaims, { name, namespace });
        // Whoever has come meanwhile may have taken the finalizer for his own.
        if (isWanted()) return;
        await world.client.update(persistentVolumeClaims, withoutFinalizer(live, FINALIZER_CLAIM_AS_SOURCE));
        return;
      } catch (error) {
        if (!isConflict(error) || attempt === ATTEMPTS) throw updateFailed(name, error);
      }
    }
  });
}

/**
 * The volume to take a snapshot of.
 * @throws Error unless claim and volume are bound to one another. Source: getVolumeFromVolumeSnapshot.
 */
export async function sourceVolume(world: World, snapshot: Snapshot): Promise<Stored<PersistentVolume>> {
  return volumeOf(world, sourceClaim(world, snapshot));
}

/** The volume that a claim is bound to. @throws Error unless both agree. */
export async function volumeOf(
  world: World,
  claim: Stored<PersistentVolumeClaim>,
  purpose = 'snapshot',
): Promise<Stored<PersistentVolume>> {
  const { name: claimName } = claim.metadata;
  if (claim.status?.phase !== 'Bound') {
    throw new Error(`the PVC ${claimName} is not yet bound to a PV, will not attempt to take a ${purpose}`);
  }
  const name = claim.spec?.volumeName ?? '';
  const volume = await world.client.get(persistentVolumes, { name }).catch((error: Error) => {
    const why = JSON.stringify(error.message);
    throw new Error(`failed to retrieve PV ${name} from the API server: ${why}`, { cause: error });
  });
  if (!isBoundToClaim(volume, claim)) throw new Error('claim in dataSource not bound or invalid');
  return volume;
}

function claimOrNone(world: World, snapshot: Snapshot): Stored<PersistentVolumeClaim> | undefined {
  try {
    return sourceClaim(world, snapshot);
  } catch {
    return undefined;
  }
}
