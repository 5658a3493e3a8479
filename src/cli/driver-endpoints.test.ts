import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addDriverEndpoint, isNode } from './driver-endpoints.ts';

describe('--csi-driver', () => {
  it('takes an endpoint in any of its spellings, for every node or for one', () => {
    const all = ['unix:///run/a.sock', '/run/b.sock', 'node-2=unix:/run/c.sock'].reduce<
      ReturnType<typeof addDriverEndpoint>
    >((before, text) => addDriverEndpoint(text, before), []);
    assert.deepEqual(all, [
      { endpoint: 'unix:///run/a.sock' },
      { endpoint: 'unix:///run/b.sock' },
      { endpoint: 'unix:///run/c.sock', node: 'node-2' },
    ]);
  });

  it('takes a path with an equals sign', () =>
    assert.deepEqual(addDriverEndpoint('unix:///run/a=b.sock'), [{ endpoint: 'unix:///run/a=b.sock' }]));

  for (const [text, says] of [
    ['tcp://127.0.0.1:9000', /not an absolute Unix socket; write unix:\/\/\/path\/csi\.sock/],
    ['csi.sock', /not an absolute Unix socket/],
    ['', /not an absolute Unix socket/],
    ['worker=unix:///run/a.sock', /"worker" is not a node: they are named node-1/],
    ['node-0=unix:///run/a.sock', /"node-0" is not a node/],
    ['unix:///run/known.sock', /is named twice/],
    [`unix:///${'x'.repeat(200)}`, /at most 107/],
  ] as const)
    it(`refuses ${text.slice(0, 40)}`, () =>
      assert.throws(() => addDriverEndpoint(text, [{ endpoint: 'unix:///run/known.sock' }]), says));

  it('knows the nodes of a cluster', () => {
    assert.equal(isNode('node-2', 2), true);
    assert.equal(isNode('node-3', 2), false);
    assert.equal(isNode('node-1', 0), false);
  });
});
