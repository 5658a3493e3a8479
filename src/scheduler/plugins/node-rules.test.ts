import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NodeSelectorTerm } from '../../kube/index.ts';
import {
  ADD,
  DELETE,
  UPDATE_NODE_ALLOCATABLE,
  UPDATE_NODE_LABEL,
  UPDATE_NODE_TAINT,
  UPDATE_POD_TOLERATION,
} from '../cluster-events.ts';
import { type NodeFixture, newNode, newNodeInfo, newPod, newPodInfo, type PodFixture } from '../fixtures.ts';
import { helps, scores, verdict } from './fixtures.ts';
import { nodeAffinity } from './node-affinity.ts';
import { nodeName } from './node-name.ts';
import { nodePorts } from './node-ports.ts';
import { nodeUnschedulable } from './node-unschedulable.ts';
import { schedulingGates } from './scheduling-gates.ts';
import { taintToleration } from './taint-toleration.ts';

const required = (...nodeSelectorTerms: NodeSelectorTerm[]): PodFixture => ({
  affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
});

describe('NodeName', () => {
  const other = "node(s) didn't match the requested node name";
  for (const [wanted, expected] of [
    [undefined, 'fits'],
    ['n', 'fits'],
    ['m', other],
  ] as const) {
    it(`${wanted}: ${expected}`, () =>
      assert.equal(verdict(nodeName(), newPodInfo('p', { nodeName: wanted }), newNodeInfo('n')), expected));
  }
});

describe('SchedulingGates', () => {
  it('holds a pod with gates', () => {
    const gate = schedulingGates().preEnqueue!;
    const gates = [{ name: 'a' }, { name: 'b' }];
    assert.equal(gate(newPodInfo('p')), undefined);
    assert.deepEqual(gate(newPodInfo('p', { schedulingGates: gates }))?.reasons, [
      'waiting for scheduling gates: [a b]',
    ]);
  });
});

describe('NodeUnschedulable', () => {
  const plugin = nodeUnschedulable();
  const tolerations = [{ key: 'node.kubernetes.io/unschedulable', operator: 'Exists' }];
  it('keeps pods off a cordoned node', () => {
    const node = newNodeInfo('n', { unschedulable: true });
    assert.equal(verdict(plugin, newPodInfo('p'), node), 'node(s) were unschedulable');
    assert.equal(verdict(plugin, newPodInfo('p', { tolerations }), node), 'fits');
    assert.equal(verdict(plugin, newPodInfo('p'), newNodeInfo('n')), 'fits');
  });

  it('is helped by a node that is uncordoned, or new and not cordoned', () => {
    const pod = newPodInfo('p');
    const [open, cordoned] = [newNode('n'), newNode('n', { unschedulable: true })];
    assert.equal(helps(plugin, pod, 'Node', UPDATE_NODE_TAINT, cordoned, open), true);
    assert.equal(helps(plugin, pod, 'Node', UPDATE_NODE_TAINT, open, open), false);
    assert.equal(helps(plugin, pod, 'Node', ADD, undefined, open), true);
    assert.equal(helps(plugin, pod, 'Node', ADD, undefined, cordoned), false);
    const [before, after] = [newPod('p'), newPod('p', { tolerations })];
    assert.equal(helps(plugin, pod, 'Pod', UPDATE_POD_TOLERATION, before, after), true);
  });
});

describe('TaintToleration', () => {
  const plugin = taintToleration();
  const untolerated = 'node(s) had untolerated taint(s)';
  const taint = (effect: string, value = 'user1') => ({ key: 'dedicated', value, effect });
  const cases: readonly [string, PodFixture, NodeFixture, string][] = [
    ['a taint and no toleration', {}, { taints: [taint('NoSchedule')] }, untolerated],
    ['NoExecute keeps away as well', {}, { taints: [taint('NoExecute')] }, untolerated],
    ['PreferNoSchedule does not', {}, { taints: [taint('PreferNoSchedule')] }, 'fits'],
    [
      'an equal toleration',
      { tolerations: [{ key: 'dedicated', value: 'user1', effect: 'NoSchedule' }] },
      { taints: [taint('NoSchedule')] },
      'fits',
    ],
    [
      'a toleration of another value',
      { tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'user2', effect: 'NoSchedule' }] },
      { taints: [taint('NoSchedule')] },
      untolerated,
    ],
    [
      'a toleration of another effect',
      { tolerations: [{ key: 'dedicated', operator: 'Exists', effect: 'PreferNoSchedule' }] },
      { taints: [taint('NoSchedule')] },
      untolerated,
    ],
    [
      'a toleration of everything',
      { tolerations: [{ operator: 'Exists' }] },
      { taints: [taint('NoSchedule')] },
      'fits',
    ],
    [
      'one of two taints tolerated',
      { tolerations: [{ key: 'dedicated', operator: 'Exists' }] },
      { taints: [taint('NoSchedule'), { key: 'other', effect: 'NoSchedule' }] },
      untolerated,
    ],
  ];
  for (const [fact, pod, node, expected] of cases) {
    it(`${fact}: ${expected}`, () =>
      assert.equal(verdict(plugin, newPodInfo('p', pod), newNodeInfo('n', node)), expected));
  }

  it('scores down nodes by their untolerated soft taints', () => {
    const soft = (...keys: string[]) =>
      newNodeInfo('n', { taints: keys.map((key) => ({ key, effect: 'PreferNoSchedule' })) });
    const pod = newPodInfo('p', { tolerations: [{ key: 'a', operator: 'Exists' }] });
    assert.deepEqual(scores(plugin, pod, [soft('a'), soft('a', 'b'), soft('a', 'b', 'c')]), [100, 50, 0]);
    assert.equal(scores(plugin, pod, [newNodeInfo('n')]), 'skip');
  });

  it('is helped when a node loses the taint that kept the pod away', () => {
    const pod = newPodInfo('p');
    const [tainted, clean] = [newNode('n', { taints: [taint('NoSchedule')] }), newNode('n')];
    assert.equal(helps(plugin, pod, 'Node', UPDATE_NODE_TAINT, tainted, clean), true);
    assert.equal(helps(plugin, pod, 'Node', UPDATE_NODE_TAINT, clean, clean), false);
    assert.equal(helps(plugin, pod, 'Node', ADD, undefined, tainted), false);
  });
});

describe('NodeAffinity', () => {
  const plugin = nodeAffinity();
  const mismatch = "node(s) didn't match Pod's node affinity/selector";
  const ssd: NodeFixture = { labels: { disk: 'ssd', zone: 'z1' } };
  const expression = (key: string, ...values: string[]) => ({
    matchExpressions: [{ key, operator: 'In', values }],
  });
  const named = (...values: string[]) => ({
    matchFields: [{ key: 'metadata.name', operator: 'In', values }],
  });
  const cases: readonly [string, PodFixture, string][] = [
    ['no wish', {}, 'fits'],
    ['a selector that matches', { nodeSelector: { disk: 'ssd' } }, 'fits'],
    ['a selector that does not', { nodeSelector: { disk: 'ssd', zone: 'z2' } }, mismatch],
    ['a term that matches', required(expression('zone', 'z1', 'z2')), 'fits'],
    ['one of two terms', required(expression('zone', 'z9'), expression('disk', 'ssd')), 'fits'],
    ['no term that matches', required(expression('zone', 'z9')), mismatch],
    ['no terms at all', required(), mismatch],
    ['an empty term', required({}), mismatch],
    [
      'a term that matches and a selector that does not',
      { ...required(expression('zone', 'z1')), nodeSelector: { disk: 'hdd' } },
      mismatch,
    ],
    ['the node by name', required(named('n')), 'fits'],
    ['another node by name', required(named('m')), 'not among the named nodes'],
    [
      'two names that exclude each other',
      required({ matchFields: [...named('n').matchFields, ...named('m').matchFields] }),
      'pod affinity terms conflict',
    ],
    ['by name or by label', required(named('m'), expression('disk', 'ssd')), 'fits'],
  ];
  for (const [fact, pod, expected] of cases) {
    it(`${fact}: ${expected}`, () =>
      assert.equal(verdict(plugin, newPodInfo('p', pod), newNodeInfo('n', ssd)), expected));
  }

  it('scores by the weights of the preferences that match', () => {
    const pod = newPodInfo('p', {
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 2, preference: expression('zone', 'z1') },
            { weight: 6, preference: expression('disk', 'ssd') },
          ],
        },
      },
    });
    const nodes = [ssd, { labels: { zone: 'z1' } }, {}].map((fixture) => newNodeInfo('n', fixture));
    assert.deepEqual(scores(plugin, pod, nodes), [100, 25, 0]);
    assert.equal(scores(plugin, newPodInfo('p'), nodes), 'skip');
  });

  it('is helped by a node that comes to match', () => {
    const pod = newPodInfo('p', { nodeSelector: { disk: 'ssd' } });
    const [bare, labelled] = [newNode('n'), newNode('n', ssd)];
    assert.equal(helps(plugin, pod, 'Node', UPDATE_NODE_LABEL, bare, labelled), true);
    assert.equal(helps(plugin, pod, 'Node', UPDATE_NODE_LABEL, labelled, labelled), false);
    assert.equal(helps(plugin, pod, 'Node', UPDATE_NODE_LABEL, labelled, bare), false);
    assert.equal(helps(plugin, pod, 'Node', UPDATE_NODE_ALLOCATABLE, bare, labelled), false);
    assert.equal(helps(plugin, pod, 'Node', ADD, undefined, labelled), true);
  });
});

describe('NodePorts', () => {
  const plugin = nodePorts();
  const taken = "node(s) didn't have free ports for the requested pod ports";
  type Port = NonNullable<PodFixture['ports']>[number];
  const cases: readonly [string, Port, Port, string][] = [
    ['the same port', { hostPort: 80 }, { hostPort: 80 }, taken],
    ['another port', { hostPort: 80 }, { hostPort: 81 }, 'fits'],
    ['another protocol', { hostPort: 80 }, { hostPort: 80, protocol: 'UDP' }, 'fits'],
    ['another address', { hostPort: 80, hostIP: '127.0.0.1' }, { hostPort: 80, hostIP: '127.0.0.2' }, 'fits'],
    ['every address', { hostPort: 80, hostIP: '127.0.0.1' }, { hostPort: 80, hostIP: '0.0.0.0' }, taken],
  ];
  for (const [fact, wanted, used, expected] of cases) {
    it(`${fact}: ${expected}`, () => {
      const node = newNodeInfo('n', {}, [newPodInfo('other', { ports: [used] })]);
      assert.equal(verdict(plugin, newPodInfo('p', { ports: [wanted] }), node), expected);
    });
  }

  it('is helped when a placed pod with such a port goes', () => {
    const pod = newPodInfo('p', { ports: [{ hostPort: 80 }] });
    const other = (fixture: PodFixture) => newPod('other', { nodeName: 'n', ...fixture });
    const gone = (fixture: PodFixture) => helps(plugin, pod, 'Pod', DELETE, other(fixture));
    assert.equal(gone({ ports: [{ hostPort: 80 }] }), true);
    assert.equal(gone({ ports: [{ hostPort: 81 }] }), false);
    assert.equal(gone({ ports: [{ hostPort: 80 }], nodeName: undefined }), false);
  });
});
