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

  const refused: [string, RegExp][] = [
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
    assert.equal(unknownNode({ 'node-2': {} }, 1), 'node-2');
    assert.equal(unknownNode({ 'node-2': {} }, 2), undefined);
  });
});
