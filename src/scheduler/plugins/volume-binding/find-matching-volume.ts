import {
  compareQuantity,
  isBoundToClaim,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Stored,
  volumeReaches,
} from '../../../kube/index.ts';
import { canHold, couldTake } from '../../../volume/binding/index.ts';

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
  const free: Volume[] = [];
  for (const volume of volumes) {
    if (isBoundToClaim(volume, claim)) {
      if (canHold(volume, claim)) return { reserved: volume, free: [] };
    } else if (couldTake(volume, claim)) free.push(volume);
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
