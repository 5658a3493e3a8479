import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod, PodDisruptionBudget, PodDisruptionBudgetStatus, Stored } from '../../kube/index.ts';
import {
  budgetStatus,
  disruptions,
  expectation,
  failedStatus,
  goSelector,
  needsScale,
  staleConditionMs,
} from './budget.ts';

const START = '2026-01-01T12:00:00Z';
const at = (seconds: number) => Date.parse(START) + seconds * 1000;
const stored = { resourceVersion: '1', creationTimestamp: START };

function budget(
  spec: PodDisruptionBudget['spec'],
  status?: Partial<PodDisruptionBudgetStatus>,
): Stored<PodDisruptionBudget> {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace: 'default', uid: 'b', generation: 2, ...stored },
    spec,
    status: status as PodDisruptionBudgetStatus,
  };
}

function pod(name: string, ready = true, going = false): Stored<Pod> {
  const conditions = ready ? [{ type: 'Ready', status: 'True' }] : [];
  const deletionTimestamp = going ? START : undefined;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: name, deletionTimestamp, ...stored },
    status: { phase: 'Running', conditions },
  };
}

describe('how many pods a budget expects', () => {
  const cases: [string, PodDisruptionBudget['spec'], number, number, boolean][] = [
    ['a number of available ones: of the pods there are', { minAvailable: 2 }, 5, 2, false],
    ['a share of available ones: of the wanted, rounded up', { minAvailable: '50%' }, 7, 4, true],
    ['a number of unavailable ones: of the wanted', { maxUnavailable: 2 }, 7, 5, true],
    ['a share of unavailable ones, rounded up', { maxUnavailable: '30%' }, 7, 4, true],
    ['more than there are', { maxUnavailable: 9 }, 7, 0, true],
    ['nothing said', {}, 0, 0, false],
  ];
  for (const [why, spec, expectedPods, desiredHealthy, scale] of cases) {
    it(why, () => {
      assert.deepEqual(expectation(budget(spec), 5, 7), { expectedPods, desiredHealthy });
      assert.equal(needsScale(budget(spec)), scale);
    });
  }
});

describe('the status of a budget', () => {
  const none = { expected: {}, missed: [], recheckMs: undefined };
  const allowed = (pods: Stored<Pod>[], desiredHealthy: number, expectedPods = pods.length) => {
    const status = budgetStatus(budget({}), pods, { desiredHealthy, expectedPods }, none, START);
    return `${status.currentHealthy} healthy, ${status.disruptionsAllowed} may go: ${status.conditions?.[0]?.reason}`;
  };
  it('allows what is beyond the desired', () => {
    assert.equal(allowed([pod('a'), pod('b'), pod('c')], 2), '3 healthy, 1 may go: SufficientPods');
    assert.equal(allowed([pod('a'), pod('b', false), pod('c')], 2), '2 healthy, 0 may go: InsufficientPods');
    assert.equal(
      allowed([pod('a'), pod('b', true, true), pod('c')], 2),
      '2 healthy, 0 may go: InsufficientPods',
    );
    assert.equal(allowed([pod('a')], 2), '1 healthy, 0 may go: InsufficientPods');
  });
  it('allows nothing as long as nothing is expected', () =>
    assert.equal(allowed([pod('a')], 0, 0), '1 healthy, 0 may go: InsufficientPods'));

  it('counts pods as gone whose eviction was allowed, for two minutes', () => {
    const disruptedPods = { a: START, b: START, gone: START };
    const one = budget({}, { disruptedPods });
    const pods = [pod('a'), pod('b', true, true), pod('c')];
    const found = disruptions(one, pods, at(120));
    assert.deepEqual(found, { expected: { a: START }, missed: [], recheckMs: 1 });
    const status = budgetStatus(one, pods, { desiredHealthy: 0, expectedPods: 3 }, found, START);
    assert.equal(status.currentHealthy, 1);
    assert.deepEqual(status.disruptedPods, { a: START });
    const late = disruptions(one, pods, at(121));
    assert.deepEqual(late.missed, [pods[0]]);
    assert.deepEqual(late.expected, {});
  });

  it('says that it could not be found out, and keeps the time of a condition that stays', () => {
    const before = { disruptionsAllowed: 1, currentHealthy: 1, desiredHealthy: 0, expectedPods: 1 };
    const failed = failedStatus(budget({}, before), 'why', START);
    assert.equal(failed.disruptionsAllowed, 0);
    assert.equal(`${failed.conditions?.[0]?.reason}: ${failed.conditions?.[0]?.message}`, 'SyncFailed: why');
    const again = budgetStatus(budget({}, failed), [], { desiredHealthy: 1, expectedPods: 1 }, none, 'later');
    assert.equal(again.conditions?.[0]?.lastTransitionTime, START);
    assert.equal(again.conditions?.[0]?.observedGeneration, 2);
  });
});

describe('a disruption that did not come', () => {
  const disrupted = (more: object = {}, condition: object = {}): Pod => {
    const one = { type: 'DisruptionTarget', status: 'True', lastTransitionTime: START, ...condition };
    return { ...pod('a'), status: { phase: 'Running', conditions: [one] }, ...more };
  };
  it('is taken back after two minutes', () => {
    assert.equal(staleConditionMs(disrupted(), at(50)), 70_000);
    assert.equal(staleConditionMs(disrupted(), at(500)), 0);
  });
  it('is waited for when the pod goes, has ended, or its node ends it', () => {
    assert.equal(staleConditionMs(disrupted({ metadata: { deletionTimestamp: START } }), at(500)), undefined);
    assert.equal(staleConditionMs(disrupted({}, { reason: 'TerminationByKubelet' }), at(500)), undefined);
    assert.equal(staleConditionMs(disrupted({}, { status: 'False' }), at(500)), undefined);
    assert.equal(staleConditionMs({ ...disrupted(), status: { phase: 'Failed' } }, at(500)), undefined);
  });
});

describe('a selector in words', () => {
  it('is written as Go does', () => {
    assert.equal(
      goSelector({
        matchLabels: { b: '2', a: '1' },
        matchExpressions: [{ key: 'k', operator: 'In', values: ['x', 'y'] }],
      }),
      '&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}',
    );
  });
});
