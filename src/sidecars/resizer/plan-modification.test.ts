import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PersistentVolumeClaim } from '../../kube/index.ts';
import type { ResizeCondition } from '../../volume/index.ts';
import { modificationBegun, modificationFailed } from './modification-status.ts';
import {
  asksForImpossible,
  concernsAttributes,
  type ModificationPlan,
  planModification,
} from './plan-modification.ts';

interface Given {
  readonly wanted?: string;
  readonly has?: string;
  readonly status?: string;
  readonly target?: string;
  readonly modifying?: boolean;
  readonly mayBeGoingOn?: boolean;
}

const claimOf = ({ wanted, has, status, target, modifying }: Given) =>
  ({
    spec: { volumeAttributesClassName: wanted },
    status: {
      phase: 'Bound',
      currentVolumeAttributesClassName: has,
      ...(status && { modifyVolumeStatus: { status, targetVolumeAttributesClassName: target } }),
      ...(modifying && { conditions: [{ type: 'ModifyingVolume', status: 'True' }] }),
    },
  }) as PersistentVolumeClaim;

const begin = (target: string): ModificationPlan => ({ action: 'begin', target });
const carryOn = (target: string): ModificationPlan => ({ action: 'carryOn', target });
const NOTHING: ModificationPlan = { action: 'nothing' };

/** The cases of TestModify and TestSyncPVC, external-resizer, and what they leave out. */
const CASES: readonly (readonly [string, Given, ModificationPlan])[] = [
  ['has nothing to do without a class', {}, NOTHING],
  ['has nothing to do when it is what it is to be', { wanted: 'gold', has: 'gold' }, NOTHING],
  ['begins', { wanted: 'gold', has: 'silver' }, begin('gold')],
  ['begins the first', { wanted: 'gold' }, begin('gold')],
  [
    'carries on with what may be going on, whatever is wanted by now',
    { wanted: 'gold', status: 'InProgress', target: 'silver', mayBeGoingOn: true },
    carryOn('silver'),
  ],
  [
    'takes the new class when the last one has failed for good',
    { wanted: 'gold', status: 'InProgress', target: 'silver' },
    begin('gold'),
  ],
  [
    'tries the same again that has failed',
    { wanted: 'silver', status: 'InProgress', target: 'silver' },
    begin('silver'),
  ],
  [
    'takes the new class after one that was impossible',
    { wanted: 'gold', status: 'Infeasible', target: 'silver' },
    begin('gold'),
  ],
  [
    'goes back to the class that it has: part of the other may have come true',
    { wanted: 'silver', has: 'silver', status: 'Infeasible', target: 'gold' },
    begin('silver'),
  ],
  ['looks again for a class that was not there', { wanted: 'gold', status: 'Pending' }, begin('gold')],
  [
    'carries a modification to its end when nobody wants it any more',
    { status: 'InProgress', target: 'silver' },
    carryOn('silver'),
  ],
  [
    'says no more of one that was impossible when nobody wants it any more',
    { status: 'Infeasible', target: 'gold', modifying: true },
    { action: 'cancel' },
  ],
  ['and then leaves it', { status: 'Infeasible', target: 'gold' }, NOTHING],
];

describe('what is to be done about the attributes of a volume', () => {
  for (const [name, given, plan] of CASES)
    it(name, () => assert.deepEqual(planModification(claimOf(given), given.mayBeGoingOn ?? false), plan));

  it('is left for a while only when the same is asked for that was impossible', () => {
    const impossible = { status: 'Infeasible', target: 'gold' };
    assert.equal(asksForImpossible(claimOf({ wanted: 'gold', ...impossible })), true);
    assert.equal(asksForImpossible(claimOf({ wanted: 'silver', ...impossible })), false);
    assert.equal(asksForImpossible(claimOf(impossible)), false);
    assert.equal(asksForImpossible(claimOf({ wanted: 'gold', status: 'InProgress', target: 'gold' })), false);
  });

  it('is looked at after another wish, and when a modification has ended', () => {
    const busy = { wanted: 'gold', status: 'InProgress', target: 'gold' };
    const changed = (now: Given, before: Given) => concernsAttributes(claimOf(now), claimOf(before));
    assert.equal(changed(busy, busy), false);
    assert.equal(changed({ ...busy, wanted: 'silver' }, busy), true);
    assert.equal(changed({ wanted: 'gold', has: 'gold' }, busy), true);
    const pending = claimOf({ wanted: 'gold' });
    assert.equal(
      concernsAttributes({ ...pending, status: { ...pending.status, phase: 'Pending' } }, claimOf({})),
      false,
    );
  });
});

describe('what a claim says of a modification', () => {
  const T0 = '2026-01-01T00:00:00Z';
  const T1 = '2026-01-01T00:01:00Z';
  const other = { type: 'Resizing', status: 'True' };
  const claim = claimOf({ wanted: 'gold', status: 'InProgress', target: 'gold' });
  const failure = { codeName: 'Internal', details: 'broken', isFinal: true, isInfeasible: false };

  it('leaves what others say, and tells when it has begun', () => {
    const status = { ...claim.status, conditions: [other] };
    assert.deepEqual(modificationBegun({ ...claim, status }, 'gold', T0).conditions, [
      other,
      {
        type: 'ModifyingVolume',
        status: 'True',
        message: 'Modifying volume to "gold" is in progress.',
        lastProbeTime: T0,
        lastTransitionTime: T0,
      },
    ]);
  });

  it('keeps the time of the first failure of a kind', () => {
    const first = modificationFailed(claim, failure, T0);
    const conditions = first.conditions as ResizeCondition[];
    const failed = { ...claim, status: { ...claim.status, conditions } } as PersistentVolumeClaim;
    const times = (status: { conditions?: unknown }) =>
      (status.conditions as typeof conditions).map(({ type, lastTransitionTime }) => [
        type,
        lastTransitionTime,
      ]);
    assert.deepEqual(times(modificationFailed(failed, failure, T1)), [
      ['ModifyingVolume', T0],
      ['ModifyVolumeError', T0],
    ]);
    assert.deepEqual(times(modificationFailed(failed, { ...failure, codeName: 'Unknown' }, T1)), [
      ['ModifyingVolume', T0],
      ['ModifyVolumeError', T1],
    ]);
  });
});
