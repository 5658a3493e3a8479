import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ANN_GROUP_SNAPSHOT_HANDLE,
  ANN_SNAPSHOT_BEING_CREATED,
  ANN_SNAPSHOT_BEING_DELETED,
  type Stored,
  type VolumeSnapshotContent,
  type VolumeSnapshotContentStatus,
} from '../../kube/index.ts';
import { isForDriver, type Task } from './content-kind.ts';
import { isNews, taskFor } from './decide.ts';
import { SNAPSHOTS } from './snapshot-kind.ts';

interface Shape {
  readonly source?: VolumeSnapshotContent['spec']['source'];
  readonly status?: VolumeSnapshotContentStatus;
  readonly annotations?: readonly string[];
  readonly deleted?: boolean;
  readonly policy?: 'Delete' | 'Retain';
  readonly uid?: string;
  readonly finalizers?: string[];
}

function content(shape: Shape): Stored<VolumeSnapshotContent> {
  const { annotations = [], deleted, policy = 'Delete', uid = 'u', status, finalizers } = shape;
  return {
    apiVersion: 'snapshot.storage.k8s.io/v1',
    kind: 'VolumeSnapshotContent',
    metadata: {
      name: 'c',
      uid: 'c',
      resourceVersion: '1',
      creationTimestamp: '',
      finalizers,
      annotations: Object.fromEntries(annotations.map((name) => [name, 'yes'])),
      ...(deleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: {
      driver: 'd',
      deletionPolicy: policy,
      source: shape.source ?? { volumeHandle: 'v' },
      volumeSnapshotRef: { namespace: 'ns', name: 's', uid },
    },
    status,
  };
}

const GOING = { deleted: true, annotations: [ANN_SNAPSHOT_BEING_DELETED] };
const GIVEN = { source: { snapshotHandle: 'h' } };

describe('what the snapshotter does for a content', () => {
  const cases: [what: string, shape: Shape, task: Task][] = [
    ['a new one', {}, 'create'],
    ['one whose first try has failed', { status: { readyToUse: false } }, 'create'],
    ['one that is cut and not ready', { status: { snapshotHandle: 'h', readyToUse: false } }, 'create'],
    ['a ready one', { status: { snapshotHandle: 'h', readyToUse: true } }, 'settle'],
    ['one made by hand', GIVEN, 'look'],
    ['one of a group that is still to be cut', { annotations: [ANN_GROUP_SNAPSHOT_HANDLE] }, 'nothing'],
    [
      'one of a group',
      {
        status: { snapshotHandle: 'h', volumeGroupSnapshotHandle: 'g' },
        annotations: [ANN_GROUP_SNAPSHOT_HANDLE],
      },
      'look',
    ],
    [
      'deleted, its snapshot not: it waits',
      { deleted: true, status: { snapshotHandle: 'h', readyToUse: true } },
      'settle',
    ],
    ['deleted with its snapshot', { ...GOING, status: { snapshotHandle: 'h' } }, 'delete'],
    ['Retain', { ...GOING, policy: 'Retain', status: { snapshotHandle: 'h' } }, 'release'],
    ['deleted before it was cut', GOING, 'release'],
    [
      'deleted while CreateSnapshot may be running: asked until that is known',
      { deleted: true, annotations: [ANN_SNAPSHOT_BEING_DELETED, ANN_SNAPSHOT_BEING_CREATED] },
      'create',
    ],
    [
      'deleted with its group: the group deletes it',
      { ...GOING, status: { snapshotHandle: 'h', volumeGroupSnapshotHandle: 'g' } },
      'release',
    ],
    ['made by hand, never bound, deleted', { ...GIVEN, deleted: true, uid: '' }, 'release'],
  ];
  for (const [what, shape, task] of cases) {
    it(`${what}: ${task}`, () => assert.equal(taskFor(content(shape)), task));
  }
});

describe('what wakes the snapshotter', () => {
  const before = content({});
  const cases: [what: string, after: Shape, wakes: boolean][] = [
    ['its own annotation', { annotations: [ANN_SNAPSHOT_BEING_CREATED] }, false],
    ['a status that it wrote', { status: { readyToUse: false } }, false],
    ['finalizers', { finalizers: ['f'] }, false],
    ['ready', { status: { readyToUse: true } }, true],
    ['the mark of the snapshot controller', { annotations: [ANN_SNAPSHOT_BEING_DELETED] }, true],
    ['a deletion', { deleted: true }, true],
    ['a binding', { uid: 'other' }, true],
  ];
  for (const [what, after, wakes] of cases) {
    it(`${what}: ${wakes}`, () => assert.equal(isNews(content(after), before), wakes));
  }

  it('that what was to go may go now, as the driver is no more at work on it', () => {
    const status = { snapshotHandle: 'h', readyToUse: true };
    const busy = { ...GOING, annotations: [...GOING.annotations, ANN_SNAPSHOT_BEING_CREATED], status };
    assert.equal(isNews(content({ ...GOING, status }), content(busy)), true);
    // Not what the driver may go on with: its failures would wake us at once.
    const made = { deleted: true, annotations: [ANN_SNAPSHOT_BEING_CREATED] };
    assert.equal(isNews(content({ deleted: true }), content(made)), false);
  });
});

describe('whose content it is', () => {
  const of = (source: VolumeSnapshotContent['spec']['source'], volumeSnapshotClassName?: string) => {
    const found = content({});
    return { ...found, spec: { ...found.spec, source, volumeSnapshotClassName } };
  };
  const drivers: Record<string, string> = { mine: 'd', other: 'e' };
  const cases: [ReturnType<typeof of>, driver: string, boolean][] = [
    [of({ volumeHandle: 'v' }), 'd', true],
    [of({ volumeHandle: 'v' }), 'e', false],
    [of({}), 'd', false],
    [of({ snapshotHandle: 'h' }, 'mine'), 'd', true],
    [of({ snapshotHandle: 'h' }, 'other'), 'd', false],
    [of({ snapshotHandle: 'h' }, 'gone'), 'd', true],
  ];
  for (const [given, driver, expected] of cases) {
    it(`${JSON.stringify(given.spec.source)} of class ${given.spec.volumeSnapshotClassName}: ${expected}`, () =>
      assert.equal(
        isForDriver(SNAPSHOTS, given, driver, (name) => drivers[name]),
        expected,
      ));
  }
});
