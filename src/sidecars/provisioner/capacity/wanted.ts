import {
  type CSINode,
  type CSIStorageCapacity,
  driverOf,
  type Node,
  type NodeSelectorTerm,
  type StorageClass,
} from '../../../kube/index.ts';
import { distinct, isEqualTerm, sortedTerm, type TopologyTerm, termOf } from '../topology-term.ts';

/** What an object tells the capacity of: a class in a part of the cluster that has its own storage. */
export interface Item {
  readonly storageClass: string;
  readonly segment: TopologyTerm;
}

/** The same for the same item, and for nothing else. */
export function keyOfItem({ storageClass, segment }: Item): string {
  return JSON.stringify([storageClass, segment]);
}

/** The item that an object is of; undefined for a selector that no segment has. */
export function itemOf({ storageClassName, nodeTopology }: CSIStorageCapacity): Item | undefined {
  if (!nodeTopology || (nodeTopology.matchExpressions ?? []).length > 0) return undefined;
  return {
    storageClass: storageClassName,
    segment: sortedTerm(Object.entries(nodeTopology.matchLabels ?? {})),
  };
}

/**
 * The segments of the cluster: the labels that each node of the driver has under its topology keys. A node whose labels
 * are not there yet does not count; a driver without topology has one segment, of which every node is.
 * Source: topology.nodeTopology of external-provisioner.
 */
export function clusterSegments(
  driver: string,
  csiNodes: Iterable<CSINode>,
  nodeNamed: (name: string) => Node | undefined,
): readonly TopologyTerm[] {
  return distinct(
    [...csiNodes].flatMap((csiNode) => {
      const own = driverOf(csiNode, driver);
      const node = nodeNamed(csiNode.metadata?.name ?? '');
      const segment = own && node && termOf(node.metadata?.labels, own.topologyKeys ?? []);
      return segment ? [segment] : [];
    }),
  );
}

/** Every segment for each class of the driver. The scheduler has no use for classes that bind immediately. */
export function wantedItems(
  driver: string,
  classes: Iterable<StorageClass>,
  segments: readonly TopologyTerm[],
  { immediateBinding }: { readonly immediateBinding: boolean },
): readonly Item[] {
  return [...classes].flatMap(({ metadata, provisioner, volumeBindingMode }) => {
    if (provisioner !== driver || (volumeBindingMode === 'Immediate' && !immediateBinding)) return [];
    return segments.map((segment) => ({ storageClass: metadata?.name ?? '', segment }));
  });
}

/**
 * The segment that a term of a volume's node affinity names.
 * @throws Error for a term that the provisioner did not write. Source: termToSegment.
 */
export function segmentOfTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): TopologyTerm {
  if (matchFields.length > 0) throw new Error(`MatchFields not empty: ${JSON.stringify(matchFields)}`);
  return sortedTerm(
    matchExpressions.map(({ key, operator, values = [] }) => {
      if (operator !== 'In') throw new Error(`unexpected operator: ${operator}`);
      if (values.length !== 1) throw new Error(`need exactly one label value, got: [${values.join(' ')}]`);
      return [key, values[0]!] as const;
    }),
  );
}

/** Whether a volume that only nodes of these terms reach takes from the segment's storage. */
export function takesFrom(segment: TopologyTerm, terms: readonly NodeSelectorTerm[]): boolean {
  return terms.some((term) => {
    try {
      return isEqualTerm(segmentOfTerm(term), segment);
    } catch {
      return false;
    }
  });
}
