import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import type { csi } from '../../csi/index.ts';
import {
  ANN_GROUP_SNAPSHOT_BEING_CREATED,
  ANN_GROUP_SNAPSHOT_BEING_DELETED,
  type Stored,
  type VolumeGroupSnapshotContent,
} from '../../kube/index.ts';
import { isForDriver, type Task } from './content-kind.ts';
import { groupTaskFor, isGroupNews } from './decide.ts';
import { groupContentStatus } from './group-content-status.ts';
import { GROUP_SNAPSHOTS } from './group-snapshot-kind.ts';

type Content = Stored<VolumeGroupSnapshotContent>;
interface Shape {
  readonly given?: boolean;
  readonly status?: VolumeGroupSnapshotContent['status'];
  readonly annotations?: readonly string[];
  readonly deleted?: boolean;
  readonly policy?: 'Delete' | 'Retain';
  readonly uid?: string;
  readonly finalizers?: readonly string[];
}

const handles = { groupSnapshotHandles: { volumeGroupSnapshotHandle: 'g', volumeSnapshotHandles: ['s'] } };

function content({
  given,
  status,
  annotations = [],
  deleted,
  policy = 'Delete',
  uid = 'u',
  finalizers,
}: Shape): Content {
  return {
    metadata: {
      name: 'c',
      finalizers,
      annotations: Object.fromEntries(annotations.map((name) => [name, 'yes'])),
      ...(deleted && { deletionTimestamp: 'x' }),
    },
    spec: {
      driver: 'd',
      deletionPolicy: policy,
      source: given ? handles : { volumeHandles: ['v'] },
      volumeGroupSnapshotRef: { name: 'g', namespace: 'ns', uid },
    },
    status,
  } as unknown as Content;
}

const GOING = { deleted: true, annotations: [ANN_GROUP_SNAPSHOT_BEING_DELETED] };

describe('what the snapshotter does for a group content', () => {
  const cases: [what: string, shape: Shape, task: Task][] = [
    ['a new one', {}, 'create'],
    ['one that is not ready', { status: { readyToUse: false } }, 'create'],
    ['a ready one', { status: { readyToUse: true } }, 'settle'],
    ['one made by hand', { given: true }, 'look'],
    ['deleted with its group', { ...GOING, status: { volumeGroupSnapshotHandle: 'g' } }, 'delete'],
    ['Retain', { ...GOING, policy: 'Retain', status: { volumeGroupSnapshotHandle: 'g' } }, 'release'],
    ['deleted before it was cut', GOING, 'release'],
    [
      'deleted while it may be being cut',
      { deleted: true, annotations: [ANN_GROUP_SNAPSHOT_BEING_CREATED, ANN_GROUP_SNAPSHOT_BEING_DELETED] },
      'create',
    ],
    ['made by hand, never bound, deleted', { given: true, uid: '', deleted: true }, 'release'],
    ['deleted, its group not', { deleted: true, status: { readyToUse: true } }, 'settle'],
  ];
  for (const [what, shape, task] of cases) {
    it(`${what}: ${task}`, () => assert.equal(groupTaskFor(content(shape)), task));
  }

  const news: [what: string, shape: Shape, wakes: boolean][] = [
    ['its own annotation', { annotations: [ANN_GROUP_SNAPSHOT_BEING_CREATED] }, false],
    ['its own failure', { status: { readyToUse: false } }, false],
    ['finalizers', { finalizers: ['f'] }, false],
    ['a deletion', { deleted: true }, true],
    ['the mark of the snapshot controller', { annotations: [ANN_GROUP_SNAPSHOT_BEING_DELETED] }, true],
  ];
  for (const [what, shape, wakes] of news) {
    it(`${what} wakes it: ${wakes}`, () => assert.equal(isGroupNews(content(shape), content({})), wakes));
  }

  it('is for its own driver alone', () => {
    const drivers: Record<string, string> = { other: 'e' };
    const isFor = (shape: Content, driver: string) =>
      isForDriver(GROUP_SNAPSHOTS, shape, driver, (name) => drivers[name]);
    assert.ok(isFor(content({}), 'd'));
    assert.ok(!isFor(content({}), 'e'));
    const { spec, ...rest } = content({ given: true });
    assert.ok(!isFor({ ...rest, spec: { ...spec, volumeGroupSnapshotClassName: 'other' } }, 'd'));
    assert.ok(!isFor({ ...rest, spec: { ...spec, source: {} } }, 'd'));
  });
});

describe('the status of a group content', () => {
  const snapshot = {
    sourceVolumeId: 'v',
    snapshotId: 's',
    readyToUse: true,
    sizeBytes: 1024n,
    groupSnapshotId: 'g',
  };
  const answer = {
    groupSnapshotId: 'g',
    readyToUse: true,
    creationTime: { seconds: 60n, nanos: 0 },
    snapshots: [{ ...snapshot, creationTime: { seconds: 60n, nanos: 1 } }],
  } as unknown as csi.VolumeGroupSnapshot;
  const info = {
    volumeHandle: 'v',
    snapshotHandle: 's',
    creationTime: 60e9 + 1,
    readyToUse: true,
    restoreSize: 1024,
  };
  const status = {
    volumeGroupSnapshotHandle: 'g',
    creationTime: '1970-01-01T00:01:00Z',
    readyToUse: true,
    volumeSnapshotInfoList: [info],
  };
  const clock = new FakeClock();

  it('is what the driver told', () => assert.deepEqual(groupContentStatus(undefined, answer, clock), status));
  it('keeps what was told before, but for an error', () => {
    const error = { message: 'no' };
    const own = { creationTime: '1970-01-01T00:00:01Z', volumeGroupSnapshotHandle: 'first', error };
    const { creationTime, volumeGroupSnapshotHandle } = own;
    assert.deepEqual(groupContentStatus(own, answer, clock), {
      ...status,
      creationTime,
      volumeGroupSnapshotHandle,
    });
    const again = { ...answer, readyToUse: false } as csi.VolumeGroupSnapshot;
    assert.deepEqual(groupContentStatus(own, again, clock).error, error);
  });
});
