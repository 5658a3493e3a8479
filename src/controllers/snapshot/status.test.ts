import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { VolumeSnapshotContentStatus, VolumeSnapshotStatus } from '../../kube/index.ts';
import { isBehind, statusFrom } from './status.ts';

const SECOND = 1e9;
const content = (status?: VolumeSnapshotContentStatus) => ({ metadata: { name: 'c' }, status });
const error = { time: '2026-01-01T00:00:00Z', message: 'no' };
const bound = { boundVolumeSnapshotContentName: 'c', readyToUse: false };

describe('what a snapshot says, given its content', () => {
  const cases: [
    what: string,
    own: VolumeSnapshotStatus | undefined,
    theirs: VolumeSnapshotContentStatus | undefined,
    expected: VolumeSnapshotStatus | undefined,
  ][] = [
    ['nothing yet: that it is bound, and not ready', undefined, undefined, bound],
    ['the same as before: nothing is to be written', bound, undefined, undefined],
    [
      'cut and ready',
      bound,
      { creationTime: 1000 * SECOND, readyToUse: true, restoreSize: 1 << 20, snapshotHandle: 'h' },
      { ...bound, readyToUse: true, creationTime: '1970-01-01T00:16:40Z', restoreSize: '1Mi' },
    ],
    ['a failure is passed on', bound, { readyToUse: false, error }, { ...bound, error }],
    [
      'a failure that was overcome goes',
      { ...bound, error },
      { readyToUse: true },
      { ...bound, readyToUse: true },
    ],
    [
      'the first time of creation stays',
      { ...bound, creationTime: '1970-01-01T00:00:01Z' },
      { creationTime: 9 * SECOND, readyToUse: true },
      { ...bound, readyToUse: true, creationTime: '1970-01-01T00:00:01Z' },
    ],
    [
      'a size of zero is no size',
      { ...bound, restoreSize: '0' },
      { restoreSize: 2048 },
      { ...bound, restoreSize: '2Ki' },
    ],
    ['a size stays', { ...bound, restoreSize: '1Ki' }, { restoreSize: 2048 }, undefined],
    ['ready no more', { ...bound, readyToUse: true }, { readyToUse: false }, bound],
  ];
  for (const [what, own, theirs, expected] of cases) {
    it(what, () => {
      const found = statusFrom(own, content(theirs), undefined);
      assert.deepEqual(found && JSON.parse(JSON.stringify(found)), expected);
    });
  }

  it('names the group snapshot that it is part of', () => {
    assert.equal(statusFrom(bound, content(), 'g')?.volumeGroupSnapshotName, 'g');
  });
});

describe('whether a snapshot is behind its content', () => {
  const spec = { source: {} };
  const cases: [VolumeSnapshotStatus | undefined, VolumeSnapshotContentStatus | undefined, boolean][] = [
    [undefined, undefined, false],
    [undefined, {}, true],
    [bound, undefined, false],
    [bound, { readyToUse: false }, false],
    [bound, { readyToUse: true }, true],
    [{ readyToUse: true }, { readyToUse: true }, true],
    [bound, { creationTime: 1 }, true],
    [{ ...bound, creationTime: 'x' }, { creationTime: 1 }, false],
    [bound, { restoreSize: 0 }, true],
    [{ ...bound, restoreSize: '0' }, { restoreSize: 0 }, false],
    [{ ...bound, restoreSize: '0' }, { restoreSize: 1 }, true],
  ];
  for (const [own, theirs, expected] of cases) {
    it(`${JSON.stringify(own)} and ${JSON.stringify(theirs)}: ${expected}`, () => {
      assert.equal(isBehind({ spec, status: own }, { status: theirs } as never), expected);
    });
  }
});
