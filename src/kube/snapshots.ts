import { annotation } from './metadata.ts';
import type { Resource } from './resources.ts';
import type { KubeObject, ObjectReference, Stored } from './types.ts';

// The custom resources of snapshot.storage.k8s.io/v1: no package publishes their types for JavaScript.
// Source: external-snapshotter 8, client/apis/volumesnapshot/v1 and pkg/utils.

export const SNAPSHOT_GROUP = 'snapshot.storage.k8s.io';

export type DeletionPolicy = 'Delete' | 'Retain';

/** The last failure; it holds no secrets. */
export interface SnapshotError {
  readonly time?: string;
  readonly message?: string;
}

export interface VolumeSnapshotClass extends KubeObject {
  readonly driver: string;
  readonly deletionPolicy: DeletionPolicy;
  readonly parameters?: Readonly<Record<string, string>>;
}

export interface VolumeSnapshot extends KubeObject {
  readonly spec: {
    readonly source: {
      readonly persistentVolumeClaimName?: string;
      readonly volumeSnapshotContentName?: string;
    };
    readonly volumeSnapshotClassName?: string;
  };
  readonly status?: VolumeSnapshotStatus;
}

export interface VolumeSnapshotStatus {
  readonly boundVolumeSnapshotContentName?: string;
  readonly creationTime?: string;
  readonly readyToUse?: boolean;
  readonly restoreSize?: string;
  readonly error?: SnapshotError;
  readonly volumeGroupSnapshotName?: string;
}

export interface VolumeSnapshotContent extends KubeObject {
  readonly spec: {
    readonly volumeSnapshotRef: ObjectReference;
    readonly deletionPolicy: DeletionPolicy;
    readonly driver: string;
    readonly volumeSnapshotClassName?: string;
    readonly source: { readonly volumeHandle?: string; readonly snapshotHandle?: string };
    readonly sourceVolumeMode?: string;
  };
  readonly status?: VolumeSnapshotContentStatus;
}

export interface VolumeSnapshotContentStatus {
  readonly snapshotHandle?: string;
  /** Nanoseconds since 1970. */
  readonly creationTime?: number;
  readonly restoreSize?: number;
  readonly readyToUse?: boolean;
  readonly error?: SnapshotError;
  readonly volumeGroupSnapshotHandle?: string;
}

export const volumeSnapshotClasses: Resource<VolumeSnapshotClass> = {
  group: SNAPSHOT_GROUP,
  version: 'v1',
  kind: 'VolumeSnapshotClass',
  plural: 'volumesnapshotclasses',
  singular: 'volumesnapshotclass',
  shortNames: ['vsclass', 'vsclasses'],
  categories: [],
  namespaced: false,
};
export const volumeSnapshots: Resource<VolumeSnapshot> = {
  group: SNAPSHOT_GROUP,
  version: 'v1',
  kind: 'VolumeSnapshot',
  plural: 'volumesnapshots',
  singular: 'volumesnapshot',
  shortNames: ['vs'],
  categories: [],
  namespaced: true,
};
export const volumeSnapshotContents: Resource<VolumeSnapshotContent> = {
  group: SNAPSHOT_GROUP,
  version: 'v1',
  kind: 'VolumeSnapshotContent',
  plural: 'volumesnapshotcontents',
  singular: 'volumesnapshotcontent',
  shortNames: ['vsc', 'vscs'],
  categories: [],
  namespaced: false,
};

const PREFIX = 'snapshot.storage.kubernetes.io';

/** On a snapshot whose content is deleted with it. */
export const FINALIZER_SNAPSHOT_BOUND = `${PREFIX}/volumesnapshot-bound-protection`;
/** On every snapshot: volumes may be in the making from it. */
export const FINALIZER_SNAPSHOT_AS_SOURCE = `${PREFIX}/volumesnapshot-as-source-protection`;
/** On a snapshot that its group snapshot made. */
export const FINALIZER_SNAPSHOT_IN_GROUP = `${PREFIX}/volumesnapshot-in-group-protection`;
export const FINALIZER_SNAPSHOT_CONTENT = `${PREFIX}/volumesnapshotcontent-bound-protection`;
/** On a claim while a snapshot of its volume is in the making. */
export const FINALIZER_CLAIM_AS_SOURCE = `${PREFIX}/pvc-as-source-protection`;

export const ANN_DEFAULT_SNAPSHOT_CLASS = `${PREFIX}/is-default-class`;
/** On a content: its snapshot is being deleted. The snapshot controller says it to the sidecar. */
export const ANN_SNAPSHOT_BEING_DELETED = `${PREFIX}/volumesnapshot-being-deleted`;
/** On a content: CreateSnapshot was called, and has neither succeeded nor failed for good. */
export const ANN_SNAPSHOT_BEING_CREATED = `${PREFIX}/volumesnapshot-being-created`;
/** On a content: the secret that the snapshot is made and deleted with. */
export const ANN_SNAPSHOT_DELETION_SECRET_NAME = `${PREFIX}/deletion-secret-name`;
export const ANN_SNAPSHOT_DELETION_SECRET_NAMESPACE = `${PREFIX}/deletion-secret-namespace`;
/** On a content: volumes of another mode may be made of it. */
export const ANN_ALLOW_VOLUME_MODE_CHANGE = `${PREFIX}/allow-volume-mode-change`;
/** On a content: the node whose snapshotter takes it. */
export const LABEL_SNAPSHOT_MANAGED_BY = `${PREFIX}/managed-by`;
/** On a content: it is part of this group snapshot, so that the driver is not asked for it alone. */
export const ANN_GROUP_SNAPSHOT_HANDLE = 'groupsnapshot.storage.k8s.io/volumeGroupSnapshotHandle';

/** The parameters of a class that are for the sidecars, not for the driver. */
export const SNAPSHOT_PARAMETER_PREFIX = 'csi.storage.k8s.io/';

/** The content that is made for a snapshot of a claim. */
export function contentNameFor(snapshot: Stored<VolumeSnapshot>): string {
  return `snapcontent-${snapshot.metadata.uid}`;
}

/** Whether the content names this very snapshot. */
export function refersTo(content: VolumeSnapshotContent, snapshot: Stored<VolumeSnapshot>): boolean {
  const { name, namespace, uid } = content.spec.volumeSnapshotRef;
  const { metadata } = snapshot;
  return name === metadata.name && namespace === metadata.namespace && uid === metadata.uid;
}

export function isSnapshotReady({ status }: VolumeSnapshot): boolean {
  return status?.readyToUse === true;
}

/** Whether the content is one of a group snapshot's. */
export function isGroupMember(content: VolumeSnapshotContent): boolean {
  return annotation(content, ANN_GROUP_SNAPSHOT_HANDLE) !== undefined;
}
