import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Node, Stored } from '../kube/index.ts';
import {
  ADD,
  DELETE,
  interest,
  matches,
  nodeUpdateEvents,
  podUpdateEvents,
  UPDATE,
  UPDATE_NODE_ALLOCATABLE,
  UPDATE_NODE_CONDITION,
  UPDATE_NODE_LABEL,
  UPDATE_NODE_TAINT,
  UPDATE_POD_GATES_ELIMINATED,
  UPDATE_POD_LABEL,
  UPDATE_POD_SCALE_DOWN,
  UPDATE_POD_TOLERATION,
} from './cluster-events.ts';
import { newNode, newPod } from './fixtures.ts';

describe('nodeUpdateEvents', () => {
  const base = newNode('n', { unschedulable: true });
  const ready = (status: string, at: string): Stored<Node> => ({
    ...base,
    status: { ...base.status, conditions: [{ type: 'Ready', status, lastHeartbeatTime: at }] },
  });
  const cases: readonly [string, Stored<Node>, Stored<Node>, number[]][] = [
    ['nothing for a heartbeat', ready('True', '1'), ready('True', '2'), []],
    ['a condition that turns', ready('True', '1'), ready('False', '1'), [UPDATE_NODE_CONDITION]],
    ['uncordoning counts as a taint', base, newNode('n'), [UPDATE_NODE_TAINT]],
    ['cordoning helps nobody', newNode('n'), base, []],
    ['labels', newNode('n'), newNode('n', { labels: { a: 'b' } }), [UPDATE_NODE_LABEL]],
    ['allocatable', newNode('n'), newNode('n', { allocatable: { cpu: '5' } }), [UPDATE_NODE_ALLOCATABLE]],
    [
      'taints',
      newNode('n', { taints: [{ key: 'a', effect: 'NoSchedule' }] }),
      newNode('n'),
      [UPDATE_NODE_TAINT],
    ],
  ];
  for (const [fact, before, after, expected] of cases) {
    it(fact, () =>
      assert.deepEqual(
        nodeUpdateEvents(before, after).map(({ action }) => action),
        expected,
      ),
    );
  }
});

describe('podUpdateEvents', () => {
  const cases: readonly [string, Parameters<typeof newPod>[1], Parameters<typeof newPod>[1], number[]][] = [
    ['no particular update', {}, { phase: 'Running' }, [UPDATE]],
    ['labels', {}, { labels: { a: 'b' } }, [UPDATE_POD_LABEL]],
    ['smaller requests', { requests: { cpu: '2' } }, { requests: { cpu: '1' } }, [UPDATE_POD_SCALE_DOWN]],
    ['larger requests', { requests: { cpu: '1' } }, { requests: { cpu: '2' } }, [UPDATE]],
    ['the last gate gone', { schedulingGates: [{ name: 'a' }] }, {}, [UPDATE_POD_GATES_ELIMINATED]],
    ['one more toleration', {}, { tolerations: [{ operator: 'Exists' }] }, [UPDATE_POD_TOLERATION]],
  ];
  for (const [fact, before, after, expected] of cases) {
    it(fact, () => {
      const actions = podUpdateEvents(newPod('p', before), newPod('p', after)).map(({ action }) => action);
      assert.deepEqual(actions, expected);
    });
  }
});

describe('matches', () => {
  const cases: readonly [string, number, number, boolean][] = [
    ['an action that is asked for', ADD | UPDATE_NODE_LABEL, UPDATE_NODE_LABEL, true],
    ['another action', ADD | UPDATE_NODE_LABEL, UPDATE_NODE_TAINT, false],
    ['a particular update, when every update is asked for', UPDATE, UPDATE_NODE_TAINT, true],
    ['an update of no particular kind, when only a kind is asked for', UPDATE_NODE_LABEL, UPDATE, false],
    ['an update of no particular kind, when every update is asked for', ADD | UPDATE, UPDATE, true],
    ['a deletion, when updates are asked for', UPDATE, DELETE, false],
  ];
  for (const [fact, wanted, action, expected] of cases) {
    it(`${fact}: ${expected}`, () =>
      assert.equal(matches(interest('Node', wanted), { resource: 'Node', action }), expected));
  }
});
