import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PodDisruptionBudget } from '../../../kube/index.ts';
import { CycleState } from '../../cycle-state.ts';
import { newNodeInfo, newPod, newPodInfo, type PodFixture } from '../../fixtures.ts';
import { Framework } from '../../framework.ts';
import { Nominator } from '../../nominator.ts';
import { type PodInfo, podInfo } from '../../pod-info.ts';
import { nodeResourcesFit } from '../node-resources-fit.ts';
import { candidatesToFind, pickNode } from './pick-node.ts';
import { byImportance, selectVictims, splitByBudget } from './victims.ts';

/** `startedAt`: seconds into a minute. */
function running(name: string, priority: number, startedAt?: number, fixture: PodFixture = {}): PodInfo {
  const pod = newPod(name, { priority, ...fixture });
  const startTime =
    startedAt === undefined ? undefined : `2026-01-01T00:00:${String(startedAt).padStart(2, '0')}Z`;
  return podInfo({ ...pod, status: { startTime } });
}

const names = (pods: readonly PodInfo[]) => pods.map(({ pod }) => pod.metadata.name);

function budget(allowed: number, app: string, disrupted?: string): PodDisruptionBudget {
  return {
    metadata: { namespace: 'default' },
    spec: { selector: { matchLabels: { app } } },
    status: {
      disruptionsAllowed: allowed,
      currentHealthy: 1,
      desiredHealthy: 1,
      expectedPods: 1,
      disruptedPods: disrupted ? { [disrupted]: '2026-01-01T00:00:00Z' } : undefined,
    },
  };
}

function select(
  cpu: string,
  priority: number,
  pods: readonly PodInfo[],
  budgets: PodDisruptionBudget[] = [],
) {
  const framework = new Framework([{ plugin: nodeResourcesFit() }], new Nominator());
  const pod = newPodInfo('preemptor', { priority, requests: { cpu } });
  const state = new CycleState();
  framework.preFilter(state, pod, [], { statuses: undefined as never, rejectors: new Set() });
  const node = newNodeInfo('n1', { allocatable: { cpu: '4' } }, pods);
  const found = selectVictims(state, pod, node, budgets, framework);
  assert.equal(node.pods.size, pods.length, 'the node itself stays as it is');
  return 'code' in found ? found.reasons.join() : { pods: names(found.pods), violations: found.violations };
}

const cpu = (amount: string, app?: string): PodFixture => ({
  requests: { cpu: amount },
  labels: app ? { app } : undefined,
});

describe('selectVictims', () => {
  it('takes as few as will do, the least important ones', () => {
    const pods = [running('a', 1, 1, cpu('2')), running('b', 2, 1, cpu('1')), running('c', 1, 5, cpu('1'))];
    assert.deepEqual(select('1', 9, pods), { pods: ['c'], violations: 0 });
    assert.deepEqual(select('3', 9, pods), { pods: ['a', 'c'], violations: 0 });
  });

  it('finds nobody of lower priority', () => {
    assert.equal(
      select('1', 1, [running('a', 1, 1, cpu('4'))]),
      'No preemption victims found for incoming pod',
    );
  });

  it('says what is lacking although everybody who could has left', () => {
    const pods = [running('a', 10, 1, cpu('4')), running('b', 1, 1)];
    assert.equal(select('1', 5, pods), 'Insufficient cpu');
  });

  it('lets those back in first whom a budget protects, and counts those whom it could not', () => {
    const pods = [running('a', 3, 1, cpu('2')), running('db', 1, 1, cpu('2', 'db'))];
    assert.deepEqual(select('2', 9, pods, [budget(0, 'db')]), { pods: ['a'], violations: 0 });
    assert.deepEqual(select('4', 9, pods, [budget(0, 'db')]), { pods: ['a', 'db'], violations: 1 });
    assert.deepEqual(select('2', 9, pods, [budget(1, 'db')]), { pods: ['db'], violations: 0 });
  });
});

describe('splitByBudget', () => {
  const pods = ['x', 'y'].map((name) => running(name, 1, 1, cpu('1', 'db')));
  it('allows so many', () => {
    assert.deepEqual(names(splitByBudget(pods, [budget(1, 'db')]).violating), ['y']);
  });
  it('does not count what the API server has counted', () => {
    assert.deepEqual(names(splitByBudget(pods, [budget(0, 'db', 'x')]).violating), ['y']);
  });
  it('ignores an empty selector', () => {
    const empty = { ...budget(0, 'db'), spec: { selector: {} } };
    assert.deepEqual(splitByBudget(pods, [empty]).violating, []);
  });
});

describe('byImportance', () => {
  it('goes by priority, then by who has run for longer; who has not started comes last', () => {
    const pods = [running('new', 1), running('young', 1, 9), running('old', 1, 1), running('high', 2, 9)];
    assert.deepEqual(names(pods.sort(byImportance)), ['high', 'old', 'young', 'new']);
  });
});

describe('pickNode', () => {
  const of = (nodeName: string, violations: number, ...pods: PodInfo[]) => ({ nodeName, violations, pods });
  const table: [string, Parameters<typeof pickNode>[0], string][] = [
    ['fewest violations', [of('a', 1, running('x', 0, 1)), of('b', 0, running('y', 9, 1))], 'b'],
    [
      'lowest highest priority',
      [of('a', 0, running('x', 3, 1)), of('b', 0, running('y', 2, 1), running('z', 2, 1))],
      'b',
    ],
    [
      'lowest sum',
      [
        of('a', 0, running('x', 3, 1), running('w', 2, 1)),
        of('b', 0, running('y', 3, 1), running('z', 1, 1)),
      ],
      'b',
    ],
    [
      'negative priorities: fewer pods',
      [of('a', 0, running('x', -1, 1), running('w', -1, 1)), of('b', 0, running('y', -1, 1))],
      'b',
    ],
    ['the youngest', [of('a', 0, running('x', 3, 1)), of('b', 0, running('y', 3, 9))], 'b'],
    ['the first of equals', [of('a', 0, running('x', 3, 1)), of('b', 0, running('y', 3, 1))], 'a'],
  ];
  for (const [what, candidates, wanted] of table) {
    it(what, () => assert.equal(pickNode(candidates).nodeName, wanted));
  }
});

describe('candidatesToFind', () => {
  for (const [nodes, wanted] of [
    [3, 3],
    [500, 100],
    [5000, 500],
  ] as const) {
    it(`${nodes} nodes: ${wanted}`, () => assert.equal(candidatesToFind(nodes), wanted));
  }
});
