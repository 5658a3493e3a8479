import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { KubeObject } from '../../kube/index.ts';
import { judge, matters, type OwnerState, type Verdict } from './references.ts';

const background: Verdict = { action: 'delete', policy: 'Background', unblock: false };
const foreground: Verdict = { action: 'delete', policy: 'Foreground', unblock: false };
const deleting: KubeObject = {
  metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['foregroundDeletion'] },
};

describe('what becomes of an object', () => {
  const cases: [string, OwnerState[], KubeObject[], string[], Verdict][] = [
    ['no owners', [], [], [], { action: 'keep' }],
    ['its owner lives', ['solid'], [], [], { action: 'keep' }],
    ['its owner is gone', ['dangling'], [], [], background],
    ['all owners are gone', ['dangling', 'dangling'], [], [], background],
    [
      'one of its owners lives',
      ['solid', 'dangling'],
      [],
      [],
      { action: 'drop-references', uids: new Set(['1']) },
    ],
    [
      'one lives, one waits',
      ['waiting', 'solid'],
      [],
      [],
      { action: 'drop-references', uids: new Set(['0']) },
    ],
    ['its owner waits for it', ['waiting'], [], [], background],
    ['its owner waits and it has dependents', ['waiting'], [{}], [], foreground],
    ['a circle of waiting', ['waiting'], [deleting], [], { ...foreground, unblock: true }],
    ['it wants its dependents orphaned', ['dangling'], [], ['orphan'], { ...background, policy: 'Orphan' }],
    ['it wants foreground', ['dangling'], [], ['foregroundDeletion'], foreground],
  ];
  for (const [why, states, dependents, finalizers, verdict] of cases) {
    it(why, () => {
      const owners = states.map((state, index) => ({ uid: String(index), state }));
      assert.deepEqual(judge({ metadata: { finalizers } }, owners, dependents), verdict);
    });
  }

  it('is not asked again for changes that have nothing to do with it', () => {
    assert.equal(matters({ metadata: { labels: { a: 'b' } } }, { metadata: {} }), false);
    assert.equal(matters({ metadata: { finalizers: ['orphan'] } }, { metadata: {} }), true);
  });
});
