import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Node, type Pod, type Stored, TAINT_OUT_OF_SERVICE } from '../../kube/index.ts';
import { podsToCollect } from './collect.ts';

function pod(
  name: string,
  phase: string,
  nodeName?: string,
  more: Partial<Pod['metadata']> = {},
): Stored<Pod> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', ...more },
    spec: { nodeName, containers: [] },
    status: { phase },
  };
}

const leaving = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const out: Node = { spec: { taints: [{ key: TAINT_OUT_OF_SERVICE, effect: 'NoExecute' }] } };
const readyAgain: Node = { ...out, status: { conditions: [{ type: 'Ready', status: 'True' }] } };

describe('which pods nobody else will delete', () => {
  const cases: [string, Stored<Pod>, string | undefined][] = [
    ['running', pod('p', 'Running', 'n'), undefined],
    ['on a gone node', pod('p', 'Running', 'gone'), 'orphaned'],
    ['leaving, never scheduled', pod('p', 'Pending', undefined, leaving), 'terminating-unscheduled'],
    ['pending, not leaving', pod('p', 'Pending'), undefined],
    ['leaving', pod('p', 'Running', 'n', leaving), undefined],
    [
      'leaving a node that is out of service',
      pod('p', 'Running', 'out', leaving),
      'terminating-out-of-service',
    ],
    ['on a node that is out of service', pod('p', 'Running', 'out'), undefined],
    ['leaving a node that is back although tainted', pod('p', 'Running', 'back', leaving), undefined],
  ];
  const nodes: Record<string, Node> = { n: {}, out, back: readyAgain };
  const input = {
    node: (name: string) => nodes[name],
    goneNodes: new Set(['gone']),
    terminatedPodThreshold: 1,
  };
  for (const [why, one, reason] of cases) {
    it(`${why}: ${reason ?? 'no'}`, () => {
      assert.equal(podsToCollect({ ...input, pods: [one] }).get(one), reason);
    });
  }

  it('ended ones beyond the threshold: evicted first, then the oldest', () => {
    const old = pod('old', 'Succeeded', 'n', { creationTimestamp: '2025-01-01T00:00:00Z' });
    const young = pod('young', 'Failed', 'n');
    const evicted = { ...pod('evicted', 'Failed', 'n'), status: { phase: 'Failed', reason: 'Evicted' } };
    const collect = (terminatedPodThreshold: number) =>
      [...podsToCollect({ ...input, pods: [young, old, evicted], terminatedPodThreshold }).keys()].map(
        ({ metadata }) => metadata.name,
      );
    assert.deepEqual(collect(1), ['evicted', 'old']);
    assert.deepEqual(collect(3), []);
    assert.deepEqual(collect(0), []);
  });
});
