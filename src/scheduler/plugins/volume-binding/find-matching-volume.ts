import {
  claimClass,
  compareQuantity,
  fromLabelSelector,
  hasAccessModes,
  isBeingDeleted,
  isBoundToClaim,
  matchesSelector,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
  volumeClass,
  volumeModeOf,
  volumeReaches,
} from '../../../kube/index.ts';

type Volume = Stored<PersistentVolume>;

/** The volumes that could serve a claim, whatever the node. */
export interface Candidates {
  /** One that is held for the claim already: it, or none. */
  readonly reserved?: Volume;
  /** The smallest first. */
  readonly free: readonly Volume[];
}

/** What a claim may choose from (component-helpers, FindMatchingVolume, without the node). */
export function candidatesFor(claim: PersistentVolumeClaim, volumes: readonly Volume[]): Candidates {
  const selector = claim.spec?.selector && fromLabelSelector(claim.spec.selector);
  const free: Volume[] = [];
  for (const volume of volumes) {
    const reserved = isBoundToClaim(volume, claim);
    if (!couldHold(volume, claim) || (volume.spec?.claimRef && !reserved)) continue;
    if (reserved) return { reserved: volume, free: [] };
    if (volume.status?.phase !== 'Available' || volumeClass(volume) !== claimClass(claim)) continue;
    if (selector && !matchesSelector(selector, volume.metadata.labels)) continue;
    if (hasAccessModes(volume, claim)) free.push(volume);
  }
  return { free: free.sort((a, b) => compareQuantity(a.spec?.capacity?.storage, b.spec?.capacity?.storage)) };
}

/** The smallest candidate that the node reaches and that no other claim of the pod has taken. */
export function findMatchingVolume(
  { reserved, free }: Candidates,
  node: Node,
  taken: ReadonlySet<string>,
): Volume | undefined {
  if (reserved && !taken.has(reserved.metadata.name)) {
    return volumeReaches(reserved, node) ? reserved : undefined;
  }
  return free.find((volume) => !taken.has(volume.metadata.name) && volumeReaches(volume, node));
}

function couldHold(volume: Volume, claim: PersistentVolumeClaim): boolean {
  return (
    compareQuantity(volume.spec?.capacity?.storage, claim.spec?.resources?.requests?.storage) >= 0 &&
    volumeModeOf(volume) === volumeModeOf(claim) &&
    (volume.spec?.volumeAttributesClassName ?? '') === (claim.spec?.volumeAttributesClassName ?? '') &&
    !isBeingDeleted(volume)
  );
}
