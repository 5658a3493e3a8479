import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type {
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  Stored,
  VolumeSnapshot,
  VolumeSnapshotContent,
} from '../../kube/index.ts';
import {
  boundContentName,
  FINALIZER_SNAPSHOT_PROVISIONING,
  snapshotSource,
  sourceVolumeName,
  volumeSource,
} from './content-source.ts';
import { type DataSource, dataSourceOf, isGranted } from './data-source.ts';

type Claim = Stored<PersistentVolumeClaim>;
const meta = (name: string, more: object = {}) => ({
  metadata: {
    name,
    namespace: 'ns',
    uid: `uid-${name}`,
    resourceVersion: '1',
    creationTimestamp: '',
    ...more,
  },
});
const claim = (spec: object = {}, more: object = {}): Claim =>
  ({
    ...meta('new', more),
    spec: { storageClassName: 'sc', resources: { requests: { storage: '2Gi' } }, ...spec },
  }) as unknown as Claim;
const storageClass = { metadata: { name: 'sc' }, provisioner: 'd' } as StorageClass;
const GIB = 1024 ** 3;

describe('where a volume’s content comes from', () => {
  const of = (spec: object, crossNamespace = false) => dataSourceOf(claim(spec), { crossNamespace });
  const snapshot = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' };
  const found: [what: string, spec: object, source: DataSource | undefined][] = [
    ['nowhere', {}, undefined],
    ['a snapshot', { dataSource: snapshot }, { kind: 'VolumeSnapshot', namespace: 'ns', name: 's' }],
    [
      'a claim, by dataSourceRef',
      { dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'c' } },
      { kind: 'PersistentVolumeClaim', namespace: 'ns', name: 'c' },
    ],
  ];
  for (const [what, spec, source] of found) it(what, () => assert.deepEqual(of(spec), source));

  it('another namespace, where the gate is on', () => {
    const spec = { dataSourceRef: { ...snapshot, namespace: 'other' } };
    assert.equal(of(spec, true)?.namespace, 'other');
    assert.throws(() => of(spec), /CrossNamespaceVolumeDataSource feature is disabled/);
  });

  it('is a populator’s affair, or nobody’s', () => {
    const populated = { dataSourceRef: { apiGroup: 'hello.example.com', kind: 'Hello', name: 'h' } };
    assert.throws(() => of(populated), { name: 'IgnoredClaim' });
    const wrong = { dataSource: { ...snapshot, apiGroup: 'example.com' } };
    assert.throws(() => of(wrong), /Expected snapshot\.storage\.k8s\.io, Got example\.com/);
    assert.throws(
      () => of({ dataSource: { ...snapshot, name: '' } }),
      /the PVC source not found for PVC new/,
    );
  });
});

describe('a volume of a snapshot', () => {
  const snapshot = (status: object = {}, more: object = {}) =>
    ({
      ...meta('s', more),
      spec: { source: {} },
      status: { boundVolumeSnapshotContentName: 'c', readyToUse: true, restoreSize: '1Gi', ...status },
    }) as Stored<VolumeSnapshot>;
  const content = (spec: object = {}, annotations = {}, status: object = { snapshotHandle: 'h' }) =>
    ({
      ...meta('c', { annotations }),
      spec: { driver: 'd', volumeSnapshotRef: { name: 's', namespace: 'ns', uid: 'uid-s' }, ...spec },
      status,
    }) as unknown as Stored<VolumeSnapshotContent>;
  const make = (one = snapshot(), of = content(), by = claim(), options = { preventModeConversion: true }) =>
    snapshotSource(by, storageClass, one, of, options);

  it('is made of its handle', () =>
    assert.deepEqual(make(), { type: { case: 'snapshot', value: { snapshotId: 'h' } } }));

  const refusals: [what: string, attempt: () => unknown, says: RegExp][] = [
    [
      'not bound',
      () => boundContentName(snapshot({ boundVolumeSnapshotContentName: undefined })),
      /^snapshot s not bound$/,
    ],
    [
      'going',
      () => boundContentName(snapshot({}, { deletionTimestamp: 'x' })),
      /^snapshot s is being deleted$/,
    ],
    ['not ready', () => make(snapshot({ readyToUse: false })), /^snapshot s is not Ready$/],
    [
      'another snapshot’s content',
      () => make(snapshot(), content({ volumeSnapshotRef: { name: 's', namespace: 'ns', uid: 'x' } })),
      /^snapshotcontent c for snapshot s is bound to a different snapshot$/,
    ],
    [
      'another driver’s',
      () => make(snapshot(), content({ driver: 'e' })),
      /^snapshotcontent c for snapshot s is not handled by CSI driver of StorageClass sc$/,
    ],
    ['without a handle', () => make(snapshot(), content({}, {}, {})), /^snapshot handle s is not available$/],
    [
      'too small',
      () => make(snapshot({ restoreSize: '3Gi' })),
      new RegExp(
        `^requested volume size ${2 * GIB} is less than the size ${3 * GIB} for the source snapshot s$`,
      ),
    ],
  ];
  for (const [what, attempt, says] of refusals) {
    it(what, () => assert.throws(attempt, (error: Error) => says.test(error.message)));
  }

  it('that is going goes on when it was begun', () => {
    const more = { deletionTimestamp: 'x', finalizers: [FINALIZER_SNAPSHOT_PROVISIONING] };
    assert.equal(boundContentName(snapshot({}, more)), 'c');
  });

  describe('in another mode', () => {
    const raw = { sourceVolumeMode: 'Block' };
    const mounted = claim({ volumeMode: 'Filesystem' });
    const allow = (value: string) => ({ 'snapshot.storage.kubernetes.io/allow-volume-mode-change': value });
    const with_ = (annotations: Record<string, string>) =>
      make(snapshot(), content(raw, annotations), mounted);
    it('is refused, unless its content allows it', () => {
      assert.throws(
        () => with_({}),
        /ns\/new modifies the mode.*annotation is not present on snapshotcontent c$/,
      );
      assert.throws(() => with_(allow('false')), /is set to false on snapshotcontent c$/);
      assert.throws(() => with_(allow('yes')), /parsing "yes": invalid syntax$/);
      assert.ok(with_(allow('true')));
    });
    it('is nobody’s affair when the guard is off, or the mode unknown', () => {
      assert.ok(make(snapshot(), content(raw), mounted, { preventModeConversion: false }));
      assert.ok(make(snapshot(), content(), mounted));
      assert.ok(make(snapshot(), content(raw), claim()));
    });
  });
});

describe('a copy of a claim’s volume', () => {
  const source = (spec: object = {}, status: object = { phase: 'Bound' }, more: object = {}): Claim =>
    ({
      ...meta('old', more),
      spec: {
        storageClassName: 'other',
        volumeName: 'pv',
        resources: { requests: { storage: '1Gi' } },
        ...spec,
      },
      status,
    }) as unknown as Claim;
  const volume = (spec: object = {}, phase = 'Bound') =>
    ({
      ...meta('pv'),
      spec: {
        csi: { driver: 'd', volumeHandle: 'v' },
        claimRef: { name: 'old', namespace: 'ns', uid: 'uid-old' },
        ...spec,
      },
      status: { phase },
    }) as Stored<PersistentVolume>;

  it('is made of its handle', () => {
    assert.equal(sourceVolumeName(claim(), source()), 'pv');
    assert.deepEqual(volumeSource(claim(), storageClass, source(), volume()), {
      type: { case: 'volume', value: { volumeId: 'v' } },
    });
  });

  const sources: [what: string, source: Claim, says: RegExp][] = [
    [
      'of one that is not bound',
      source({}, { phase: 'Pending' }),
      /must have a status of Bound\. {2}Got Pending/,
    ],
    [
      'of one that is going',
      source({}, { phase: 'Bound' }, { deletionTimestamp: 'x' }),
      /is currently being deleted/,
    ],
    [
      'of one without a class',
      source({ storageClassName: undefined }),
      /source PVC \(old\) storageclass cannot be empty/,
    ],
    [
      'smaller than it',
      source({ resources: { requests: { storage: '3Gi' } } }),
      /greater than or equal in size/,
    ],
    ['of one without a volume', source({ volumeName: '' }), /volume name is empty in source PVC old/],
  ];
  for (const [what, given, says] of sources) {
    it(what, () => assert.throws(() => sourceVolumeName(claim(), given), says));
  }

  const volumes: [what: string, volume: Stored<PersistentVolume> | undefined][] = [
    ['gone', undefined],
    ['of another driver', volume({ csi: { driver: 'e', volumeHandle: 'v' } })],
    ['of none', volume({ csi: undefined })],
    ['bound to another', volume({ claimRef: { name: 'old', namespace: 'ns', uid: 'x' } })],
    ['released', volume({}, 'Released')],
  ];
  for (const [what, given] of volumes) {
    it(`of a volume that is ${what}`, () =>
      assert.throws(
        () => volumeSource(claim(), storageClass, source(), given),
        /^Error: claim in dataSource not bound or invalid$/,
      ));
  }

  it('has the mode of its source', () =>
    assert.throws(
      () => volumeSource(claim({ volumeMode: 'Block' }), storageClass, source(), volume()),
      /Source is Filesystem, but new PVC requested Block$/,
    ));
});

describe('a source in another namespace', () => {
  const source: DataSource = { kind: 'VolumeSnapshot', namespace: 'other', name: 's' };
  const from = [{ group: '', kind: 'PersistentVolumeClaim', namespace: 'ns' }];
  const to = [{ group: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot' }];
  const grant = (spec: object, namespace = 'other') => ({
    metadata: { name: 'g', namespace },
    spec: { from, to, ...spec },
  });
  const cases: [what: string, grants: ReturnType<typeof grant>[], allowed: boolean][] = [
    ['no grant', [], false],
    ['a grant', [grant({})], true],
    ['one of another namespace', [grant({}, 'third')], false],
    ['one for another namespace', [grant({ from: [{ ...from[0], namespace: 'x' }] })], false],
    ['one for this snapshot', [grant({ to: [{ ...to[0], name: 's' }] })], true],
    ['one for another snapshot', [grant({ to: [{ ...to[0], name: 'x' }] })], false],
    ['one for claims', [grant({ to: [{ group: '', kind: 'PersistentVolumeClaim' }] })], false],
    ['the second of two', [grant({}, 'third'), grant({})], true],
  ];
  for (const [what, grants, allowed] of cases) {
    it(`${what}: ${allowed}`, () => assert.equal(isGranted(claim(), source, grants), allowed));
  }
});
