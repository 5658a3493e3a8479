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

/** What a use of so many percent scores, 0 to 10; between two points on the line from one to the other. */
export type CapacityShape = readonly { readonly utilization: number; readonly score: number }[];

/** The best score in a shape (MaxCustomPriorityScore). */
const MAX_SHAPE_SCORE = 10;
/** The more stays free, the better. */
const DEFAULT_SHAPE: CapacityShape = [
  { utilization: 0, score: MAX_SHAPE_SCORE },
  { utilization: 100, score: 0 },
];

/**
 * What the use of the storage that a node offers scores, the mean over the classes: 0 when there is nothing to compare.
 * Static volumes go before capacity objects. (volumebinding, Score with StorageCapacityScoring)
 */
export function capacityScore(
  claims: PodVolumeClaims,
  volumes: PodVolumes,
  labels: Labels,
  shape: CapacityShape = DEFAULT_SHAPE,
): number {
  const uses = volumes.bindings.length > 0 ? ofBindings(volumes) : ofProvisions(claims, volumes, labels);
  return meanScore([...uses.values()], shape);
}

/** Classes count the same, whatever their size. */
export function meanScore(uses: readonly Readonly<Use>[], shape: CapacityShape): number {
  if (uses.length === 0) return 0;
  const sum = uses.reduce((total, use) => total + scoreAt(utilization(use), shape), 0);
  return Math.round(sum / uses.length);
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

/** In whole percent. */
function utilization({ requested, capacity }: Use): number {
  return capacity === 0n || requested > capacity ? 100 : Number((requested * 100n) / capacity);
}

/** In whole numbers, as upstream's BuildBrokenLinearFunction. */
function scoreAt(percent: number, shape: CapacityShape): number {
  const points = shape.map((point) => ({
    ...point,
    score: (point.score * MAX_NODE_SCORE) / MAX_SHAPE_SCORE,
  }));
  const next = points.findIndex((point) => percent <= point.utilization);
  if (next === -1) return points.at(-1)!.score;
  const to = points[next]!;
  const from = points[next - 1] ?? to;
  if (from === to) return to.score;
  const share = (to.score - from.score) * (percent - from.utilization);
  return from.score + Math.trunc(share / (to.utilization - from.utilization));
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
