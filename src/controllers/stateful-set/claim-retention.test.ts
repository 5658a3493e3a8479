import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OwnerReference } from '../../kube/index.ts';
import { claimIsStale, claimOwnersToSet, hasConflictingController } from './claim-retention.ts';
import { makeClaim, makePod, makeSet } from './fixtures.ts';

const SET = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'set-uid' };
/** Of the pods of a set of one. */
const POD_IN_RANGE = { apiVersion: 'v1', kind: 'Pod', name: 'web-0', uid: 'uid-0' };
const POD_BEYOND = { ...POD_IN_RANGE, name: 'web-1', uid: 'uid-1' };
const OTHER = { apiVersion: 'example.com/v1', kind: 'Keeper', name: 'simon', uid: 'other' };
const controls = (owner: OwnerReference) => ({ ...owner, controller: true, blockOwnerDeletion: true });
const formerly = (owner: OwnerReference) => ({ ...controls(owner), uid: 'stale' });

type Policy = readonly [whenScaled: 'Retain' | 'Delete', whenDeleted: 'Retain' | 'Delete'];
const KEEP: Policy = ['Retain', 'Retain'];
const WITH_SET: Policy = ['Retain', 'Delete'];
const WHEN_SCALED: Policy = ['Delete', 'Retain'];
const BOTH: Policy = ['Delete', 'Delete'];
const POLICIES = [KEEP, WITH_SET, WHEN_SCALED, BOTH];

const setWith = ([whenScaled, whenDeleted]: Policy) =>
  makeSet({ replicas: 1, persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted } });
const claimOf = (ownerReferences: readonly OwnerReference[]) => makeClaim('data-web-0', { ownerReferences });

describe('the owners of a claim by the retention policy', () => {
  const cases: [
    why: string,
    policy: Policy,
    scaled: 'in range' | 'beyond',
    owners: OwnerReference[],
    next: OwnerReference[] | 'as they are',
  ][] = [
    ['kept: nobody', KEEP, 'in range', [], 'as they are'],
    ['kept: lets go', KEEP, 'in range', [controls(SET)], []],
    ['kept, beyond: lets go', KEEP, 'beyond', [controls(POD_BEYOND)], []],
    ['gone with the set: the set', WITH_SET, 'in range', [], [controls(SET)]],
    ['gone with the set, beyond: the set', WITH_SET, 'beyond', [controls(POD_BEYOND)], [controls(SET)]],
    ['gone with the set: there already', WITH_SET, 'beyond', [controls(SET)], 'as they are'],
    ['gone when scaled: nobody yet', WHEN_SCALED, 'in range', [controls(SET)], []],
    ['gone when scaled, beyond: the pod', WHEN_SCALED, 'beyond', [], [controls(POD_BEYOND)]],
    ['gone when scaled, beyond: there already', WHEN_SCALED, 'beyond', [controls(POD_BEYOND)], 'as they are'],
    ['gone anyway: the set', BOTH, 'in range', [controls(POD_IN_RANGE)], [controls(SET)]],
    ['gone anyway, beyond: the pod', BOTH, 'beyond', [controls(SET)], [controls(POD_BEYOND)]],
    ['a pod that owns and does not control', BOTH, 'beyond', [POD_BEYOND], [controls(POD_BEYOND)]],
    ['a set that owns and does not control', WITH_SET, 'in range', [SET], [controls(SET)]],
    ['of an earlier pod: untouched', BOTH, 'beyond', [formerly(POD_BEYOND)], 'as they are'],
    ['of an earlier set: untouched', WITH_SET, 'in range', [formerly(SET)], 'as they are'],
    ['of an earlier set, kept: untouched', KEEP, 'in range', [formerly(SET)], 'as they are'],
    ['of another controller: untouched', BOTH, 'beyond', [controls(OTHER)], 'as they are'],
    [
      'of another controller beside us: ours goes',
      BOTH,
      'beyond',
      [controls(POD_BEYOND), controls(OTHER)],
      [controls(OTHER)],
    ],
    [
      'of another controller beside the set: ours goes',
      WITH_SET,
      'in range',
      [controls(SET), controls(OTHER)],
      [controls(OTHER)],
    ],
    ['of somebody else who does not control', WITH_SET, 'in range', [OTHER], [OTHER, controls(SET)]],
  ];
  for (const [why, policy, scaled, owners, next] of cases) {
    it(why, () => {
      const set = setWith(policy);
      const pod = makePod(set, scaled === 'in range' ? 0 : 1, 'ready');
      const found = claimOwnersToSet(claimOf(owners), set, pod);
      assert.deepEqual(found ?? 'as they are', next);
      if (found) assert.equal(claimOwnersToSet(claimOf(found), set, pod), undefined, 'once is enough');
    });
  }
});

describe('a controller that is not expected', () => {
  const cases: [why: string, owners: OwnerReference[], unexpected: boolean][] = [
    ['another kind that controls', [controls(OTHER)], true],
    ['another kind that does not', [{ ...OTHER, controller: false }], false],
    ['another kind that does not say', [OTHER], false],
    ['another pod', [controls(POD_BEYOND)], true],
    ['another set', [controls({ ...SET, name: 'other' })], true],
    ['the set', [controls(SET)], false],
    ['an earlier set', [formerly(SET)], true],
    ['the pod', [controls(POD_IN_RANGE)], false],
    ['an earlier pod', [formerly(POD_IN_RANGE)], true],
    ['the set and another', [controls(SET), controls(OTHER)], true],
    ['the set and one that does not control', [controls(SET), OTHER], false],
  ];
  for (const [why, owners, unexpected] of cases) {
    it(`${why}: ${unexpected}`, () => {
      for (const policy of POLICIES) {
        const set = setWith(policy);
        const found = hasConflictingController(claimOf(owners), set, makePod(set, 0, 'ready'));
        assert.equal(found, policy !== KEEP && unexpected, policy.join());
      }
    });
  }
});

describe('a claim that goes with an earlier pod', () => {
  const cases: [why: string, owners: OwnerReference[], hasUid: boolean, stale: boolean][] = [
    ['nobody’s', [], true, false],
    ['the pod’s', [POD_IN_RANGE], true, false],
    ['an earlier pod’s', [formerly(POD_IN_RANGE)], true, true],
    ['a pod’s that is yet to be made', [POD_IN_RANGE], false, true],
    ['the set’s', [controls(SET)], true, false],
  ];
  for (const [why, owners, hasUid, stale] of cases) {
    it(`${why}: ${stale}`, () => {
      for (const policy of POLICIES) {
        const set = setWith(policy);
        const pod = makePod(set, 0, 'ready');
        const asked = hasUid ? pod : { ...pod, metadata: { ...pod.metadata, uid: undefined } };
        assert.equal(claimIsStale(claimOf(owners), set, asked), policy[0] === 'Delete' && stale);
      }
    });
  }
});
