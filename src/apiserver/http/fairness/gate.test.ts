import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type StatusError, statusFailure } from '../../../kube/index.ts';
import type { UserInfo } from '../../registry/contract.ts';
import { parseTarget } from '../request-target.ts';
import type { Seat } from './fair-queue.ts';
import { Gate } from './gate.ts';
import { flowOf, LEVELS, type PriorityLevel, seatsOf } from './levels.ts';

const user = (name: string, ...groups: string[]): UserInfo => ({
  name,
  groups: [...groups, 'system:authenticated'],
});
const PODS = '/api/v1/namespaces/ns/pods';
const LEASE = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/x';
const account = user('system:serviceaccount:ns:sa', 'system:serviceaccounts', 'system:serviceaccounts:ns');
const inKubeSystem = user(
  'system:serviceaccount:kube-system:sa',
  'system:serviceaccounts',
  'system:serviceaccounts:kube-system',
);

const CASES: readonly [what: string, user: UserInfo, path: string, level: PriorityLevel, key: string][] = [
  ['an administrator', user('admin', 'system:masters'), PODS, LEVELS.exempt, 'admin'],
  ['a probe of anybody', user('x'), '/readyz', LEVELS.exempt, 'x'],
  [
    'a node on itself',
    user('system:node:a', 'system:nodes'),
    '/api/v1/nodes/a/status',
    LEVELS.nodeHigh,
    'system:node:a',
  ],
  ['a node on pods', user('system:node:a', 'system:nodes'), PODS, LEVELS.system, 'system:node:a'],
  ['a leader election', user('system:kube-scheduler'), LEASE, LEVELS.leaderElection, 'system:kube-scheduler'],
  ['the scheduler', user('system:kube-scheduler'), PODS, LEVELS.workloadHigh, 'system:kube-scheduler'],
  ['an account of kube-system', inKubeSystem, PODS, LEVELS.workloadHigh, 'ns'],
  ['any other account', account, PODS, LEVELS.workloadLow, 'system:serviceaccount:ns:sa'],
  ['a person', user('jane'), PODS, LEVELS.globalDefault, 'jane'],
  ['nobody known', { name: 'x', groups: [] }, PODS, LEVELS.catchAll, 'x'],
];

describe('the level of a request', () => {
  for (const [what, who, path, level, key] of CASES) {
    it(`${what}: ${level.name}`, () =>
      assert.deepEqual(flowOf(who, parseTarget('GET', path, false)), { level, key }));
  }

  it('has its share of 600 seats', () => {
    assert.deepEqual(
      Object.values<PriorityLevel>(LEVELS).map((level) => seatsOf(level)),
      [undefined, 74, 98, 25, 98, 245, 49, 13],
    );
  });
});

describe('the gate', () => {
  const list = parseTarget('GET', PODS, false);
  const refused = (error: StatusError) => {
    assert.deepEqual(
      error.status,
      statusFailure(429, 'TooManyRequests', 'Too many requests, please try again later.', {
        retryAfterSeconds: 1,
      }).status,
    );
    return true;
  };

  it('refuses a client that has too many requests under way, and nobody else', () => {
    const gate = new Gate();
    const jane = user('jane');
    const most = Math.ceil(49 / 2) + 50;
    for (let asked = 0; asked < most; asked++) void gate.enter(jane, list);
    assert.throws(() => gate.enter(jane, list), refused);
    assert.ok('release' in gate.enter(user('john'), list));
    assert.ok('release' in gate.enter(account, list));
  });

  it('never refuses an administrator', () => {
    const gate = new Gate();
    for (let asked = 0; asked < 10_000; asked++) void gate.enter(user('admin', 'system:masters'), list);
  });

  it('counts watches apart, and lets one in for each that ends', () => {
    const gate = new Gate();
    const jane = user('jane');
    const watch = parseTarget('GET', PODS, true);
    const seats: Seat[] = [];
    for (let asked = 0; asked < 5_000; asked++) seats.push(gate.enter(jane, watch) as Seat);
    assert.throws(() => gate.enter(jane, watch), refused);
    assert.ok('release' in gate.enter(jane, list), 'they take no seat of requests');
    seats[0]!.release();
    void gate.enter(jane, watch);
  });
});
