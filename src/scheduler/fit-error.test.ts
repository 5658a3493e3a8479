import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fitMessage, NodeStatuses } from './fit-error.ts';
import { type Rejection, unresolvable, unschedulable } from './status.ts';

const statuses = (given: Readonly<Record<string, Rejection>>, absent?: Rejection): NodeStatuses => {
  const result = new NodeStatuses();
  for (const [name, rejection] of Object.entries(given)) result.set(name, rejection);
  if (absent) result.absent = absent;
  return result;
};

describe('fitMessage', () => {
  it('counts each reason over the nodes and sorts the texts', () => {
    const cpu = unschedulable('Insufficient cpu', 'Insufficient memory');
    const given = { a: cpu, b: cpu, c: unresolvable('node(s) were unschedulable') };
    assert.equal(
      fitMessage(3, { statuses: statuses(given) }),
      '0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu, 2 Insufficient memory.',
    );
  });

  it('gives the nodes that were not looked at their common reason', () => {
    const absent = unresolvable("node(s) didn't satisfy plugin(s) [NodeAffinity]");
    assert.equal(
      fitMessage(3, { statuses: statuses({ a: unschedulable('Too many pods') }, absent) }),
      "0/3 nodes are available: 1 Too many pods, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    );
  });

  it('says what the pod itself was refused for once, not for each node', () => {
    const refusal = unresolvable('pod has unbound immediate PersistentVolumeClaims');
    assert.equal(
      fitMessage(2, {
        statuses: statuses({}, refusal),
        preFilterMessage: refusal.reasons.join(', '),
        postFilterMessage: 'preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
      }),
      '0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.',
    );
  });
});
