import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeStatus } from '../../kube/index.ts';
import { nodeReference, registrationEvents, schedulableEvents, statusEvents } from './node-events.ts';

const GOOD = { MemoryPressure: 'False', DiskPressure: 'False', PIDPressure: 'False', Ready: 'True' };

function status(conditions: Readonly<Record<string, string>>, bootID = 'boot-1'): NodeStatus {
  const list = Object.entries(conditions).map(([type, value]) => ({ type, status: value }));
  return { conditions: list, nodeInfo: { bootID } } as unknown as NodeStatus;
}

describe('what a node tells of itself', () => {
  it('at each start is what it has, with the words of the kubelet', () => {
    assert.deepEqual(registrationEvents('n', status(GOOD)), [
      { type: 'Normal', reason: 'Starting', message: 'Starting kubelet.' },
      ...['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID'].map((reason) => ({
        type: 'Normal',
        reason,
        message: `Node n status is now: ${reason}`,
      })),
    ]);
    assert.deepEqual(nodeReference('n'), { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'n' });
  });

  const unknown = { MemoryPressure: 'Unknown', DiskPressure: 'Unknown', PIDPressure: 'Unknown' };
  const bad = { MemoryPressure: 'True', DiskPressure: 'True', PIDPressure: 'True' };
  const calm = ['NodeHasSufficientMemory', 'NodeHasNoDiskPressure', 'NodeHasSufficientPID'];
  const pressed = ['NodeHasInsufficientMemory', 'NodeHasDiskPressure', 'NodeHasInsufficientPID'];
  const changes: [string, NodeStatus, NodeStatus, string[]][] = [
    ['nothing, when nothing has changed', status(GOOD), status(GOOD), []],
    ['that it was given up', status({ ...unknown, Ready: 'Unknown' }), status(GOOD), [...calm, 'NodeReady']],
    ['that it is not ready', status(GOOD), status({ ...GOOD, Ready: 'False' }), ['NodeNotReady']],
    ['that it has too little', status(GOOD), status({ ...GOOD, ...bad }), pressed],
    ['that the machine was started anew', status(GOOD), status(GOOD, 'boot-2'), ['Rebooted']],
    ['nothing of a start that nobody knows of', status(GOOD, ''), status(GOOD), []],
  ];
  for (const [what, before, now, reasons] of changes)
    it(`is ${what}`, () =>
      assert.deepEqual(
        statusEvents('n', before, now).map(({ reason }) => reason),
        reasons,
      ));

  it('names the start of the machine', () =>
    assert.deepEqual(statusEvents('n', status(GOOD), status(GOOD, 'boot-2')), [
      { type: 'Warning', reason: 'Rebooted', message: 'Node n has been rebooted, boot id: boot-2' },
    ]));

  it('is whether pods are to come', () => {
    const reasons = (before: boolean, now: boolean) =>
      schedulableEvents('n', before, now).map(({ message }) => message);
    assert.deepEqual(reasons(false, false), []);
    assert.deepEqual(reasons(false, true), ['Node n status is now: NodeNotSchedulable']);
    assert.deepEqual(reasons(true, false), ['Node n status is now: NodeSchedulable']);
  });
});
