import {
  type CSIStorageCapacity,
  formatBytes,
  type OwnerReference,
  quantityValue,
  type Stored,
} from '../../../kube/index.ts';
import type { Item } from './wanted.ts';

/** Which objects are ours, and what all of them carry. */
export interface Management {
  readonly driver: string;
  readonly managedBy: string;
  readonly namespace: string;
  /** Whose end is theirs, too. */
  readonly owner: OwnerReference | undefined;
}

/** What the driver tells. */
export interface Capacity {
  readonly availableCapacity: bigint;
  readonly maximumVolumeSize: bigint | undefined;
}

const DRIVER_NAME_LABEL = 'csi.storage.k8s.io/drivername';
const MANAGED_BY_LABEL = 'csi.storage.k8s.io/managed-by';

/** By these labels an instance knows its own objects. */
export function managedLabels({ driver, managedBy }: Management): Readonly<Record<string, string>> {
  return { [DRIVER_NAME_LABEL]: driver, [MANAGED_BY_LABEL]: managedBy };
}

/** Source: syncCapacity. */
export function newCapacity(management: Management, item: Item, told: Capacity): CSIStorageCapacity {
  const { namespace, owner } = management;
  return {
    metadata: {
      generateName: 'csisc-',
      namespace,
      labels: managedLabels(management),
      ...(owner && { ownerReferences: [owner] }),
    },
    storageClassName: item.storageClass,
    nodeTopology: { matchLabels: Object.fromEntries(item.segment) },
    ...quantitiesOf(told),
  };
}

/** The object after the driver's answer; undefined when it says so already. An owner is added, never taken away. */
export function changedCapacity(
  { owner }: Management,
  object: Stored<CSIStorageCapacity>,
  told: Capacity,
): Stored<CSIStorageCapacity> | undefined {
  const references = object.metadata.ownerReferences ?? [];
  const isOwned = !owner || references.some(({ uid, controller }) => controller && uid === owner.uid);
  const { capacity, maximumVolumeSize, ...rest } = object;
  const isSame =
    capacity !== undefined &&
    quantityValue(capacity) === told.availableCapacity &&
    (maximumVolumeSize === undefined ? undefined : quantityValue(maximumVolumeSize)) ===
      told.maximumVolumeSize;
  if (isSame && isOwned) return undefined;
  const metadata = isOwned
    ? object.metadata
    : { ...object.metadata, ownerReferences: [...references, owner] };
  return { ...rest, metadata, ...quantitiesOf(told) };
}

function quantitiesOf({ availableCapacity, maximumVolumeSize }: Capacity) {
  return {
    capacity: formatBytes(availableCapacity),
    ...(maximumVolumeSize !== undefined && { maximumVolumeSize: formatBytes(maximumVolumeSize) }),
  };
}
