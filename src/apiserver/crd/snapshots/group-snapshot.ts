import type { JSONSchema } from '../types.ts';
import { define, type SnapshotKind } from './define.ts';
import {
  bool,
  DELETION_POLICY,
  either,
  FAILURE,
  fixed,
  int64,
  list,
  object,
  reference,
  resource,
  rules,
  text,
  texts,
  time,
} from './schema.ts';

const APPROVED = 'https://github.com/kubernetes-csi/external-snapshotter/pull/1337';

/** The first version has fewer rules than those after it. */
type Era = 'v1beta1' | 'later';
const once = (era: Era, message: string) => (era === 'later' ? fixed(message) : {});

const groupClass = (era: Era): JSONSchema =>
  resource(
    {
      'deletionPolicy!': { ...DELETION_POLICY, ...once(era, 'deletionPolicy is immutable once set') },
      'driver!': text(
        'The CSI driver that takes the group snapshots of this class.',
        once(era, 'driver is immutable once set'),
      ),
      parameters: texts(
        'What the driver is given with each group snapshot.',
        once(era, 'parameters are immutable once set'),
      ),
    },
    'How group snapshots that name this class are taken.',
  );

const SELECTOR = object(
  {
    matchExpressions: list(
      object({
        'key!': text('The label.'),
        'operator!': text('In, NotIn, Exists or DoesNotExist.'),
        values: list(text(), 'The values of In and NotIn.', { 'x-kubernetes-list-type': 'atomic' }),
      }),
      'Conditions that all must hold.',
      { 'x-kubernetes-list-type': 'atomic' },
    ),
    matchLabels: texts('Labels that all must be there.'),
  },
  'The claims whose volumes are snapshotted together, by their labels.',
  { 'x-kubernetes-map-type': 'atomic', ...fixed('selector is immutable') },
);

const groupSnapshot = (era: Era): JSONSchema =>
  resource(
    {
      'spec!': object(
        {
          'source!': object(
            {
              selector: SELECTOR,
              volumeGroupSnapshotContentName: text(
                'A content that stands for a group snapshot which is there already.',
                fixed('volumeGroupSnapshotContentName is immutable'),
              ),
            },
            'What the group snapshot is taken of, or where it is.',
            either('selector', 'volumeGroupSnapshotContentName'),
          ),
          volumeGroupSnapshotClassName: text(
            'The class; the default one when there is none.',
            rules(['size(self) > 0', 'volumeGroupSnapshotClassName must not be the empty string when set']),
          ),
        },
        'What its author asks for.',
      ),
      status: object(
        {
          boundVolumeGroupSnapshotContentName: text(
            'The content that this group snapshot is bound to.',
            once(era, 'boundVolumeGroupSnapshotContentName is immutable once set'),
          ),
          creationTime: time('When the snapshots were taken.'),
          error: FAILURE,
          readyToUse: bool('Whether volumes can be made of all its snapshots.'),
        },
        'What has become of it.',
      ),
    },
    'A snapshot of several volumes at one moment, as its user sees it.',
  );

const SNAPSHOTS: Readonly<Record<Era, Readonly<Record<string, JSONSchema>>>> = {
  v1beta1: {
    volumeSnapshotHandlePairList: list(
      object({
        'snapshotHandle!': text('The snapshot.'),
        'volumeHandle!': text('The volume that it is of.'),
      }),
      'Which snapshot is of which volume.',
    ),
  },
  later: {
    volumeSnapshotInfoList: list(
      object({
        creationTime: int64('When it was taken, in nanoseconds since 1970.'),
        readyToUse: bool('Whether a volume can be made of it.'),
        restoreSize: int64('The least size of a volume that is made of it, in bytes.'),
        snapshotHandle: text('The snapshot.'),
        volumeHandle: text('The volume that it is of.'),
      }),
      'The snapshots of the group.',
    ),
  },
};

const BOUND: readonly (readonly [string, string])[] = [
  [
    'has(self.name) && has(self.__namespace__)',
    'both volumeGroupSnapshotRef.name and volumeGroupSnapshotRef.namespace must be set',
  ],
];
const BOUND_FOR_GOOD: typeof BOUND = [
  ...BOUND,
  [
    'self.name == oldSelf.name && self.__namespace__ == oldSelf.__namespace__',
    'volumeGroupSnapshotRef.name and volumeGroupSnapshotRef.namespace are immutable',
  ],
  [
    '!has(oldSelf.uid) || (has(self.uid) && self.uid == oldSelf.uid)',
    'volumeGroupSnapshotRef.uid is immutable once set',
  ],
];

const groupContent = (era: Era): JSONSchema =>
  resource(
    {
      'spec!': object(
        {
          'deletionPolicy!': DELETION_POLICY,
          'driver!': text(
            'The CSI driver that has the snapshots.',
            once(era, 'driver is immutable once set'),
          ),
          'source!': object(
            {
              groupSnapshotHandles: object(
                {
                  'volumeGroupSnapshotHandle!': text('The group snapshot.'),
                  'volumeSnapshotHandles!': list(text(), 'Its snapshots.'),
                },
                'The group snapshot that is there already.',
                fixed('groupSnapshotHandles is immutable'),
              ),
              volumeHandles: list(
                text(),
                'The volumes that are to be snapshotted.',
                fixed('volumeHandles is immutable'),
              ),
            },
            'Where the snapshots come from.',
            either('volumeHandles', 'groupSnapshotHandles'),
          ),
          volumeGroupSnapshotClassName: text(
            'The class that it was taken with.',
            once(era, 'volumeGroupSnapshotClassName is immutable once set'),
          ),
          'volumeGroupSnapshotRef!': reference(
            'The group snapshot that this content is bound to.',
            rules(...(era === 'later' ? BOUND_FOR_GOOD : BOUND)),
          ),
        },
        'What the system knows of it.',
      ),
      status: object(
        {
          creationTime: time('When the snapshots were taken.'),
          error: FAILURE,
          readyToUse: bool('Whether volumes can be made of all its snapshots.'),
          volumeGroupSnapshotHandle: text(
            'What the driver calls the group snapshot.',
            once(era, 'volumeGroupSnapshotHandle is immutable once set'),
          ),
          ...SNAPSHOTS[era],
        },
        'What has become of it.',
      ),
    },
    'A group snapshot in the storage system.',
  );

const versions = (schema: (era: Era) => JSONSchema, status: boolean): SnapshotKind['versions'] => [
  define('v1', schema('later'), { status }),
  define('v1beta1', schema('v1beta1'), { status, deprecated: true }),
  define('v1beta2', schema('later'), { status, storage: true }),
];

const base = { group: 'groupsnapshot.storage.k8s.io', approval: APPROVED };

/** The kinds of group groupsnapshot.storage.k8s.io. */
export const groupSnapshotKinds: readonly SnapshotKind[] = [
  {
    ...base,
    names: {
      plural: 'volumegroupsnapshotclasses',
      singular: 'volumegroupsnapshotclass',
      kind: 'VolumeGroupSnapshotClass',
      shortNames: ['vgsclass', 'vgsclasses'],
    },
    columns: 'Driver .driver; DeletionPolicy .deletionPolicy',
    versions: versions(groupClass, false),
  },
  {
    ...base,
    names: {
      plural: 'volumegroupsnapshotcontents',
      singular: 'volumegroupsnapshotcontent',
      kind: 'VolumeGroupSnapshotContent',
      shortNames: ['vgsc', 'vgscs'],
    },
    columns:
      'ReadyToUse:boolean .status.readyToUse; DeletionPolicy .spec.deletionPolicy; Driver .spec.driver; VolumeGroupSnapshotClass .spec.volumeGroupSnapshotClassName; VolumeGroupSnapshotNamespace .spec.volumeGroupSnapshotRef.namespace; VolumeGroupSnapshot .spec.volumeGroupSnapshotRef.name',
    versions: versions(groupContent, true),
  },
  {
    ...base,
    isNamespaced: true,
    names: {
      plural: 'volumegroupsnapshots',
      singular: 'volumegroupsnapshot',
      kind: 'VolumeGroupSnapshot',
      shortNames: ['vgs'],
    },
    columns:
      'ReadyToUse:boolean .status.readyToUse; VolumeGroupSnapshotClass .spec.volumeGroupSnapshotClassName; VolumeGroupSnapshotContent .status.boundVolumeGroupSnapshotContentName; CreationTime:date .status.creationTime',
    versions: versions(groupSnapshot, true),
  },
];
