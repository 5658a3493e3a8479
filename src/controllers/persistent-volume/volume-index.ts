import {
  type PersistentVolume,
  type PersistentVolumeClaim,
  parseNano,
  type Stored,
  volumeClass,
  volumeModeOf,
} from '../../kube/index.ts';
import { isFree } from '../../volume/binding/index.ts';
import { SortedList } from './sorted-list.ts';

type Volume = Stored<PersistentVolume>;

interface Entry {
  readonly capacity: bigint;
  readonly name: string;
  readonly volume: Volume;
}

/** Free volumes that have the same access modes. */
interface ModeSet {
  readonly modes: readonly string[];
  readonly volumes: SortedList<Entry>;
}

/** Where a volume is, so that it can be taken out again. */
interface Place {
  readonly volume: Volume;
  readonly claimKey?: string;
  readonly free?: { readonly modeSet: ModeSet; readonly entry: Entry };
}

const byCapacityThenName = (a: Entry, b: Entry): number => {
  if (a.capacity !== b.capacity) return a.capacity < b.capacity ? -1 : 1;
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
};

/**
 * Volumes in the order in which claims look for them: reserved ones by claim; free ones (Available, no claimRef, not
 * being deleted) by class, volumeMode and VolumeAttributesClass, then by access modes, then by capacity.
 */
export class VolumeIndex {
  readonly #places = new Map<string, Place>();
  readonly #reserved = new Map<string, Map<string, Volume>>();
  readonly #free = new Map<string, Map<string, ModeSet>>();

  /** Puts the volume where its present state belongs. */
  set(volume: Volume): void {
    const { name } = volume.metadata;
    if (this.#places.get(name)?.volume === volume) return;
    this.delete(name);
    const reference = volume.spec?.claimRef;
    if (reference) {
      const claimKey = `${reference.namespace}/${reference.name}`;
      let bucket = this.#reserved.get(claimKey);
      if (!bucket) {
        bucket = new Map();
        this.#reserved.set(claimKey, bucket);
      }
      bucket.set(name, volume);
      this.#places.set(name, { volume, claimKey });
    } else if (isFree(volume)) {
      const modeSet = this.#modeSet(volume);
      const entry = { capacity: capacityOf(volume), name, volume };
      modeSet.volumes.add(entry);
      this.#places.set(name, { volume, free: { modeSet, entry } });
    }
  }

  delete(name: string): void {
    const place = this.#places.get(name);
    if (!place) return;
    this.#places.delete(name);
    place.free?.modeSet.volumes.delete(place.free.entry);
    if (place.claimKey === undefined) return;
    const bucket = this.#reserved.get(place.claimKey);
    bucket?.delete(name);
    if (bucket?.size === 0) this.#reserved.delete(place.claimKey);
  }

  /** The volumes whose claimRef names the claim, whatever their uid says. */
  reservedFor(claimKey: string): readonly Volume[] {
    return [...(this.#reserved.get(claimKey)?.values() ?? [])];
  }

  /**
   * The free volumes of the claim's class, volumeMode and VolumeAttributesClass that have its access modes and hold at
   * least `capacity` (in nano-units): fewest access modes first, then the smallest, then by name.
   */
  *freeFor(claim: PersistentVolumeClaim, className: string, capacity: bigint): Generator<Volume> {
    const sets = this.#free.get(kindKey(className, claim));
    if (!sets) return;
    const asked = claim.spec?.accessModes ?? [];
    const fitting = [...sets.values()]
      .filter(({ modes }) => asked.every((mode) => modes.includes(mode)))
      .sort((a, b) => a.modes.length - b.modes.length || (a.modes.join() < b.modes.join() ? -1 : 1));
    for (const { volumes } of fitting) {
      for (const entry of volumes.from((other) => other.capacity >= capacity)) yield entry.volume;
    }
  }

  #modeSet(volume: Volume): ModeSet {
    const kind = kindKey(volumeClass(volume), volume);
    let sets = this.#free.get(kind);
    if (!sets) {
      sets = new Map();
      this.#free.set(kind, sets);
    }
    const modes = [...new Set(volume.spec?.accessModes)].sort();
    let set = sets.get(modes.join());
    if (!set) {
      set = { modes, volumes: new SortedList(byCapacityThenName) };
      sets.set(modes.join(), set);
    }
    return set;
  }
}

/** In nano-units. */
export function capacityOf(volume: PersistentVolume): bigint {
  return parseNano(volume.spec?.capacity?.storage ?? '0') ?? 0n;
}

/** In nano-units. */
export function requestOf(claim: PersistentVolumeClaim): bigint {
  return parseNano(claim.spec?.resources?.requests?.storage ?? '0') ?? 0n;
}

/** What a claim and the volumes that it may take have in common: class, volumeMode and VolumeAttributesClass. */
export function kindKey(className: string, object: PersistentVolume | PersistentVolumeClaim): string {
  return `${className}\u0000${volumeModeOf(object)}\u0000${object.spec?.volumeAttributesClassName ?? ''}`;
}
