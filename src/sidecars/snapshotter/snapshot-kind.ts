import {
  ANN_SNAPSHOT_BEING_CREATED,
  ANN_SNAPSHOT_DELETION_SECRET_NAME,
  ANN_SNAPSHOT_DELETION_SECRET_NAMESPACE,
  FINALIZER_SNAPSHOT_CONTENT,
  type VolumeSnapshotClass,
  type VolumeSnapshotContent,
  volumeSnapshotClasses,
  volumeSnapshotContents,
} from '../../kube/index.ts';
import type { ContentKind } from './content-kind.ts';
import { type CutSnapshot, contentStatus, withoutSnapshot } from './content-status.ts';
import { isNews, taskFor } from './decide.ts';
import { snapshotName } from './options.ts';
import { snapshotCalls } from './snapshot-calls.ts';

/** VolumeSnapshotContents. */
export const SNAPSHOTS: ContentKind<VolumeSnapshotContent, VolumeSnapshotClass, CutSnapshot> = {
  contents: volumeSnapshotContents,
  queue: 'csi-snapshotter-content',
  classes: volumeSnapshotClasses,
  finalizer: FINALIZER_SNAPSHOT_CONTENT,
  annotations: {
    beingCreated: ANN_SNAPSHOT_BEING_CREATED,
    secretName: ANN_SNAPSHOT_DELETION_SECRET_NAME,
    secretNamespace: ANN_SNAPSHOT_DELETION_SECRET_NAMESPACE,
  },
  noun: 'snapshot',
  contentNoun: 'content',
  reasonPrefix: '',
  parameterPrefix: 'volumesnapshot',
  lookSecretPurpose: 'snapshotter-list',
  taskFor,
  isNews,
  hasSource: ({ spec: { source } }) =>
    source.volumeHandle !== undefined || source.snapshotHandle !== undefined,
  sourceText: ({ spec }) => `volume ${spec.source.volumeHandle}`,
  snapshotRefOf: ({ spec }) => spec.volumeSnapshotRef,
  classNameOf: ({ spec }) => spec.volumeSnapshotClassName,
  // Members of a group have no class of their own.
  isLookedAtAsMade: ({ status }) => status?.volumeGroupSnapshotHandle !== undefined,
  nameOf: (uid, { snapshotNamePrefix, snapshotNameUuidLength }) =>
    snapshotName(snapshotNamePrefix, uid, snapshotNameUuidLength),
  calls: snapshotCalls,
  statusAfter: ({ status }, cut) => contentStatus(status, cut),
  statusWithout: withoutSnapshot,
};
