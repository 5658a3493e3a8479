import {
  ANN_GROUP_SNAPSHOT_BEING_CREATED,
  ANN_GROUP_SNAPSHOT_SECRET_NAME,
  ANN_GROUP_SNAPSHOT_SECRET_NAMESPACE,
  FINALIZER_GROUP_SNAPSHOT_CONTENT,
  type VolumeGroupSnapshotClass,
  type VolumeGroupSnapshotContent,
  volumeGroupSnapshotClasses,
  volumeGroupSnapshotContents,
} from '../../kube/index.ts';
import type { ContentKind } from './content-kind.ts';
import { groupTaskFor, isGroupNews } from './decide.ts';
import { type CutGroup, groupContentStatus, withoutGroup } from './group-content-status.ts';
import { groupSnapshotCalls } from './group-snapshot-calls.ts';
import { snapshotName } from './options.ts';

/** VolumeGroupSnapshotContents. */
export const GROUP_SNAPSHOTS: ContentKind<VolumeGroupSnapshotContent, VolumeGroupSnapshotClass, CutGroup> = {
  contents: volumeGroupSnapshotContents,
  queue: 'csi-snapshotter-groupsnapshotcontent',
  classes: volumeGroupSnapshotClasses,
  finalizer: FINALIZER_GROUP_SNAPSHOT_CONTENT,
  annotations: {
    beingCreated: ANN_GROUP_SNAPSHOT_BEING_CREATED,
    secretName: ANN_GROUP_SNAPSHOT_SECRET_NAME,
    secretNamespace: ANN_GROUP_SNAPSHOT_SECRET_NAMESPACE,
  },
  noun: 'group snapshot',
  contentNoun: 'group snapshot content',
  reasonPrefix: 'Group',
  parameterPrefix: 'volumegroupsnapshot',
  lookSecretPurpose: 'group-snapshotter-get',
  taskFor: groupTaskFor,
  isNews: isGroupNews,
  hasSource: ({ spec: { source } }) =>
    source.groupSnapshotHandles !== undefined || (source.volumeHandles ?? []).length > 0,
  sourceText: ({ spec }) => `volumes [${(spec.source.volumeHandles ?? []).join(' ')}]`,
  snapshotRefOf: ({ spec }) => spec.volumeGroupSnapshotRef,
  classNameOf: ({ spec }) => spec.volumeGroupSnapshotClassName,
  isLookedAtAsMade: () => false,
  nameOf: (uid, { groupSnapshotNamePrefix, groupSnapshotNameUuidLength }) =>
    snapshotName(groupSnapshotNamePrefix, uid, groupSnapshotNameUuidLength),
  calls: groupSnapshotCalls,
  statusAfter: ({ status }, group, clock) => groupContentStatus(status, group, clock),
  statusWithout: withoutGroup,
};
