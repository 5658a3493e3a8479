import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addNodeLabels, unknownNode } from './node-labels.ts';

describe('--node-labels', () => {
  it('gathers the labels of each node', () => {
    const first = addNodeLabels('node-1:topology.kubernetes.io/zone=b,rack=rack1');
    const both = addNodeLabels('node-2:rack=', addNodeLabels('node-1:rack=rack2', first));
    assert.deepEqual(both, {
      'node-1': { 'topology.kubernetes.io/zone': 'b', rack: 'rack2' },
      'node-2': { rack: '' },
    });
  });

  it('gives them to every node of a range, beside what it has', () => {
    const some = addNodeLabels('sim-node-2:rack=rack1,zone=a');
    assert.deepEqual(addNodeLabels('sim-node-1..3:zone=b', some), {
      'sim-node-1': { zone: 'b' },
      'sim-node-2': { rack: 'rack1', zone: 'b' },
      'sim-node-3': { zone: 'b' },
    });
  });

  const refused: [string, RegExp][] = [
    ['node-3..1:rack=1', /"node-3\.\.1" is a range without nodes/],
    ['node-1..1000000000:rack=1', /are more than 10000 nodes/],
    ['node-1..:rack=1', /NODE:KEY=VALUE/],
    ['rack=1', /NODE:KEY=VALUE/],
    ['worker:rack=1', /NODE:KEY=VALUE/],
    ['node-1:rack', /"rack" is not KEY=VALUE/],
    ['node-1:rack=a=b', /is not KEY=VALUE/],
    ['node-1:-=1', /"-" is not a label key/],
    ['node-1:a/b/c=1', /is not a label key/],
    ['node-1:rack=a b', /"a b" is not a label value/],
    ['node-1:', /is not KEY=VALUE/],
  ];
  for (const [text, says] of refused)
    it(`refuses ${text}`, () => assert.throws(() => addNodeLabels(text), says));

  it('knows a node that there will not be', () => {
    const unknown = (name: string, nodes: number, simulatedNodes: number) =>
      unknownNode({ [name]: {} }, { nodes, simulatedNodes });
    assert.deepEqual(unknown('node-2', 1, 5), { name: 'node-2', but: '--nodes is 1' });
    assert.deepEqual(unknown('sim-node-2', 5, 1), { name: 'sim-node-2', but: '--simulated-nodes is 1' });
    assert.equal(unknown('node-2', 2, 0), undefined);
    assert.equal(unknown('sim-node-2', 0, 2), undefined);
  });
});
