import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Cache } from './cache.ts';
import { newNode, newPod, newPodInfo } from './fixtures.ts';

const requests = { cpu: '1', memory: '1Gi', 'example.com/gpu': '1' };
const placed = (name: string, nodeName: string, more = {}) => newPod(name, { requests, nodeName, ...more });

describe('Cache', () => {
  it('sums what the pods of a node take, and forgets it when they go', () => {
    const cache = new Cache();
    cache.setNode(newNode('n1'));
    cache.setPod(placed('a', 'n1'));
    cache.setPod(placed('b', 'n1'));
    const node = cache.node('n1')!;
    assert.equal(node.requested.milliCpu, 2000);
    assert.equal(node.requested.scalar.get('example.com/gpu'), 2);
    assert.equal(cache.removePod('uid-a'), 'n1');
    assert.equal(cache.removePod('uid-a'), undefined);
    cache.setPod(placed('b', 'n1', { requests: { cpu: '500m' } }));
    assert.equal(node.requested.milliCpu, 500);
    assert.equal(node.requested.memory, 0);
  });

  it('counts an assumed pod until it is forgotten, and a confirmed one for good', () => {
    const cache = new Cache();
    cache.setNode(newNode('n1'));
    for (const name of ['a', 'b']) cache.assume(newPodInfo(name, { requests }), 'n1');
    assert.throws(() => cache.assume(newPodInfo('a'), 'n1'), /cannot be assumed/);
    cache.setPod(placed('b', 'n1'));
    cache.forget('uid-a');
    cache.forget('uid-b');
    assert.deepEqual([...cache.node('n1')!.pods.keys()], ['uid-b']);
    assert.equal(cache.node('n1')!.requested.milliCpu, 1000);
    assert.equal(cache.isAssumed('uid-b'), false);
  });

  it('moves a pod that was bound elsewhere than assumed', () => {
    const cache = new Cache();
    for (const name of ['n1', 'n2']) cache.setNode(newNode(name));
    cache.assume(newPodInfo('a', { requests }), 'n1');
    cache.setPod(placed('a', 'n2'));
    assert.equal(cache.node('n1')!.pods.size, 0);
    assert.equal(cache.node('n2')!.pods.size, 1);
  });

  it('keeps the pods of a node that is not there, unseen, until it comes', () => {
    const cache = new Cache();
    cache.setPod(placed('a', 'n1'));
    assert.deepEqual(cache.nodes(), []);
    assert.equal(cache.node('n1'), undefined);
    cache.setNode(newNode('n1'));
    assert.equal(cache.node('n1')!.requested.milliCpu, 1000);
    cache.removeNode('n1');
    assert.deepEqual(cache.nodes(), []);
    cache.removePod('uid-a');
    cache.setNode(newNode('n1'));
    assert.equal(cache.node('n1')!.requested.milliCpu, 0);
  });

  it('lists one node of each zone in turn', () => {
    const cache = new Cache();
    for (const [name, zone] of [
      ['a1', 'a'],
      ['a2', 'a'],
      ['a3', 'a'],
      ['b1', 'b'],
      ['c1', 'c'],
      ['c2', 'c'],
    ] as const) {
      cache.setNode(newNode(name, { labels: { 'topology.kubernetes.io/zone': zone } }));
    }
    const names = () => cache.nodes().map(({ name }) => name);
    assert.deepEqual(names(), ['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
    cache.setNode(newNode('a2', { labels: { 'topology.kubernetes.io/zone': 'b' } }));
    assert.deepEqual(names(), ['a1', 'a2', 'c1', 'a3', 'b1', 'c2']);
  });

  it('knows the claims that placed pods use', () => {
    const cache = new Cache();
    cache.setPod(newPod('a', { nodeName: 'n1', claims: ['data'] }));
    cache.assume(newPodInfo('b', { claims: ['data'] }), 'n2');
    assert.equal(cache.isClaimInUse('default/data'), true);
    cache.removePod('uid-a');
    assert.equal(cache.isClaimInUse('default/data'), true);
    cache.forget('uid-b');
    assert.equal(cache.isClaimInUse('default/data'), false);
  });
});
