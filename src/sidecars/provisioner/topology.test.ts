import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CSINode, Node } from '../../kube/index.ts';
import { spreadingOffset } from './spreading.ts';
import { accessibilityRequirements, type TopologyInput, type TopologyResult } from './topology.ts';

const DRIVER = 'disk.example.com';
const csiNode = (name: string, topologyKeys: string[] = ['zone']): CSINode => ({
  metadata: { name },
  spec: { drivers: [{ name: DRIVER, nodeID: name, topologyKeys }] },
});
const node = (name: string, labels: Record<string, string>): Node => ({ metadata: { name, labels } });
const zone = (name: string) => ({ segments: { zone: name } });
const allowed = (...values: string[]) => [{ matchLabelExpressions: [{ key: 'zone', values }] }];

const base: TopologyInput = {
  driver: DRIVER,
  claimName: 'data-2',
  allowedTopologies: [],
  selectedNode: '',
  strict: false,
  immediate: true,
  csiNodes: [csiNode('n1'), csiNode('n2'), csiNode('n3')],
  nodes: [node('n1', { zone: 'c' }), node('n2', { zone: 'a' }), node('n3', { zone: 'b', rack: 'r' })],
};

function requirementOf(result: TopologyResult) {
  assert.ok('requirement' in result, JSON.stringify(result));
  return result.requirement;
}
const ask = (change: Partial<TopologyInput>) =>
  requirementOf(accessibilityRequirements({ ...base, ...change }));
const failure = (change: Partial<TopologyInput>) => {
  const result = accessibilityRequirements({ ...base, ...change });
  assert.ok('error' in result, JSON.stringify(result));
  return result;
};

describe('accessibilityRequirements', () => {
  // The rows of the table, in its order. 'data-2' rotates three places by two.
  assert.equal(spreadingOffset('data-2') % 3, 2);

  it('delayed, strict: the place of the selected node only', () => {
    const expected = { requisite: [zone('a')], preferred: [zone('a')] };
    assert.deepEqual(ask({ selectedNode: 'n2', strict: true }), expected);
    assert.deepEqual(
      ask({ selectedNode: 'n2', strict: true, allowedTopologies: allowed('b', 'a') }),
      expected,
    );
  });

  it('delayed, not strict: every place in the cluster, the selected one first', () => {
    assert.deepEqual(ask({ selectedNode: 'n3' }), {
      requisite: [zone('a'), zone('b'), zone('c')],
      preferred: [zone('b'), zone('c'), zone('a')],
    });
  });

  it('delayed, not strict, allowed topologies: those, the selected one first', () => {
    assert.deepEqual(ask({ selectedNode: 'n1', allowedTopologies: allowed('c', 'b') }), {
      requisite: [zone('b'), zone('c')],
      preferred: [zone('c'), zone('b')],
    });
  });

  it('immediate, allowed topologies: those, rotated by the name', () => {
    for (const immediate of [true, false]) {
      assert.deepEqual(ask({ immediate, allowedTopologies: allowed('x', 'z', 'y', 'x') }), {
        requisite: [zone('x'), zone('y'), zone('z')],
        preferred: [zone('z'), zone('x'), zone('y')],
      });
    }
  });

  it('immediate: every place in the cluster, rotated by the name', () => {
    assert.deepEqual(ask({}), {
      requisite: [zone('a'), zone('b'), zone('c')],
      preferred: [zone('c'), zone('a'), zone('b')],
    });
  });

  it('immediate, without --immediate-topology: no requirement', () => {
    assert.equal(ask({ immediate: false }), undefined);
  });

  it('combines the values of several keys of an allowed topology', () => {
    const allowedTopologies = [
      {
        matchLabelExpressions: [
          { key: 'zone', values: ['z1', 'z2'] },
          { key: 'rack', values: ['a', 'b'] },
        ],
      },
    ];
    assert.deepEqual(ask({ allowedTopologies })?.requisite, [
      { segments: { rack: 'a', zone: 'z1' } },
      { segments: { rack: 'a', zone: 'z2' } },
      { segments: { rack: 'b', zone: 'z1' } },
      { segments: { rack: 'b', zone: 'z2' } },
    ]);
  });

  it('takes a node whose place is finer than the allowed one', () => {
    const nodes = [node('n1', { zone: 'c', rack: 'r' })];
    const csiNodes = [csiNode('n1', ['zone', 'rack'])];
    assert.deepEqual(ask({ nodes, csiNodes, selectedNode: 'n1', allowedTopologies: allowed('b', 'c') }), {
      requisite: [zone('b'), zone('c')],
      preferred: [zone('c'), zone('b')],
    });
  });

  it('asks a second time for what it asked first, though the cluster has changed', () => {
    const first = accessibilityRequirements({ ...base, selectedNode: 'n3' });
    assert.ok('remember' in first);
    const again = { selectedNode: 'n3', nodes: [], csiNodes: [], remembered: first.remember };
    assert.deepEqual(ask(again), first.requirement);
  });

  it('says what is missing', () => {
    const table: [Partial<TopologyInput>, string, boolean][] = [
      [
        { selectedNode: 'gone' },
        'failed to get selected CSINode gone: csinode.storage.k8s.io "gone" not found',
        true,
      ],
      [{ selectedNode: 'n1', csiNodes: [csiNode('n1', [])] }, 'no topology key found for node n1', false],
      [
        { selectedNode: 'n1', nodes: [node('n1', { b: '2', a: '1' })] },
        'topology labels from selected node map[a:1 b:2] does not match topology keys from CSINode [zone]',
        false,
      ],
      [
        { selectedNode: 'n1', strict: true, allowedTopologies: allowed('a', 'b') },
        `selected node '"n1"' topology '[{zone c}]' is not in allowed topologies: [[{zone a}] [{zone b}]]`,
        false,
      ],
      [
        { selectedNode: 'n1', allowedTopologies: allowed('a', 'b') },
        'topology [{zone c}] from selected node "n1" is not in requisite: [[{zone a}] [{zone b}]]',
        false,
      ],
      [{ csiNodes: [] }, 'no available topology found', false],
      [{ nodes: [] }, 'topologyKeys [zone] were not found on any nodes', false],
    ];
    for (const [change, error, reschedule] of table) assert.deepEqual(failure(change), { error, reschedule });
  });
});

describe('spreadingOffset', () => {
  it('gives the claims of one pod one place, and the next pod the next', () => {
    assert.equal(spreadingOffset('data-web-0'), spreadingOffset('log-web-0'));
    assert.equal(spreadingOffset('data-web-3'), spreadingOffset('data-web-0') + 3);
    assert.equal(spreadingOffset('web-1'), spreadingOffset('web-0') + 1);
  });

  it('is FNV-1 of the name', () => {
    // Test vectors of the FNV reference.
    assert.equal(spreadingOffset(''), 0x811c9dc5);
    assert.equal(spreadingOffset('a'), 0x050c5d7e);
    assert.equal(spreadingOffset('foobar'), 0x31f0b262);
  });
});
