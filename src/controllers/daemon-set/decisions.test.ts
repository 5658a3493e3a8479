import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ControllerRevision, DaemonSet, Node, Pod, Stored, Taint } from '../../kube/index.ts';
import { templatePatch } from '../workload/index.ts';
import { newDaemonPod, targetNode } from './daemon-pod.ts';
import { daemonTolerations, eligibility } from './eligibility.ts';
import { computeCounts, type Plan, planPresence, planUpdate } from './plan.ts';
import { historyOf, newRevision, revisionsToDelete } from './revisions.ts';

const START = '2026-01-01T12:00:00Z';
const NOW = Date.parse(START) + 60_000;
const stored = { resourceVersion: '1', creationTimestamp: START };

type Template = NonNullable<DaemonSet['spec']>['template'];

function set(spec: object = {}, template: Template['spec'] = { containers: [] }): Stored<DaemonSet> {
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'd', namespace: 'default', uid: 'd', ...stored },
    spec: {
      selector: { matchLabels: { app: 'd' } },
      template: { metadata: { labels: { app: 'd' } }, spec: template },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      ...spec,
    },
  };
}

const surging = set({
  updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
});

function node(name: string, taints?: Taint[], labels?: Record<string, string>): Stored<Node> {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: name, labels, ...stored },
    spec: { taints },
  };
}

type State = 'ready' | 'unready' | 'failed' | 'going';

/** On a node, of the new template unless said otherwise. */
function pod(name: string, on: string, state: State = 'ready', hash = 'new', created = START): Stored<Pod> {
  const ready = { type: 'Ready', status: 'True', lastTransitionTime: START };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      uid: name,
      labels: { 'controller-revision-hash': hash },
      deletionTimestamp: state === 'going' ? START : undefined,
      ...stored,
      creationTimestamp: created,
    },
    spec: { nodeName: on, containers: [] },
    status: {
      phase: state === 'failed' ? 'Failed' : 'Running',
      conditions: state === 'ready' ? [ready] : [],
    },
  };
}

const taint = (key: string, effect: string): Taint => ({ key, effect });
const text = ({ create, delete: going }: Plan) =>
  [...create.map((name) => `+${name}`), ...going.map(({ metadata }) => `-${metadata.name}`)].sort().join(' ');
const input = (one: Stored<DaemonSet>, nodes: Stored<Node>[], pods: Stored<Pod>[]) => ({
  set: one,
  nodes,
  pods,
  hash: 'new',
  nowMs: NOW,
});

describe('whether a daemon runs on a node', () => {
  const affinity = (value: string) => ({
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: [value] }] }],
      },
    },
  });
  const cases: [string, Template['spec'], Taint[], boolean, boolean][] = [
    ['yes', { containers: [] }, [], true, true],
    ['not a node of another name', { containers: [], nodeName: 'other' }, [], false, false],
    ['a node with the labels', { containers: [], nodeSelector: { zone: 'a' } }, [], true, true],
    ['not one without', { containers: [], nodeSelector: { zone: 'b' } }, [], false, false],
    ['by affinity', { containers: [], affinity: affinity('a') }, [], true, true],
    ['not against affinity', { containers: [], affinity: affinity('b') }, [], false, false],
    ['stays on one with a taint', { containers: [] }, [taint('x', 'NoSchedule')], false, true],
    ['goes from one that evicts', { containers: [] }, [taint('x', 'NoExecute')], false, false],
    [
      'a taint that it tolerates',
      { containers: [], tolerations: [{ key: 'x', operator: 'Exists' }] },
      [taint('x', 'NoExecute')],
      true,
      true,
    ],
    [
      'a cordoned one',
      { containers: [] },
      [taint('node.kubernetes.io/unschedulable', 'NoSchedule')],
      true,
      true,
    ],
    ['a lost one', { containers: [] }, [taint('node.kubernetes.io/unreachable', 'NoExecute')], true, true],
    [
      'not new on a lost one that is tainted as such',
      { containers: [] },
      [taint('node.kubernetes.io/unreachable', 'NoSchedule')],
      false,
      true,
    ],
    [
      'without network only on the host’s',
      { containers: [] },
      [taint('node.kubernetes.io/network-unavailable', 'NoSchedule')],
      false,
      true,
    ],
    [
      'without network on the host’s',
      { containers: [], hostNetwork: true },
      [taint('node.kubernetes.io/network-unavailable', 'NoSchedule')],
      true,
      true,
    ],
  ];
  for (const [why, template, taints, shouldRun, mayStay] of cases) {
    it(why, () =>
      assert.deepEqual(eligibility(set({}, template), node('n', taints, { zone: 'a' })), {
        shouldRun,
        mayStay,
      }),
    );
  }

  it('gives it tolerations for all troubles of nodes, for ever', () => {
    const short = {
      key: 'node.kubernetes.io/not-ready',
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 5,
    };
    const all = daemonTolerations({ containers: [], tolerations: [short] });
    assert.equal(all.length, 6);
    assert.deepEqual(all[0], { key: short.key, operator: 'Exists', effect: 'NoExecute' });
  });
});

describe('the pod for a node', () => {
  it('is placed there by the scheduler, and known by its template', () => {
    const made = newDaemonPod(set(), 'hash', 'n');
    assert.equal(made.spec?.nodeName, undefined);
    assert.equal(targetNode(made), 'n');
    assert.equal(made.metadata?.labels?.['controller-revision-hash'], 'hash');
    assert.equal(made.metadata?.generateName, 'd-');
    assert.equal(targetNode(pod('p', 'm')), 'm');
    assert.equal(targetNode({ spec: { containers: [] } }), undefined);
  });
});

describe('pods where they should be', () => {
  const evicting = node('b', [taint('x', 'NoExecute')]);
  const cases: [string, Stored<DaemonSet>, Stored<Node>[], Stored<Pod>[], string][] = [
    ['one on each node', set(), [node('a'), node('b')], [pod('p', 'a')], '+b'],
    ['none where it must not be', set(), [node('a'), evicting], [pod('p', 'a'), pod('q', 'b')], '-q'],
    [
      'the oldest of two',
      set(),
      [node('a')],
      [pod('p', 'a', 'ready', 'new', '2026-01-01T12:00:05Z'), pod('q', 'a')],
      '-p',
    ],
    ['none that has ended', set(), [node('a')], [pod('p', 'a', 'failed')], '-p'],
    ['waits for one that goes', set(), [node('a')], [pod('p', 'a', 'going')], ''],
    ['does not wait when surging', surging, [node('a')], [pod('p', 'a', 'going')], '+a'],
    [
      'surging: two templates side by side',
      surging,
      [node('a')],
      [pod('p', 'a', 'ready', 'old'), pod('q', 'a', 'unready')],
      '',
    ],
    [
      'surging: until the new one is available',
      surging,
      [node('a')],
      [pod('p', 'a', 'ready', 'old'), pod('q', 'a')],
      '-p',
    ],
    [
      'surging: or the old one is of no use',
      surging,
      [node('a')],
      [pod('p', 'a', 'unready', 'old'), pod('q', 'a', 'unready')],
      '-p',
    ],
  ];
  for (const [why, one, nodes, pods, expected] of cases) {
    it(why, () => assert.equal(text(planPresence(input(one, nodes, pods))), expected));
  }

  it('none that waits for a node that is gone', () => {
    const waiting = { ...pod('p', ''), spec: newDaemonPod(set(), 'new', 'gone').spec! };
    assert.equal(text(planPresence(input(set(), [node('a')], [pod('q', 'a'), waiting]))), '-p');
  });
});

describe('a rolling update', () => {
  const nodes = ['a', 'b', 'c'].map((name) => node(name));
  const old = (name: string, state: State = 'ready') => pod(`p${name}`, name, state, 'old');
  const fresh = (name: string, state: State = 'ready') => pod(`q${name}`, name, state);
  const cases: [string, Stored<DaemonSet>, Stored<Pod>[], string][] = [
    ['takes one at a time', set(), [old('a'), old('b'), old('c')], '-pa'],
    ['waits for the new one', set(), [fresh('a', 'unready'), old('b'), old('c')], ''],
    ['and for one that is missing', set(), [old('b'), old('c')], ''],
    ['goes on', set(), [fresh('a'), old('b'), old('c')], '-pb'],
    [
      'replaces at once what is of no use',
      set(),
      [old('a', 'unready'), old('b'), old('c', 'unready')],
      '-pa -pc',
    ],
    ['is done', set(), [fresh('a'), fresh('b'), fresh('c')], ''],
    ['surging: adds one at a time', surging, [old('a'), old('b'), old('c')], '+a'],
    ['surging: waits for it', surging, [old('a'), fresh('a', 'unready'), old('b'), old('c')], ''],
    ['surging: takes the old one, goes on', surging, [old('a'), fresh('a'), old('b'), old('c')], '+b -pa'],
    [
      'surging: replaces at once what is of no use',
      surging,
      [old('a', 'unready'), old('b', 'unready'), fresh('c')],
      '+a +b',
    ],
  ];
  for (const [why, one, pods, expected] of cases) {
    it(why, () => assert.equal(text(planUpdate(input(one, nodes, pods))), expected));
  }

  it('takes a share of the nodes', () => {
    const half = set({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '50%' } } });
    assert.equal(text(planUpdate(input(half, nodes, [old('a'), old('b'), old('c')]))), '-pa -pb');
  });
});

describe('the counts', () => {
  it('look at the oldest pod of each node', () => {
    const nodes = [node('a'), node('b'), node('c'), node('d', [taint('x', 'NoExecute')])];
    const pods = [pod('p', 'a'), pod('q', 'b', 'unready', 'old'), pod('r', 'd')];
    assert.deepEqual(computeCounts(input(set(), nodes, pods)), {
      currentNumberScheduled: 2,
      numberMisscheduled: 1,
      desiredNumberScheduled: 3,
      numberReady: 1,
      updatedNumberScheduled: 1,
      numberAvailable: 1,
      numberUnavailable: 2,
    });
  });
});

describe('revisions', () => {
  const revision = (name: string, number: number, data: object): Stored<ControllerRevision> => ({
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: { name, uid: name, labels: { 'controller-revision-hash': name }, ...stored },
    revision: number,
    data,
  });
  const current = revision('now', 1, templatePatch(set().spec?.template));
  const others = [3, 1, 2].map((number) => revision(`old${number}`, number, { number }));

  it('tell the current one from the old ones', () => {
    const history = historyOf(set(), [current, ...others]);
    assert.deepEqual(history.current, [current]);
    assert.equal(history.number, 4);
    assert.equal(newRevision(set(), 4).metadata.name, newRevision(set(), 5).metadata.name);
  });

  it('go beyond the limit, the lowest first, but for those in use', () => {
    const names = revisionsToDelete(set({ revisionHistoryLimit: 1 }), others, [
      pod('p', 'a', 'ready', 'old1'),
    ]);
    assert.deepEqual(
      names.map(({ metadata }) => metadata.name),
      ['old2', 'old3'],
    );
    assert.deepEqual(revisionsToDelete(set({ revisionHistoryLimit: 3 }), others, []), []);
  });
});
