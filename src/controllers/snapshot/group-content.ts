import { createHash } from 'node:crypto';
import {
  ANN_GROUP_SNAPSHOT_HANDLE,
  ANN_GROUP_SNAPSHOT_SECRET_NAME,
  ANN_GROUP_SNAPSHOT_SECRET_NAMESPACE,
  ANN_SNAPSHOT_DELETION_SECRET_NAME,
  ANN_SNAPSHOT_DELETION_SECRET_NAMESPACE,
  FINALIZER_GROUP_SNAPSHOT_CONTENT,
  FINALIZER_SNAPSHOT_IN_GROUP,
  GROUP_SNAPSHOT_GROUP,
  groupContentNameFor,
  groupRefersTo,
  keyOf,
  type PersistentVolume,
  referenceTo,
  type SecretReference,
  type Stored,
  snapshotSecret,
  type VolumeGroupSnapshot,
  type VolumeGroupSnapshotClass,
  type VolumeGroupSnapshotContent,
  type VolumeGroupSnapshotContentStatus,
  type VolumeGroupSnapshotStatus,
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  type VolumeSnapshotContentStatus,
  type VolumeSnapshotInfo,
} from '../../kube/index.ts';
import type { Fault } from './content.ts';

type Group = Stored<VolumeGroupSnapshot>;
type GroupContent = Stored<VolumeGroupSnapshotContent>;

export type FoundGroup = { readonly content: GroupContent | undefined } | { readonly fault: Fault };

/**
 * The content of a group snapshot; undefined when it is not there.
 * Source: getPreprovisionedGroupSnapshotContentFromStore, getDynamicallyProvisionedGroupContentFromStore.
 */
export function findGroupContent(group: Group, get: (name: string) => GroupContent | undefined): FoundGroup {
  const { volumeGroupSnapshotContentName: named } = group.spec.source;
  const name = named ?? groupContentNameFor(group);
  const content = get(name);
  if (!content) return { content };
  const { source, volumeGroupSnapshotRef: reference } = content.spec;
  const isGiven = source.groupSnapshotHandles !== undefined;
  if (isGiven !== (named !== undefined)) {
    const [is, expected] = isGiven
      ? ['pre-provisioned', 'a dynamically provisioned']
      : ['dynamically provisioned', 'a pre-provisioned'];
    const which = isGiven ? ` ${name}` : '';
    return {
      fault: {
        reason: 'GroupSnapshotContentMismatch',
        message: `VolumeGroupSnapshotContent${which} is ${is} while expecting ${expected} one`,
        error: `group snapshot ${keyOf(group)} expects ${expected} VolumeGroupSnapshotContent ${name} but gets a ${is} one`,
      },
    };
  }
  const isOurs =
    groupRefersTo(content, group) ||
    (isGiven &&
      !reference.uid &&
      reference.name === group.metadata.name &&
      reference.namespace === group.metadata.namespace);
  if (isOurs) return { content };
  const message = `VolumeGroupSnapshotContent [${name}] is bound to a different group snapshot`;
  return { fault: { reason: 'GroupSnapshotContentMisbound', message } };
}

/** The content that asks the driver for snapshots of the volumes. Source: createGroupSnapshotContent. */
export function newGroupContent(
  group: Group,
  groupClass: Stored<VolumeGroupSnapshotClass>,
  volumeHandles: readonly string[],
): VolumeGroupSnapshotContent {
  const name = groupContentNameFor(group);
  const secret = groupSecret(groupClass, name, group);
  return {
    metadata: {
      name,
      // Upstream adds it with a second write.
      finalizers: [FINALIZER_GROUP_SNAPSHOT_CONTENT],
      ...(secret && {
        annotations: {
          [ANN_GROUP_SNAPSHOT_SECRET_NAME]: secret.name,
          [ANN_GROUP_SNAPSHOT_SECRET_NAMESPACE]: secret.namespace,
        },
      }),
    },
    spec: {
      volumeGroupSnapshotRef: referenceTo(group),
      source: { volumeHandles },
      volumeGroupSnapshotClassName: groupClass.metadata.name,
      deletionPolicy: groupClass.deletionPolicy,
      driver: groupClass.driver,
    },
  };
}

/** The secret that a class names for its group snapshots. */
export function groupSecret(
  { parameters }: VolumeGroupSnapshotClass,
  contentName: string,
  group: Group | undefined,
): SecretReference | undefined {
  return snapshotSecret('group-snapshotter', parameters, 'volumegroupsnapshot', contentName, group?.metadata);
}

/** A snapshot of the group, and its content: always the same for a volume. */
export interface Member {
  readonly snapshot: VolumeSnapshot & {
    readonly metadata: { readonly name: string; readonly namespace: string };
  };
  readonly content: VolumeSnapshotContent & { readonly metadata: { readonly name: string } };
}

/** Source: buildVolumeSnapshotContentSpecForGroupSnapshot, buildVolumeSnapshotSpecForGroupSnapshot. */
export function memberOf(
  group: Group,
  groupContent: GroupContent,
  { volumeHandle = '' }: VolumeSnapshotInfo,
  volume: PersistentVolume | undefined,
  secret: SecretReference | undefined,
): Member {
  const hash = createHash('sha256').update(`${group.metadata.uid}${volumeHandle}`).digest('hex');
  const name = `snapshot-${hash}`;
  const namespace = groupContent.spec.volumeGroupSnapshotRef.namespace ?? '';
  const { deletionPolicy, driver } = groupContent.spec;
  const sourceVolumeMode = volume?.spec?.volumeMode;
  return {
    snapshot: {
      metadata: {
        name,
        namespace,
        ownerReferences: [
          {
            apiVersion: `${GROUP_SNAPSHOT_GROUP}/v1`,
            kind: 'VolumeGroupSnapshot',
            name: group.metadata.name,
            uid: group.metadata.uid,
          },
        ],
        finalizers: [FINALIZER_SNAPSHOT_IN_GROUP],
      },
      spec: { source: { persistentVolumeClaimName: volume?.spec?.claimRef?.name ?? '' } },
    },
    content: {
      metadata: {
        name: `snapcontent-${hash}`,
        annotations: {
          [ANN_GROUP_SNAPSHOT_HANDLE]: groupContent.status?.volumeGroupSnapshotHandle ?? '',
          ...(secret && {
            [ANN_SNAPSHOT_DELETION_SECRET_NAME]: secret.name,
            [ANN_SNAPSHOT_DELETION_SECRET_NAMESPACE]: secret.namespace,
          }),
        },
      },
      spec: {
        volumeSnapshotRef: { kind: 'VolumeSnapshot', name, namespace },
        deletionPolicy,
        driver,
        source: { volumeHandle },
        ...(sourceVolumeMode !== undefined && { sourceVolumeMode }),
      },
    },
  };
}

/** The name of a member's content, which is made before the member. */
export function memberContentName({ metadata }: Stored<VolumeSnapshot>): string {
  return metadata.name.replace(/^snapshot-/, 'snapcontent-');
}

/** What the content of a member says, as far as the group knows. Source: updateVolumeSnapshotContentStatus. */
export function memberStatus(
  { snapshotHandle, creationTime, restoreSize, readyToUse }: VolumeSnapshotInfo,
  { volumeGroupSnapshotHandle }: VolumeGroupSnapshotContentStatus,
): VolumeSnapshotContentStatus {
  return { snapshotHandle, volumeGroupSnapshotHandle, creationTime, restoreSize, readyToUse };
}

/** Whether the group's content tells something that the group does not yet. Source: needsUpdateGroupSnapshotStatus. */
export function isGroupBehind(
  { status: own }: VolumeGroupSnapshot,
  { status }: VolumeGroupSnapshotContent,
): boolean {
  if (!status) return false;
  return (
    !own?.boundVolumeGroupSnapshotContentName ||
    (own.creationTime === undefined && status.creationTime !== undefined) ||
    (status.readyToUse !== undefined && own.readyToUse !== status.readyToUse)
  );
}

/** What a group snapshot says, given its content; undefined when it says so already. Source: updateGroupSnapshotStatus. */
export function groupStatusFrom(
  own: VolumeGroupSnapshotStatus | undefined,
  content: Pick<GroupContent, 'metadata' | 'status'>,
): VolumeGroupSnapshotStatus | undefined {
  const { creationTime, readyToUse = false, error } = content.status ?? {};
  const next: VolumeGroupSnapshotStatus = {
    boundVolumeGroupSnapshotContentName: own?.boundVolumeGroupSnapshotContentName ?? content.metadata.name,
    creationTime: own?.creationTime ?? creationTime,
    readyToUse,
    error,
  };
  const isSame =
    own !== undefined &&
    own.boundVolumeGroupSnapshotContentName === next.boundVolumeGroupSnapshotContentName &&
    own.creationTime === next.creationTime &&
    own.readyToUse === next.readyToUse &&
    own.error?.message === error?.message &&
    own.error?.time === error?.time;
  return isSame ? undefined : next;
}
