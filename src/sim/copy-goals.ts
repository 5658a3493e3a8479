import { DISK_DRIVER } from '../drivers/disk/index.ts';
import {
  compareQuantity,
  isSnapshotReady,
  type PersistentVolumeClaim,
  parentGroupOf,
  refersTo,
  type Stored,
  type VolumeSnapshot,
} from '../kube/index.ts';
import { ATTRIBUTES, IMPOSSIBLE_ATTRIBUTES } from './attributes.ts';
import type { Snapshot, Truth } from './snapshot.ts';

type Claim = Stored<PersistentVolumeClaim>;

/** What is still to happen to snapshots and their contents. */
export function* openCopies(snapshot: Snapshot): Iterable<string> {
  const { copies, contents, claims } = snapshot;
  for (const copy of copies.values()) {
    const { name, deletionTimestamp } = copy.metadata;
    const isNeeded = [...claims.values()].some(
      ({ spec, status }) => spec?.dataSource?.name === name && status?.phase === 'Pending',
    );
    const waits = isNeeded || snapshot.groups.has(parentGroupOf(copy) ?? '');
    if (deletionTimestamp && !waits) yield `snapshot ${name} is being deleted`;
    if (!deletionTimestamp && !isSnapshotReady(copy) && canBeTaken(copy, snapshot))
      yield `snapshot ${name} is not ready`;
  }
  for (const content of contents.values()) {
    const { volumeSnapshotRef, deletionPolicy } = content.spec;
    const copy = copies.get(volumeSnapshotRef.name ?? '');
    const isOrphan = !copy || !refersTo(content, copy);
    if (isOrphan && (deletionPolicy === 'Delete' || content.metadata.deletionTimestamp))
      yield `content ${content.metadata.name} has outlived snapshot ${volumeSnapshotRef.name}`;
  }
}

/** A snapshot whose claim went first has no volume. */
function canBeTaken({ spec }: Stored<VolumeSnapshot>, { claims, volumes }: Snapshot): boolean {
  const claim = claims.get(spec.source.persistentVolumeClaimName ?? '');
  if (claim?.status?.phase !== 'Bound' || claim.metadata.deletionTimestamp) return false;
  const volume = volumes.get(claim.spec?.volumeName ?? '');
  return volume?.spec?.csi?.driver === DISK_DRIVER && !volume.metadata.deletionTimestamp;
}

/** Whether there is, and may be used, what the claim's volume is to be a copy of. */
export function hasSource({ spec }: Claim, { claims, copies, groups }: Snapshot): boolean {
  const { dataSource, resources, volumeMode = 'Filesystem' } = spec ?? {};
  if (!dataSource) return true;
  const asked = resources?.requests?.storage;
  if (dataSource.kind === 'VolumeSnapshot') {
    const copy = copies.get(dataSource.name);
    if (!copy || copy.metadata.deletionTimestamp || !isSnapshotReady(copy)) return false;
    // Members go after their group: one that somebody comes to copy in between has nothing left to copy.
    if (groups.get(parentGroupOf(copy) ?? '')?.metadata.deletionTimestamp) return false;
    const source = claims.get(copy.spec.source.persistentVolumeClaimName ?? '');
    // Of a volume that is gone it is not told which mode it had: either may be right.
    const isOtherMode = (source?.spec?.volumeMode ?? 'Filesystem') !== volumeMode;
    return source !== undefined && !isOtherMode && compareQuantity(asked, copy.status?.restoreSize) >= 0;
  }
  const source = claims.get(dataSource.name);
  if (source?.status?.phase !== 'Bound' || source.metadata.deletionTimestamp) return false;
  if ((source.spec?.volumeMode ?? 'Filesystem') !== volumeMode) return false;
  // Neither the provisioner nor the driver makes a copy that is smaller than its source, or than that is to be.
  const sizes = [source.status?.capacity?.storage, source.spec?.resources?.requests?.storage];
  return sizes.every((size) => compareQuantity(asked, size) >= 0);
}

/** Whether a claim that is to go is kept, as upstream, for a snapshot that is not taken or a copy that is not made. */
export function isKeptAsSource({ metadata }: Claim, { claims, copies }: Snapshot): boolean {
  const isToBeTaken = [...copies.values()].some(
    (copy) => copy.spec.source.persistentVolumeClaimName === metadata.name && !isSnapshotReady(copy),
  );
  const isCopied = [...claims.values()].some(
    ({ spec, status }) =>
      spec?.dataSource?.kind === 'PersistentVolumeClaim' &&
      spec.dataSource.name === metadata.name &&
      status?.phase === 'Pending',
  );
  return isToBeTaken || isCopied;
}

/** What is still to happen to the attributes of a claim's volume; undefined: nothing. */
export function openAttributes(
  { metadata, spec, status }: Claim,
  { volumes, attributes }: Snapshot,
  { limitsOf }: Truth,
): string | undefined {
  const asked = spec?.volumeAttributesClassName;
  if (asked === undefined || status?.phase !== 'Bound' || metadata.deletionTimestamp) return undefined;
  if (!attributes.has(asked)) return undefined;
  const { status: state, targetVolumeAttributesClassName: target } = status.modifyVolumeStatus ?? {};
  if (state === 'Infeasible' && target === asked && asked === IMPOSSIBLE_ATTRIBUTES) return undefined;
  const present = status.currentVolumeAttributesClassName;
  if (present !== asked) return `claim ${metadata.name} has attributes ${present}, and asks for ${asked}`;
  const handle = volumes.get(spec?.volumeName ?? '')?.spec?.csi?.volumeHandle;
  const kept = handle === undefined ? undefined : limitsOf(handle);
  return kept === JSON.stringify(ATTRIBUTES[asked])
    ? undefined
    : `the volume of claim ${metadata.name} has limits ${kept}, and its attributes are ${asked}`;
}
