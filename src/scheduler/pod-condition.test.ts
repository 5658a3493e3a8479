import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Pod, PodCondition } from '../kube/index.ts';
import { eventMessage, unscheduledCondition } from './pod-condition.ts';

const withCondition = (condition?: Partial<PodCondition>): Pod => ({
  status: { conditions: condition ? [{ type: 'PodScheduled', status: 'False', ...condition }] : [] },
});

describe('unscheduledCondition', () => {
  it('is not written again when the pod says it already', () => {
    const pod = withCondition({ reason: 'Unschedulable', message: 'full' });
    assert.equal(unscheduledCondition(pod, 'Unschedulable', 'full', 'now'), undefined);
  });

  it('keeps the time of its first refusal when only the words change', () => {
    const pod = withCondition({ reason: 'Unschedulable', message: 'full', lastTransitionTime: 'then' });
    const condition = unscheduledCondition(pod, 'Unschedulable', 'fuller', 'now');
    assert.equal(condition?.lastTransitionTime, 'then');
    assert.equal(
      unscheduledCondition(withCondition(), 'Unschedulable', 'full', 'now')?.lastTransitionTime,
      'now',
    );
  });
});

describe('eventMessage', () => {
  it('cuts at 1024 characters with " ..."', () => {
    assert.equal(eventMessage('a'.repeat(1024)).length, 1024);
    assert.equal(eventMessage('a'.repeat(1025)), `${'a'.repeat(1020)} ...`);
  });
});
