import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Lease, Node, NodeCondition, Stored, Taint } from '../../kube/index.ts';
import { unknownConditions } from './conditions.ts';
import { isSilent, type NodeHealth, observe } from './health.ts';
import { labelsToSet } from './labels.ts';
import { notReadyConditions } from './pods-not-ready.ts';
import { RateLimitedNames } from './rate-limited-names.ts';
import { changedTaints, NOT_READY, noExecuteChange, noScheduleChange, UNREACHABLE } from './taints.ts';
import { disruptionStep, evictionRate, type ZoneState, zoneOf, zoneState } from './zones.ts';

const CREATED = '2026-01-01T00:00:00Z';

function node(more: Omit<Partial<Node>, 'metadata'> = {}, labels?: Record<string, string>): Stored<Node> {
  const metadata = { name: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: CREATED, labels };
  return { apiVersion: 'v1', kind: 'Node', ...more, metadata };
}

function condition(type: string, status: string, heartbeat = CREATED): NodeCondition {
  return { type, status, lastHeartbeatTime: heartbeat, lastTransitionTime: CREATED };
}

const withReady = (status: string, heartbeat?: string) =>
  node({ status: { conditions: [condition('Ready', status, heartbeat)] } });

describe('the conditions of a silent node', () => {
  it('become Unknown, those that the control plane owns excepted; missing ones were never posted', () => {
    const network = condition('NetworkUnavailable', 'False');
    const given = node({ status: { conditions: [network, condition('Ready', 'True')] } });
    const silent = (type: string) => ({
      type,
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
      lastHeartbeatTime: CREATED,
      lastTransitionTime: 'now',
    });
    assert.deepEqual(unknownConditions(given, 'now'), [
      network,
      {
        type: 'Ready',
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
        lastHeartbeatTime: CREATED,
        lastTransitionTime: 'now',
      },
      silent('MemoryPressure'),
      silent('DiskPressure'),
      silent('PIDPressure'),
    ]);
  });

  it('keep the time since when they are Unknown', () => {
    const unknown = condition('Ready', 'Unknown');
    assert.equal(unknownConditions(node({ status: { conditions: [unknown] } }), 'now')[0], unknown);
  });
});

describe('signs of life', () => {
  const lease = (renewTime: string): Lease => ({ spec: { renewTime } });
  const at = { monotonicMs: 1000_000, epochMs: Date.parse(CREATED) + 30_000 };
  const known: NodeHealth = {
    ready: condition('Ready', 'True'),
    leaseRenewTime: '2026-01-01T00:00:10.000000Z',
    heardMs: 5,
  };
  const cases: [string, NodeHealth | undefined, Stored<Node>, Lease | undefined, number][] = [
    ['a new node that never posted: its creation', undefined, node(), undefined, 970_000],
    ['a new node with a status', undefined, withReady('True'), undefined, 1000_000],
    ['a new node with a lease only', undefined, node(), lease('2026-01-01T00:00:00Z'), 1000_000],
    ['its first status', { ...known, ready: undefined }, withReady('True'), undefined, 1000_000],
    ['the same heartbeat again', known, withReady('True'), undefined, 5],
    ['the same heartbeat, set to Unknown by us', known, withReady('Unknown'), undefined, 5],
    ['a new heartbeat', known, withReady('True', '2026-01-01T00:00:01Z'), undefined, 1000_000],
    ['a status that was removed', known, node(), undefined, 5],
    ['the same lease', known, withReady('True'), lease('2026-01-01T00:00:10Z'), 5],
    ['a renewed lease', known, withReady('True'), lease('2026-01-01T00:00:10.5Z'), 1000_000],
    ['an older lease', known, withReady('True'), lease('2026-01-01T00:00:09Z'), 5],
  ];
  for (const [why, health, one, held, heardMs] of cases) {
    it(why, () => assert.equal(observe(health, one, held, at).heardMs, heardMs));
  }

  it('are missed after the grace period, a longer one for who never spoke', () => {
    const grace = { startupMs: 60, monitorMs: 50 };
    assert.equal(isSilent({ ...known, heardMs: 0 }, grace, 50), false);
    assert.equal(isSilent({ ...known, heardMs: 0 }, grace, 51), true);
    assert.equal(isSilent({ ...known, ready: undefined, heardMs: 0 }, grace, 60), false);
    assert.equal(isSilent({ ...known, ready: undefined, heardMs: 0 }, grace, 61), true);
  });
});

describe('NoSchedule taints', () => {
  const taint = (key: string, effect = 'NoSchedule'): Taint => ({ key: `node.kubernetes.io/${key}`, effect });
  const cases: [string, NodeCondition[], string][] = [
    ['ready', [condition('Ready', 'True'), condition('MemoryPressure', 'False')], ''],
    ['not ready', [condition('Ready', 'False')], 'not-ready'],
    ['unreachable', [condition('Ready', 'Unknown'), condition('DiskPressure', 'Unknown')], 'unreachable'],
    ['no memory', [condition('MemoryPressure', 'True')], 'memory-pressure'],
    ['no disk', [condition('DiskPressure', 'True')], 'disk-pressure'],
    ['no pids', [condition('PIDPressure', 'True')], 'pid-pressure'],
    ['no network', [condition('NetworkUnavailable', 'True')], 'network-unavailable'],
    ['something else', [condition('Haunted', 'True')], ''],
  ];
  for (const [why, conditions, key] of cases) {
    it(`${why}: ${key || 'none'}`, () => {
      const { add, remove } = noScheduleChange(node({ status: { conditions } }));
      assert.deepEqual(add, key ? [taint(key)] : []);
      assert.deepEqual(remove, []);
    });
  }

  it('come and go with spec.unschedulable, and only those of this controller', () => {
    assert.deepEqual(noScheduleChange(node({ spec: { unschedulable: true } })).add, [taint('unschedulable')]);
    const mine = taint('unschedulable');
    const others = [
      taint('unschedulable', 'NoExecute'),
      { key: 'mine', effect: 'NoSchedule' },
      taint('out-of-service'),
    ];
    const change = noScheduleChange(node({ spec: { taints: [mine, ...others] } }));
    assert.deepEqual(change, { add: [], remove: [mine] });
    assert.deepEqual(changedTaints([mine, ...others], change, 'now'), others);
  });
});

describe('NoExecute taints', () => {
  it('say since when, and exclude each other', () => {
    const lost = changedTaints([NOT_READY], noExecuteChange('Unknown'), 'now');
    assert.deepEqual(lost, [{ ...UNREACHABLE, timeAdded: 'now' }]);
    assert.equal(changedTaints(lost, noExecuteChange('Unknown'), 'later'), undefined);
    assert.deepEqual(changedTaints(lost, noExecuteChange('False'), 'later'), [
      { ...NOT_READY, timeAdded: 'later' },
    ]);
    assert.deepEqual(changedTaints(lost, noExecuteChange('True'), 'later'), []);
  });
});

describe('zones', () => {
  it('are region and zone, by the beta labels first', () => {
    assert.equal(zoneOf(node()), '');
    const stable = { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r' };
    assert.equal(zoneOf(node({}, stable)), 'r:\0:z');
    assert.equal(zoneOf(node({}, { ...stable, 'failure-domain.beta.kubernetes.io/zone': 'b' })), 'r:\0:b');
  });

  const states: [ready: number, unready: number, state: ZoneState][] = [
    [0, 0, 'Normal'],
    [1, 0, 'Normal'],
    [0, 1, 'FullDisruption'],
    [1, 2, 'Normal'],
    [2, 3, 'PartialDisruption'],
    [9, 11, 'PartialDisruption'],
    [3, 3, 'Normal'],
    [0, 9, 'FullDisruption'],
  ];
  for (const [ready, unready, state] of states) {
    it(`${ready} ready and ${unready} not: ${state}`, () => {
      const conditions = [
        ...Array.from({ length: ready }, () => condition('Ready', 'True')),
        ...Array.from({ length: unready }, (_, i) => (i % 2 ? undefined : condition('Ready', 'Unknown'))),
      ];
      assert.equal(zoneState(conditions, 0.55), state);
    });
  }

  const rates = { normal: 0.1, secondary: 0.01, largeCluster: 50 };
  it('are evicted from more slowly when partially disrupted, small ones not at all', () => {
    assert.equal(evictionRate('Normal', 100, rates), 0.1);
    assert.equal(evictionRate('FullDisruption', 3, rates), 0.1);
    assert.equal(evictionRate('PartialDisruption', 51, rates), 0.01);
    assert.equal(evictionRate('PartialDisruption', 50, rates), 0);
  });

  const zones = (all: Record<string, ZoneState>) =>
    new Map(Object.entries(all).map(([zone, state]) => [zone, { state, size: 3 }]));
  const steps: [
    string,
    Record<string, ZoneState>,
    Record<string, ZoneState>,
    string,
    Record<string, number>,
  ][] = [
    ['nothing changed', { a: 'Normal' }, { a: 'Normal' }, 'none', {}],
    ['a new zone', {}, { a: 'Normal' }, 'none', { a: 0.1 }],
    [
      'one of two lost',
      { a: 'Normal', b: 'Normal' },
      { a: 'Normal', b: 'FullDisruption' },
      'none',
      { b: 0.1 },
    ],
    ['a small one in trouble', { a: 'Normal' }, { a: 'PartialDisruption' }, 'none', { a: 0 }],
    [
      'all lost',
      { a: 'Normal', b: 'FullDisruption' },
      { a: 'FullDisruption', b: 'FullDisruption' },
      'enter',
      { a: 0, b: 0 },
    ],
    ['the first node not ready', {}, { a: 'FullDisruption' }, 'enter', { a: 0 }],
    ['still all lost', { a: 'FullDisruption' }, { a: 'FullDisruption' }, 'none', {}],
    [
      'some back',
      { a: 'FullDisruption', b: 'FullDisruption' },
      { a: 'Normal', b: 'FullDisruption' },
      'leave',
      { a: 0.1, b: 0.1 },
    ],
    ['a zone gone', { a: 'Normal', b: 'Normal' }, { a: 'Normal' }, 'none', {}],
    ['the only healthy zone gone', { a: 'Normal', b: 'FullDisruption' }, { b: 'FullDisruption' }, 'none', {}],
    ['no nodes at all', {}, {}, 'none', {}],
  ];
  for (const [why, before, now, master, set] of steps) {
    it(`${why}: master disruption ${master}`, () => {
      const step = disruptionStep(new Map(Object.entries(before)), zones(now), rates);
      assert.equal(step.masterDisruption, master);
      assert.deepEqual(Object.fromEntries(step.rates), set);
      assert.deepEqual(Object.fromEntries(step.states), now);
    });
  }
});

describe('names with a rate', () => {
  it('go one at a time, in their order, none twice', () => {
    const names = new RateLimitedNames(0.1);
    for (const name of ['a', 'b', 'a', 'c']) names.add(name);
    assert.equal(names.take(0), 'a');
    names.remove('a');
    assert.equal(names.take(9_999), undefined);
    assert.equal(names.waitMs(4_000), 6_000);
    names.remove('b');
    assert.equal(names.take(10_000), 'c');
    names.remove('c');
    assert.equal(names.waitMs(20_000), undefined);
  });

  it('stop at rate 0, and begin with an empty bucket after it', () => {
    const names = new RateLimitedNames(0.1);
    names.add('a');
    names.setRate(0, 0);
    assert.equal(names.take(1e9), undefined);
    assert.equal(names.waitMs(1e9), undefined);
    names.setRate(0.1, 1e9);
    assert.equal(names.waitMs(1e9), 10_000);
    assert.equal(names.take(1e9 + 10_000), 'a');
  });
});

describe('labels and pods of nodes', () => {
  it('gives the beta labels the values of the stable ones', () => {
    assert.deepEqual(labelsToSet(node()), {});
    assert.deepEqual(labelsToSet(node({}, { 'kubernetes.io/os': 'linux' })), {
      'beta.kubernetes.io/os': 'linux',
    });
    const wrong = { 'kubernetes.io/arch': 'amd64', 'beta.kubernetes.io/arch': 'arm64' };
    assert.deepEqual(labelsToSet(node({}, wrong)), { 'beta.kubernetes.io/arch': 'amd64' });
  });

  it('turns a pod’s Ready condition to False, reason and message as they were', () => {
    const other = { type: 'Initialized', status: 'True' };
    const ready = { type: 'Ready', status: 'True', reason: 'r', lastTransitionTime: CREATED };
    assert.deepEqual(notReadyConditions({ status: { conditions: [other, ready] } }, 'now'), [
      other,
      { ...ready, status: 'False', lastTransitionTime: 'now' },
    ]);
    const unready = { ...ready, status: 'False' };
    assert.equal(notReadyConditions({ status: { conditions: [other, unready] } }, 'now'), undefined);
    assert.equal(notReadyConditions({}, 'now'), undefined);
  });
});
