import {
  joinKey,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
  withMetadata,
} from '../../kube/index.ts';
import type { Announcer } from './announcer.ts';
import { withoutClaim, withVolumePhase } from './bind.ts';
import type { Writes } from './binder.ts';
import type { InTreeVolumes } from './in-tree.ts';
import { withVolumeMigration } from './migration.ts';
import { deletionFinalizers, type ReclaimView, reclaim } from './reclaim.ts';
import { syncVolume } from './sync-volume.ts';

type Volume = Stored<PersistentVolume>;
type Claim = Stored<PersistentVolumeClaim>;

/** What the volume worker reads and writes. */
export interface VolumeWorld extends ReclaimView, Pick<Writes, 'saveVolume'> {
  claim(key: string): Claim | undefined;
  /** Straight from the API server; undefined when it is not there. */
  liveClaim(namespace: string | undefined, name: string): Promise<Claim | undefined>;
}

/** Carries out what syncVolume decides. */
export class VolumeSync {
  readonly #world: VolumeWorld;
  readonly #announcer: Announcer;
  readonly #inTree: Pick<InTreeVolumes, 'recycle' | 'delete'>;
  readonly #syncClaim: (key: string) => void;

  constructor(
    world: VolumeWorld,
    announcer: Announcer,
    inTree: Pick<InTreeVolumes, 'recycle' | 'delete'>,
    syncClaim: (key: string) => void,
  ) {
    this.#world = world;
    this.#inTree = inTree;
    this.#announcer = announcer;
    this.#syncClaim = syncClaim;
  }

  /** Resolves to the volume as it then is. */
  async sync(given: Volume): Promise<Volume> {
    const marked = withMarks(given);
    const volume = marked ? await this.#world.saveVolume(marked) : given;
    const claim = await claimOf(volume, this.#world);
    const decision = syncVolume(volume, claim);
    switch (decision.action) {
      case 'setPhase':
        return this.#setPhase(volume, decision.phase);
      case 'syncClaim':
        this.#syncClaim(claimKey(volume));
        return volume;
      case 'refuse':
        this.#announcer.tell(volume, decision.volumeEvent);
        this.#announcer.tell(claim!, decision.claimEvent);
        return volume;
      case 'unbind':
        return this.#setPhase(await this.#world.saveVolume(withoutClaim(volume)), 'Available');
      case 'reclaim':
        return this.#reclaim(decision.release ? await this.#setPhase(volume, 'Released') : volume);
    }
  }

  async #reclaim(volume: Volume): Promise<Volume> {
    const decision = reclaim(volume, this.#world);
    switch (decision.action) {
      case 'leave':
        return volume;
      case 'wait':
        this.#announcer.tell(volume, decision.event);
        return volume;
      case 'recycle':
        this.#inTree.recycle(volume, decision.recycler);
        return volume;
      case 'delete':
        this.#inTree.delete(volume, decision.deleter);
        return volume;
      case 'fail': {
        if (volume.status?.phase === 'Failed') return volume;
        const failed = await this.#setPhase(volume, 'Failed', decision.event.message);
        this.#announcer.tell(failed, decision.event);
        return failed;
      }
    }
  }

  async #setPhase(volume: Volume, phase: string, message?: string): Promise<Volume> {
    const changed = withVolumePhase(volume, phase, message);
    return changed ? this.#world.saveVolume(changed, 'status') : volume;
  }
}

/** The volume with the annotation and the finalizers that say whose work its end is; undefined when it has them. */
function withMarks(volume: Volume): Volume | undefined {
  const migrated = withVolumeMigration(volume);
  const finalizers = deletionFinalizers(volume);
  return finalizers ? withMetadata(migrated ?? volume, { finalizers }) : migrated;
}

/**
 * The claim that the volume is bound to; undefined when it is gone. The cache may not have it yet, have its
 * predecessor, or have it still: before a volume is released, and before one that somebody has released is taken for
 * bound after all, the server is asked.
 */
async function claimOf(
  volume: Volume,
  world: Pick<VolumeWorld, 'claim' | 'liveClaim'>,
): Promise<Claim | undefined> {
  const reference = volume.spec?.claimRef;
  if (!reference?.uid) return undefined;
  const known = world.claim(claimKey(volume));
  const phase = volume.status?.phase;
  const isReleased = phase === 'Released' || phase === 'Failed';
  if (!known && isReleased) return undefined;
  if (known?.metadata.uid === reference.uid && !isReleased) return known;
  const live = await world.liveClaim(reference.namespace, reference.name ?? '');
  return live?.metadata.uid === reference.uid ? live : undefined;
}

/** Whether nobody claims the volume any more, so that its data may go. Source: isVolumeReleased. */
export async function isReleased(
  volume: Volume,
  world: Pick<VolumeWorld, 'claim' | 'liveClaim'>,
): Promise<boolean> {
  return syncVolume(volume, await claimOf(volume, world)).action === 'reclaim';
}

function claimKey(volume: PersistentVolume): string {
  const { namespace, name = '' } = volume.spec?.claimRef ?? {};
  return joinKey(namespace, name);
}
