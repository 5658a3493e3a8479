import {
  ANN_ALLOW_VOLUME_MODE_CHANGE,
  annotation,
  hasFinalizer,
  isBeingDeleted,
  type PersistentVolume,
  type PersistentVolumeClaim,
  quantityValue,
  refersTo,
  type StorageClass,
  type Stored,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  volumeModeOf,
} from '../../kube/index.ts';

// Why a volume cannot be made of a source, and what the driver is given when it can: pure, over the objects at hand.
// Source: getSnapshotSource and getPVCSource of external-provisioner.

/** On a snapshot while a volume is in the making from it; the snapshot controller has one of its own. */
export const FINALIZER_SNAPSHOT_PROVISIONING =
  'provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection';
/** On a claim while another is in the making from its volume. */
export const FINALIZER_CLONING = 'provisioner.storage.kubernetes.io/cloning-protection';

/** The source as CreateVolume takes it. */
export interface ContentSource {
  readonly type:
    | { readonly case: 'snapshot'; readonly value: { readonly snapshotId: string } }
    | { readonly case: 'volume'; readonly value: { readonly volumeId: string } };
}

type Claim = Stored<PersistentVolumeClaim>;

/** The name of the content that the snapshot is bound to. @throws Error when no volume may be made of the snapshot. */
export function boundContentName(snapshot: Stored<VolumeSnapshot>): string {
  const { name } = snapshot.metadata;
  // One that was begun with before goes on: the volume may be half made.
  if (isBeingDeleted(snapshot) && !hasFinalizer(snapshot, FINALIZER_SNAPSHOT_PROVISIONING))
    throw new Error(`snapshot ${name} is being deleted`);
  const bound = snapshot.status?.boundVolumeSnapshotContentName;
  if (bound === undefined) throw new Error(`snapshot ${name} not bound`);
  return bound;
}

/** @throws Error that says why the claim cannot have a volume of this snapshot. */
export function snapshotSource(
  claim: Claim,
  storageClass: StorageClass,
  snapshot: Stored<VolumeSnapshot>,
  content: Stored<VolumeSnapshotContent>,
  { preventModeConversion }: { readonly preventModeConversion: boolean },
): ContentSource {
  const { name } = snapshot.metadata;
  const contentName = content.metadata.name;
  if (!refersTo(content, snapshot))
    throw new Error(`snapshotcontent ${contentName} for snapshot ${name} is bound to a different snapshot`);
  if (content.spec.driver !== storageClass.provisioner) {
    throw new Error(
      `snapshotcontent ${contentName} for snapshot ${name} is not handled by CSI driver of StorageClass ${storageClass.metadata?.name}`,
    );
  }
  if (!snapshot.status?.readyToUse) throw new Error(`snapshot ${name} is not Ready`);
  const snapshotId = content.status?.snapshotHandle;
  if (snapshotId === undefined) throw new Error(`snapshot handle ${name} is not available`);
  const { restoreSize } = snapshot.status;
  if (restoreSize !== undefined) {
    const requested = quantityValue(claim.spec?.resources?.requests?.storage);
    const least = quantityValue(restoreSize);
    if (requested < least) {
      throw new Error(
        `requested volume size ${requested} is less than the size ${least} for the source snapshot ${name}`,
      );
    }
  }
  if (preventModeConversion) checkMode(claim, content);
  return { type: { case: 'snapshot', value: { snapshotId } } };
}

/** A raw volume may hold a malformed file system: who mounts it must be allowed to. */
function checkMode(claim: Claim, content: Stored<VolumeSnapshotContent>): void {
  const { sourceVolumeMode } = content.spec;
  const wanted = claim.spec?.volumeMode;
  if (sourceVolumeMode === undefined || wanted === undefined || sourceVolumeMode === wanted) return;
  const { namespace, name } = claim.metadata;
  const refuse = (why: string) =>
    new Error(
      `requested volume ${namespace}/${name} modifies the mode of the source volume but does not have permission to do so. ${why}`,
    );
  const given = annotation(content, ANN_ALLOW_VOLUME_MODE_CHANGE);
  const key = ANN_ALLOW_VOLUME_MODE_CHANGE;
  const contentName = content.metadata.name;
  if (given === undefined) throw refuse(`${key} annotation is not present on snapshotcontent ${contentName}`);
  const allowed = parseBool(given);
  if (allowed === undefined) {
    throw refuse(
      `failed to convert ${key} annotation value to boolean with error: strconv.ParseBool: parsing ${JSON.stringify(given)}: invalid syntax`,
    );
  }
  if (!allowed) throw refuse(`${key} is set to false on snapshotcontent ${contentName}`);
}

/** As Go's strconv.ParseBool. */
function parseBool(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  return ['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text) ? false : undefined;
}

/** The name of the volume behind a claim. @throws Error when no volume may be made of it. */
export function sourceVolumeName(claim: Claim, source: Claim): string {
  const { name } = source.metadata;
  if (source.status?.phase !== 'Bound') {
    throw new Error(
      `the PVC DataSource ${name} must have a status of Bound.  Got ${source.status?.phase ?? ''}`,
    );
  }
  if (isBeingDeleted(source)) throw new Error(`the PVC DataSource ${name} is currently being deleted`);
  if (source.spec?.storageClassName === undefined)
    throw new Error(`the source PVC (${name}) storageclass cannot be empty`);
  if (claim.spec?.storageClassName === undefined)
    throw new Error(`the requested PVC (${claim.metadata.name}) storageclass cannot be empty`);
  const requested = quantityValue(claim.spec.resources?.requests?.storage);
  const least = quantityValue(source.spec.resources?.requests?.storage);
  if (requested < least) {
    throw new Error(
      `error, new PVC request must be greater than or equal in size to the specified PVC data source, requested ${requested} but source is ${least}`,
    );
  }
  if (!source.spec.volumeName) throw new Error(`volume name is empty in source PVC ${name}`);
  return source.spec.volumeName;
}

/** @throws Error that says why the claim cannot have a copy of this volume. */
export function volumeSource(
  claim: Claim,
  storageClass: StorageClass,
  source: Claim,
  volume: Stored<PersistentVolume> | undefined,
): ContentSource {
  const { csi, claimRef } = volume?.spec ?? {};
  const { uid, namespace, name } = source.metadata;
  const isBound =
    csi?.driver === storageClass.provisioner &&
    claimRef?.uid === uid &&
    claimRef.namespace === namespace &&
    claimRef.name === name &&
    volume?.status?.phase === 'Bound';
  if (!volume || !csi || !isBound) throw new Error('claim in dataSource not bound or invalid');
  const [from, to] = [volumeModeOf(volume), volumeModeOf(claim)];
  if (from !== to) {
    throw new Error(
      `the source PVC and destination PVCs must have the same volume mode for cloning.  Source is ${from}, but new PVC requested ${to}`,
    );
  }
  return { type: { case: 'volume', value: { volumeId: csi.volumeHandle } } };
}
