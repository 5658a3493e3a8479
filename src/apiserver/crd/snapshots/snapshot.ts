import { define, type SnapshotKind } from './define.ts';
import {
  bool,
  DELETION_POLICY,
  either,
  FAILURE,
  fixed,
  int64,
  object,
  reference,
  resource,
  rules,
  text,
  texts,
  time,
} from './schema.ts';

const APPROVED = 'https://github.com/kubernetes-csi/external-snapshotter/pull';

const volumeSnapshotClass = resource(
  {
    'deletionPolicy!': DELETION_POLICY,
    'driver!': text('The CSI driver that takes the snapshots of this class.'),
    parameters: texts('What the driver is given with each snapshot.'),
  },
  'How snapshots that name this class are taken.',
);

const volumeSnapshot = resource(
  {
    'spec!': object(
      {
        'source!': object(
          {
            persistentVolumeClaimName: text(
              'The claim in the same namespace whose volume is to be snapshotted.',
              fixed('persistentVolumeClaimName is immutable'),
            ),
            volumeSnapshotContentName: text(
              'A content that stands for a snapshot which is there already.',
              fixed('volumeSnapshotContentName is immutable'),
            ),
          },
          'What the snapshot is taken of, or where it is.',
          either('persistentVolumeClaimName', 'volumeSnapshotContentName', [
            'volumeSnapshotContentName',
            'persistentVolumeClaimName',
          ]),
        ),
        volumeSnapshotClassName: text(
          'The class; the default one when there is none.',
          rules(['size(self) > 0', 'volumeSnapshotClassName must not be the empty string when set']),
        ),
      },
      'What its author asks for.',
    ),
    status: object(
      {
        boundVolumeSnapshotContentName: text('The content that this snapshot is bound to.'),
        creationTime: time('When the snapshot was taken.'),
        error: FAILURE,
        readyToUse: bool('Whether volumes can be made of it.'),
        restoreSize: {
          type: 'string',
          description: 'The least size of a volume that is made of it.',
          pattern:
            '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$',
          'x-kubernetes-int-or-string': true,
        },
        volumeGroupSnapshotName: text('The group snapshot that it is part of.'),
      },
      'What has become of it.',
    ),
  },
  'A snapshot of a volume, as its user sees it.',
);

const volumeSnapshotContent = resource(
  {
    'spec!': object(
      {
        'deletionPolicy!': DELETION_POLICY,
        'driver!': text('The CSI driver that has the snapshot.'),
        'source!': object(
          {
            snapshotHandle: text('The snapshot that is there already.', fixed('snapshotHandle is immutable')),
            volumeHandle: text('The volume that is to be snapshotted.', fixed('volumeHandle is immutable')),
          },
          'Where the snapshot comes from.',
          either('volumeHandle', 'snapshotHandle'),
        ),
        sourceVolumeMode: text(
          'The mode of the volume that was snapshotted.',
          fixed('sourceVolumeMode is immutable'),
        ),
        volumeSnapshotClassName: text('The class that it was taken with.'),
        'volumeSnapshotRef!': reference(
          'The snapshot that this content is bound to.',
          rules([
            'has(self.name) && has(self.__namespace__)',
            'both spec.volumeSnapshotRef.name and spec.volumeSnapshotRef.namespace must be set',
          ]),
        ),
      },
      'What the system knows of it.',
      rules([
        '!has(oldSelf.sourceVolumeMode) || has(self.sourceVolumeMode)',
        'sourceVolumeMode is required once set',
      ]),
    ),
    status: object(
      {
        creationTime: int64('When the snapshot was taken, in nanoseconds since 1970.'),
        error: FAILURE,
        readyToUse: bool('Whether volumes can be made of it.'),
        restoreSize: int64('The least size of a volume that is made of it, in bytes.', { minimum: 0 }),
        snapshotHandle: text('What the driver calls the snapshot.'),
        volumeGroupSnapshotHandle: text('What the driver calls the group snapshot that it is part of.'),
      },
      'What has become of it.',
    ),
  },
  'A snapshot in the storage system.',
);

const base = { group: 'snapshot.storage.k8s.io' };

/** The kinds of group snapshot.storage.k8s.io. */
export const snapshotKinds: readonly SnapshotKind[] = [
  {
    ...base,
    approval: `${APPROVED}/814`,
    names: {
      plural: 'volumesnapshotclasses',
      singular: 'volumesnapshotclass',
      kind: 'VolumeSnapshotClass',
      shortNames: ['vsclass', 'vsclasses'],
    },
    columns: 'Driver .driver; DeletionPolicy .deletionPolicy',
    versions: [define('v1', volumeSnapshotClass, { storage: true })],
  },
  {
    ...base,
    approval: `${APPROVED}/955`,
    names: {
      plural: 'volumesnapshotcontents',
      singular: 'volumesnapshotcontent',
      kind: 'VolumeSnapshotContent',
      shortNames: ['vsc', 'vscs'],
    },
    columns:
      'ReadyToUse:boolean .status.readyToUse; RestoreSize:integer .status.restoreSize; DeletionPolicy .spec.deletionPolicy; Driver .spec.driver; VolumeSnapshotClass .spec.volumeSnapshotClassName; VolumeSnapshot .spec.volumeSnapshotRef.name; VolumeSnapshotNamespace .spec.volumeSnapshotRef.namespace',
    versions: [define('v1', volumeSnapshotContent, { storage: true, status: true })],
  },
  {
    ...base,
    approval: `${APPROVED}/814`,
    isNamespaced: true,
    names: {
      plural: 'volumesnapshots',
      singular: 'volumesnapshot',
      kind: 'VolumeSnapshot',
      shortNames: ['vs'],
    },
    columns:
      'ReadyToUse:boolean .status.readyToUse; SourcePVC .spec.source.persistentVolumeClaimName; SourceSnapshotContent .spec.source.volumeSnapshotContentName; RestoreSize .status.restoreSize; SnapshotClass .spec.volumeSnapshotClassName; SnapshotContent .status.boundVolumeSnapshotContentName; CreationTime:date .status.creationTime',
    versions: [define('v1', volumeSnapshot, { storage: true, status: true })],
  },
];
