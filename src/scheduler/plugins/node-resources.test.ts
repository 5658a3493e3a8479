import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ADD, DELETE, UPDATE_NODE_ALLOCATABLE } from '../cluster-events.ts';
import { newNode, newNodeInfo, newPod, newPodInfo } from '../fixtures.ts';
import { balanceGain } from './balanced-allocation.ts';
import { helps, verdict } from './fixtures.ts';
import { leastAllocated, nodeResourcesFit, shortage } from './node-resources-fit.ts';

const plugin = nodeResourcesFit();
const pod = (requests?: Record<string, string>) => newPodInfo('p', { requests });

describe('NodeResourcesFit', () => {
  const cases: readonly [string, Record<string, string> | undefined, Record<string, string>, string][] = [
    ['a pod that asks for nothing', undefined, { cpu: '10', memory: '20' }, 'fits'],
    ['what is just left', { cpu: '4', memory: '12' }, { cpu: '6', memory: '8' }, 'fits'],
    ['too much cpu', { cpu: '5', memory: '1' }, { cpu: '6', memory: '8' }, 'Insufficient cpu'],
    ['too much memory', { cpu: '1', memory: '13' }, { cpu: '6', memory: '8' }, 'Insufficient memory'],
    [
      'too much of both',
      { cpu: '5', memory: '13' },
      { cpu: '6', memory: '8' },
      'Insufficient cpu, Insufficient memory',
    ],
    ['scratch space', { 'ephemeral-storage': '11' }, {}, 'Insufficient ephemeral-storage'],
    [
      'an extended resource',
      { 'example.com/aaa': '4' },
      { 'example.com/aaa': '2' },
      'Insufficient example.com/aaa',
    ],
    [
      'an extended resource that the node has not',
      { 'example.com/bbb': '1' },
      {},
      'Insufficient example.com/bbb',
    ],
  ];
  const allocatable = { cpu: '10', memory: '20', 'ephemeral-storage': '10', 'example.com/aaa': '5' };
  for (const [fact, wanted, used, expected] of cases) {
    it(`${fact}: ${expected}`, () => {
      const node = newNodeInfo('n', { allocatable }, [newPodInfo('other', { requests: used })]);
      assert.equal(verdict(plugin, pod(wanted), node), expected);
    });
  }

  it('lets no more pods onto a node than it allows, whatever they ask for', () => {
    const node = newNodeInfo('n', { allocatable: { pods: '1' } }, [newPodInfo('other')]);
    assert.equal(verdict(plugin, pod(), node), 'Too many pods');
  });

  it('tells a node that is full from one that is too small', () => {
    const node = newNodeInfo('n', { allocatable }, [newPodInfo('other', { requests: { cpu: '10' } })]);
    assert.equal(shortage(pod({ cpu: '10' }), node)?.code, 'Unschedulable');
    assert.equal(shortage(pod({ cpu: '11' }), node)?.code, 'UnschedulableAndUnresolvable');
  });

  it('is helped by a placed pod that goes, and by a node that has or gets room', () => {
    const waiting = pod({ cpu: '5' });
    const node = (cpu: string) => newNode('n', { allocatable: { cpu } });
    assert.equal(helps(plugin, waiting, 'Pod', DELETE, newPod('a', { nodeName: 'n' })), true);
    assert.equal(helps(plugin, waiting, 'Pod', DELETE, newPod('a')), false);
    assert.equal(helps(plugin, waiting, 'Node', ADD, undefined, node('4')), false);
    assert.equal(helps(plugin, waiting, 'Node', ADD, undefined, node('5')), true);
    assert.equal(helps(plugin, waiting, 'Node', UPDATE_NODE_ALLOCATABLE, node('4'), node('6')), true);
    assert.equal(helps(plugin, waiting, 'Node', UPDATE_NODE_ALLOCATABLE, node('6'), node('5')), false);
  });
});

describe('leastAllocated', () => {
  const node = (cpu: string, memory: string, ...used: Record<string, string>[]) =>
    newNodeInfo(
      'n',
      { allocatable: { cpu, memory } },
      used.map((requests, index) => newPodInfo(`u${index}`, { requests })),
    );
  const cases: readonly [string, ReturnType<typeof node>, Record<string, string>, number][] = [
    ['half of each', node('4', '10000'), { cpu: '3', memory: '5000' }, 37],
    ['a larger node', node('6', '10000'), { cpu: '3', memory: '5000' }, 50],
    [
      'what is there already counts',
      node('10', '20000', { cpu: '6', memory: '0' }),
      { cpu: '0', memory: '0' },
      70,
    ],
    ['more than there is', node('4', '10000'), { cpu: '5', memory: '5000' }, 25],
  ];
  for (const [fact, on, requests, expected] of cases) {
    it(`${fact}: ${expected}`, () => assert.equal(leastAllocated(pod(requests), on), expected));
  }
});

describe('balanceGain', () => {
  it('is 75 for a pod that changes nothing, more for one that balances, less for one that tilts', () => {
    const node = newNodeInfo('n', { allocatable: { cpu: '10', memory: '10' } }, [
      newPodInfo('u', { requests: { cpu: '5', memory: '0' } }),
    ]);
    assert.equal(balanceGain(pod({ cpu: '1', memory: '1' }), node), 75);
    assert.equal(balanceGain(pod({ memory: '5', cpu: '0' }), node), 87);
    assert.equal(balanceGain(pod({ cpu: '5', memory: '0' }), node), 62);
  });
});
