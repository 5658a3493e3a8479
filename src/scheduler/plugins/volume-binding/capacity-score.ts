import {
  claimClass,
  type PersistentVolume,
  type PersistentVolumeClaim,
  quantityValue,
} from '../../../kube/index.ts';
import { MAX_NODE_SCORE } from '../../plugin.ts';
import type { PodVolumeClaims, PodVolumes } from './pod-volumes.ts';
import { segmentOf } from './provisioning.ts';

type Labels = Readonly<Record<string, string>>;

/** Of one class on one node: what the pod asks for, and what there is. */
interface Use {
  requested: bigint;
  capacity: bigint;
}

/**
 * How much of the storage that a node offers would stay free, in percent, the mean over the classes: 0 when there is
 * nothing to compare. Static volumes go before capacity objects. (volumebinding, Score with StorageCapacityScoring and
 * its default shape)
 */
export function capacityScore(claims: PodVolumeClaims, volumes: PodVolumes, labels: Labels): number {
  const uses = volumes.bindings.length > 0 ? ofBindings(volumes) : ofProvisions(claims, volumes, labels);
  if (uses.size === 0) return 0;
  let sum = 0;
  for (const use of uses.values()) sum += unused(use);
  return Math.round(sum / uses.size);
}

function ofBindings({ bindings }: PodVolumes): ReadonlyMap<string, Use> {
  const uses = new Map<string, Use>();
  for (const { claim, volume } of bindings) {
    const use = useOf(uses, claim);
    use.requested += requestOf(claim);
    use.capacity += sizeOf(volume);
  }
  return uses;
}

/** Claims of a class share what there is: it counts once. */
function ofProvisions(
  { delayed }: PodVolumeClaims,
  { provisions }: PodVolumes,
  labels: Labels,
): ReadonlyMap<string, Use> {
  const uses = new Map<string, Use>();
  for (const { claim, terms } of delayed) {
    const capacity = provisions.includes(claim) ? segmentOf(terms, labels)?.capacityBytes : undefined;
    if (capacity === undefined) continue;
    const use = useOf(uses, claim);
    use.requested += requestOf(claim);
    use.capacity = capacity;
  }
  return uses;
}

function unused({ requested, capacity }: Use): number {
  if (capacity === 0n || requested > capacity) return 0;
  return MAX_NODE_SCORE - Number((requested * BigInt(MAX_NODE_SCORE)) / capacity);
}

function useOf(uses: Map<string, Use>, claim: PersistentVolumeClaim): Use {
  const name = claimClass(claim);
  const use = uses.get(name) ?? { requested: 0n, capacity: 0n };
  uses.set(name, use);
  return use;
}

const requestOf = ({ spec }: PersistentVolumeClaim) =>
  quantityValue(spec?.resources?.requests?.storage ?? '0');
const sizeOf = ({ spec }: PersistentVolume) => quantityValue(spec?.capacity?.storage ?? '0');
