import {
  claimClass,
  fromLabelSelector,
  hasAccessModes,
  isBoundToClaim,
  keyOf,
  matchesSelector,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
  volumeReaches,
} from '../../kube/index.ts';
import { canHold } from '../../volume/binding/index.ts';
import { requestOf, type VolumeIndex } from './volume-index.ts';

export interface MatchOptions {
  /** Only a volume that is reserved for the claim: the scheduler picks among the others. @default false */
  readonly delayBinding?: boolean;
  /** The node that must be able to reach the volume. */
  readonly node?: Node;
}

/**
 * The best volume for a claim: one that is reserved for it, bound ones first; else the free one with the fewest access
 * modes, then the smallest, then the first by name. O(log n), plus the volumes that fit but for selector or node.
 * Source: FindMatchingVolume; unlike there, a reserved volume wins also over a free one with fewer access modes.
 */
export function findBestMatch(
  volumes: VolumeIndex,
  claim: Stored<PersistentVolumeClaim>,
  { delayBinding = false, node }: MatchOptions = {},
): Stored<PersistentVolume> | undefined {
  const reserved = volumes
    .reservedFor(keyOf(claim))
    .filter(
      (volume) => isBoundToClaim(volume, claim) && canHold(volume, claim) && hasAccessModes(volume, claim),
    )
    .sort(byUidThenName)[0];
  if (reserved) return node && !volumeReaches(reserved, node) ? undefined : reserved;
  if (delayBinding) return undefined;

  const selector = claim.spec?.selector && fromLabelSelector(claim.spec.selector);
  for (const volume of volumes.freeFor(claim, claimClass(claim), requestOf(claim))) {
    if (selector && !matchesSelector(selector, volume.metadata.labels)) continue;
    if (node && !volumeReaches(volume, node)) continue;
    return volume;
  }
  return undefined;
}

function byUidThenName(a: Stored<PersistentVolume>, b: Stored<PersistentVolume>): number {
  const bound = Number(Boolean(b.spec?.claimRef?.uid)) - Number(Boolean(a.spec?.claimRef?.uid));
  return bound || (a.metadata.name < b.metadata.name ? -1 : 1);
}
