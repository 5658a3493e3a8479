import {
  type CSIDriver,
  type CSIStorageCapacity,
  claimClass,
  fromLabelSelector,
  keyOf,
  matchesSelector,
  NO_PROVISIONER,
  type PersistentVolumeClaim,
  quantityValue,
  type Selector,
  type StorageClass,
  type TopologySelectorTerm,
} from '../../../kube/index.ts';

type Labels = Readonly<Record<string, string>>;

/** Where a volume for a claim could be made. Computed once a pod, then asked for each node. */
export type ProvisionTerms =
  /** The claim's class is missing: no node can be judged. */
  | { readonly kind: 'error'; readonly message: string }
  /** Nothing makes volumes of this class. */
  | { readonly kind: 'none' }
  | {
      readonly kind: 'somewhere';
      readonly allowedTopologies: readonly TopologySelectorTerm[];
      /** Where there is enough storage, when the driver says how much there is where. */
      readonly withCapacity: readonly Segment[] | undefined;
    };

/** Nodes that share storage with enough room for a volume. */
export interface Segment {
  readonly nodes: Selector;
  /** What is free there in all; absent when only the largest volume is known. */
  readonly capacityBytes: bigint | undefined;
}

export interface ProvisionSources {
  classOf(name: string): StorageClass | undefined;
  driverOf(provisioner: string): CSIDriver | undefined;
  capacitiesOf(className: string): readonly CSIStorageCapacity[];
}

export function provisionTerms(claim: PersistentVolumeClaim, sources: ProvisionSources): ProvisionTerms {
  const className = claimClass(claim);
  if (className === '') {
    return { kind: 'error', message: `no class for claim ${JSON.stringify(keyOf(claim))}` };
  }
  const storageClass = sources.classOf(className);
  if (!storageClass) {
    return { kind: 'error', message: `failed to find storage class ${JSON.stringify(className)}` };
  }
  const { provisioner, allowedTopologies = [] } = storageClass;
  if (!provisioner || provisioner === NO_PROVISIONER) return { kind: 'none' };
  const size = claim.spec?.resources?.requests?.storage;
  const isTracked = size !== undefined && sources.driverOf(provisioner)?.spec?.storageCapacity === true;
  return {
    kind: 'somewhere',
    allowedTopologies,
    withCapacity: isTracked ? enough(sources.capacitiesOf(className), quantityValue(size)) : undefined,
  };
}

export type ProvisionVerdict = 'yes' | 'no' | 'not enough space';

/** Whether the node can have the volume. @throws Error when the class is missing. */
export function canProvision(terms: ProvisionTerms, labels: Labels): ProvisionVerdict {
  if (terms.kind === 'error') throw new Error(terms.message);
  if (terms.kind === 'none' || !allows(terms.allowedTopologies, labels)) return 'no';
  if (terms.withCapacity === undefined) return 'yes';
  return segmentOf(terms, labels) ? 'yes' : 'not enough space';
}

/** Where a node with these labels would have the volume made, as far as capacity is known. */
export function segmentOf(terms: ProvisionTerms, labels: Labels): Segment | undefined {
  if (terms.kind !== 'somewhere') return undefined;
  return terms.withCapacity?.find(({ nodes }) => matchesSelector(nodes, labels));
}

/** No term allows every node; a term without expressions allows none. */
export function allows(terms: readonly TopologySelectorTerm[], labels: Labels): boolean {
  if (terms.length === 0) return true;
  return terms.some(({ matchLabelExpressions = [] }) => {
    if (matchLabelExpressions.length === 0) return false;
    return matchLabelExpressions.every(({ key, values }) => key in labels && values.includes(labels[key]!));
  });
}

/** The segments with room for one volume of this size. A segment without nodeTopology is reachable from nowhere. */
function enough(capacities: readonly CSIStorageCapacity[], sizeBytes: bigint): readonly Segment[] {
  const segments: Segment[] = [];
  for (const { nodeTopology, maximumVolumeSize, capacity } of capacities) {
    const limit = volumeLimit({ maximumVolumeSize, capacity });
    if (nodeTopology && limit !== undefined && limit >= sizeBytes) {
      const capacityBytes = capacity === undefined ? undefined : quantityValue(capacity);
      segments.push({ nodes: fromLabelSelector(nodeTopology), capacityBytes });
    }
  }
  return segments;
}

/** The largest volume of a segment in bytes; what is free in all stands in for it. */
export function volumeLimit({
  maximumVolumeSize,
  capacity,
}: Pick<CSIStorageCapacity, 'maximumVolumeSize' | 'capacity'>): bigint | undefined {
  const limit = maximumVolumeSize ?? capacity;
  return limit === undefined ? undefined : quantityValue(limit);
}
