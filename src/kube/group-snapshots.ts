import type { Resource } from './resources.ts';
import type { DeletionPolicy, SnapshotError } from './snapshots.ts';
import type { KubeObject, LabelSelector, ObjectReference, Stored } from './types.ts';

// The custom resources of groupsnapshot.storage.k8s.io/v1.
// Source: external-snapshotter 8, client/apis/volumegroupsnapshot/v1 and pkg/utils.

export const GROUP_SNAPSHOT_GROUP = 'groupsnapshot.storage.k8s.io';

export interface VolumeGroupSnapshotClass extends KubeObject {
  readonly driver: string;
  readonly deletionPolicy: DeletionPolicy;
  readonly parameters?: Readonly<Record<string, string>>;
}

export interface VolumeGroupSnapshot extends KubeObject {
  readonly spec: {
    readonly source: {
      /** The claims of the namespace whose volumes are snapshotted together. */
      readonly selector?: LabelSelector;
      readonly volumeGroupSnapshotContentName?: string;
    };
    readonly volumeGroupSnapshotClassName?: string;
  };
  readonly status?: VolumeGroupSnapshotStatus;
}

export interface VolumeGroupSnapshotStatus {
  readonly boundVolumeGroupSnapshotContentName?: string;
  readonly creationTime?: string;
  readonly readyToUse?: boolean;
  readonly error?: SnapshotError;
}

export interface VolumeGroupSnapshotContent extends KubeObject {
  readonly spec: {
    readonly volumeGroupSnapshotRef: ObjectReference;
    readonly deletionPolicy: DeletionPolicy;
    readonly driver: string;
    readonly volumeGroupSnapshotClassName?: string;
    readonly source: {
      readonly volumeHandles?: readonly string[];
      readonly groupSnapshotHandles?: {
        readonly volumeGroupSnapshotHandle: string;
        readonly volumeSnapshotHandles: readonly string[];
      };
    };
  };
  readonly status?: VolumeGroupSnapshotContentStatus;
}

export interface VolumeGroupSnapshotContentStatus {
  readonly volumeGroupSnapshotHandle?: string;
  readonly creationTime?: string;
  readonly readyToUse?: boolean;
  readonly error?: SnapshotError;
  readonly volumeSnapshotInfoList?: readonly VolumeSnapshotInfo[];
}

/** What the driver told of one snapshot of the group. */
export interface VolumeSnapshotInfo {
  readonly volumeHandle?: string;
  readonly snapshotHandle?: string;
  /** Nanoseconds since 1970. */
  readonly creationTime?: number;
  readonly readyToUse?: boolean;
  readonly restoreSize?: number;
}

const group = { group: GROUP_SNAPSHOT_GROUP, version: 'v1', categories: [] };

export const volumeGroupSnapshotClasses: Resource<VolumeGroupSnapshotClass> = {
  ...group,
  kind: 'VolumeGroupSnapshotClass',
  plural: 'volumegroupsnapshotclasses',
  singular: 'volumegroupsnapshotclass',
  shortNames: ['vgsclass', 'vgsclasses'],
  namespaced: false,
};
export const volumeGroupSnapshots: Resource<VolumeGroupSnapshot> = {
  ...group,
  kind: 'VolumeGroupSnapshot',
  plural: 'volumegroupsnapshots',
  singular: 'volumegroupsnapshot',
  shortNames: ['vgs'],
  namespaced: true,
};
export const volumeGroupSnapshotContents: Resource<VolumeGroupSnapshotContent> = {
  ...group,
  kind: 'VolumeGroupSnapshotContent',
  plural: 'volumegroupsnapshotcontents',
  singular: 'volumegroupsnapshotcontent',
  shortNames: ['vgsc', 'vgscs'],
  namespaced: false,
};

const PREFIX = 'groupsnapshot.storage.kubernetes.io';

export const FINALIZER_GROUP_SNAPSHOT_BOUND = `${PREFIX}/volumegroupsnapshot-bound-protection`;
export const FINALIZER_GROUP_SNAPSHOT_CONTENT = `${PREFIX}/volumegroupsnapshotcontent-bound-protection`;
export const ANN_DEFAULT_GROUP_SNAPSHOT_CLASS = `${PREFIX}/is-default-class`;
export const ANN_GROUP_SNAPSHOT_BEING_CREATED = `${PREFIX}/volumegroupsnapshot-being-created`;
export const ANN_GROUP_SNAPSHOT_BEING_DELETED = `${PREFIX}/volumegroupsnapshot-being-deleted`;
export const ANN_GROUP_SNAPSHOT_SECRET_NAME = `${PREFIX}/deletion-secret-name`;
export const ANN_GROUP_SNAPSHOT_SECRET_NAMESPACE = `${PREFIX}/deletion-secret-namespace`;

/** The content that is made for a group snapshot of claims. */
export function groupContentNameFor(groupSnapshot: Stored<VolumeGroupSnapshot>): string {
  return `groupsnapcontent-${groupSnapshot.metadata.uid}`;
}

/** Whether the content names this very group snapshot. */
export function groupRefersTo(
  content: VolumeGroupSnapshotContent,
  groupSnapshot: Stored<VolumeGroupSnapshot>,
): boolean {
  const { name, namespace, uid } = content.spec.volumeGroupSnapshotRef;
  const { metadata } = groupSnapshot;
  return name === metadata.name && namespace === metadata.namespace && uid === metadata.uid;
}

/** The group snapshot that owns a snapshot, by name. Source: getVolumeGroupSnapshotParentObjectName. */
export function parentGroupOf({ metadata }: KubeObject): string | undefined {
  return metadata?.ownerReferences?.find(
    ({ kind, apiVersion }) => kind === 'VolumeGroupSnapshot' && apiVersion === `${GROUP_SNAPSHOT_GROUP}/v1`,
  )?.name;
}
