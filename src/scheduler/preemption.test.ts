import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../base/index.ts';
import { waitUntil } from '../client/index.ts';
import {
  csiNodes,
  nodes,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  pods,
  type Stored,
} from '../kube/index.ts';
import { newClaim, type PodFixture, stored } from './fixtures.ts';
import { type Stack, startScheduler } from './test-support.ts';

const full: PodFixture = { requests: { cpu: '4' }, terminationGracePeriodSeconds: 0 };
const find = (stack: Stack, name: string): Stored<Pod> | undefined =>
  stack.informers.of(pods).get(name, 'default');
const gone = (stack: Stack, name: string) => stack.until(`${name} is gone`, () => !find(stack, name));

describe('preemption on a real registry', () => {
  it('evicts the pod of lower priority, marks it, tells of it and gives its place to the preemptor', async (test) => {
    const stack = await startScheduler(test);
    await stack.node('n1');
    await stack.pod('low', { ...full, priority: 1, terminationGracePeriodSeconds: 60 });
    await stack.placed('low');
    await stack.pod('high', { ...full, priority: 10 });
    const high = await stack.until('the node is promised', () => {
      const pod = find(stack, 'high');
      return pod?.status?.nominatedNodeName ? pod : undefined;
    });
    assert.equal(high.status?.nominatedNodeName, 'n1');
    assert.equal(await stack.refused('high'), '0/1 nodes are available: 1 Insufficient cpu.');
    const low = await stack.until('the victim is leaving', () => {
      const pod = find(stack, 'low');
      return pod?.metadata.deletionTimestamp ? pod : undefined;
    });
    const mark = low.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
    assert.equal(mark?.status, 'True');
    assert.equal(mark?.reason, 'PreemptionByScheduler');
    assert.equal(mark?.message, 'default-scheduler: preempting to accommodate a higher priority pod');
    assert.deepEqual(await stack.messages('Preempted'), [`Preempted by pod ${high.metadata.uid} on node n1`]);
    assert.equal(find(stack, 'high')?.spec?.nodeName, undefined);
    await stack.client.delete(pods, { namespace: 'default', name: 'low' }, { gracePeriodSeconds: 0 });
    assert.equal(await stack.placed('high'), 'n1');
  });

  it('gives the place that was kept for a pod to others when that pod is deleted', async (test) => {
    const stack = await startScheduler(test);
    await stack.node('n1');
    await stack.pod('promised', { ...full, priority: 10, nodeSelector: { not: 'there' } });
    await stack.refused('promised');
    const name = { namespace: 'default', name: 'promised' };
    const body = { status: { nominatedNodeName: 'n1' } };
    await stack.client.patch(pods, name, { type: 'merge', body }, { subresource: 'status' });
    await stack.until('the promise is known', () => find(stack, 'promised')?.status?.nominatedNodeName);
    await stack.pod('next', { ...full, priority: 1 });
    assert.match(await stack.refused('next'), /1 Insufficient cpu/);
    await stack.client.delete(pods, name, { gracePeriodSeconds: 0 });
    assert.equal(await stack.placed('next'), 'n1');
  });

  it('waits for a victim that takes its time instead of evicting more, and says so', async (test) => {
    const stack = await startScheduler(test);
    await stack.node('n1', { allocatable: { cpu: '2' } });
    const one: PodFixture = { requests: { cpu: '1' }, priority: 1, terminationGracePeriodSeconds: 60 };
    for (const name of ['a', 'b']) {
      await stack.pod(name, one);
      await stack.placed(name);
    }
    await stack.pod('high', { requests: { cpu: '1' }, priority: 10 });
    await stack.until('one is leaving', () =>
      ['a', 'b'].some((name) => find(stack, name)?.metadata.deletionTimestamp),
    );
    // A change that makes it worth a try again.
    await stack.client.patch(
      nodes,
      { name: 'n1' },
      { type: 'merge', body: { status: { allocatable: { cpu: '2500m' } } } },
      { subresource: 'status' },
    );
    const message =
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to a terminating pod on the nominated node.';
    await stack.until('it is said', () =>
      find(stack, 'high')?.status?.conditions?.some((condition) => condition.message === message),
    );
    const staying = ['a', 'b'].filter((name) => !find(stack, name)?.metadata.deletionTimestamp);
    assert.equal(staying.length, 1);
  });

  const refusals: readonly [string, PodFixture, string][] = [
    [
      'of the same priority',
      { ...full, priority: 1 },
      'no new claims to deallocate, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.',
    ],
    [
      'that may not preempt',
      { ...full, priority: 10, preemptionPolicy: 'Never' },
      'no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.',
    ],
  ];
  for (const [what, fixture, tail] of refusals) {
    it(`evicts nobody for a pod ${what}`, async (test) => {
      const stack = await startScheduler(test);
      await stack.node('n1');
      await stack.pod('low', { ...full, priority: 1 });
      await stack.placed('low');
      await stack.node('n2', { unschedulable: true });
      await stack.pod('next', fixture);
      assert.equal(
        await stack.refused('next'),
        `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. ${tail}`,
      );
      assert.equal(find(stack, 'low')?.metadata.deletionTimestamp, undefined);
    });
  }

  it('spares the pod that a disruption budget protects where another will do', async (test) => {
    const stack = await startScheduler(test);
    await stack.node('n1');
    await stack.pod('guarded', { ...full, priority: 1, labels: { app: 'db' } });
    await stack.placed('guarded');
    await stack.node('n2');
    await stack.pod('plain', { ...full, priority: 5 });
    await stack.placed('plain');
    const budget = stored<object>(
      'PodDisruptionBudget',
      'db',
      { spec: { minAvailable: 1, selector: { matchLabels: { app: 'db' } } } },
      'default',
    );
    await stack.create(podDisruptionBudgets, budget as never);
    await stack.until('the budget is known', () =>
      stack.informers.of(podDisruptionBudgets).get('db', 'default'),
    );
    await stack.pod('high', { ...full, priority: 10 });
    await gone(stack, 'plain');
    assert.equal(await stack.placed('high'), 'n2');
    assert.ok(find(stack, 'guarded'));
  });

  it('hands a ReadWriteOncePod claim over to a pod of higher priority', async (test) => {
    const stack = await startScheduler(test);
    await stack.node('n1');
    await stack.volume('disk', { accessModes: ['ReadWriteOncePod'], driver: 'disk.example.com' });
    const claim = newClaim('data', { accessModes: ['ReadWriteOncePod'], boundTo: 'disk', className: '' });
    await stack.create(persistentVolumeClaims, claim);
    await stack.until('the claim is known', () =>
      stack.informers.of(persistentVolumeClaims).get('data', 'default'),
    );
    await stack.pod('low', { claims: ['data'], priority: 1, terminationGracePeriodSeconds: 0 });
    await stack.placed('low');
    await stack.pod('equal', { claims: ['data'], priority: 1 });
    assert.equal(
      await stack.refused('equal'),
      '0/1 nodes are available: 1 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod. ' +
        'no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    );
    await stack.pod('high', { claims: ['data'], priority: 10 });
    await gone(stack, 'low');
    assert.equal(await stack.placed('high'), 'n1');
  });

  // TestReadWriteOncePodPreemption of upstream's integration tests, under its names.
  const shared = { terminationGracePeriodSeconds: 0, priority: 1 };
  const takeovers: readonly (readonly [name: string, victims: readonly string[][], wanted: string[]])[] = [
    ['preempt single pod', [['one']], ['one']],
    ['preempt two pods', [['one'], ['two']], ['one', 'two']],
    ['preempt single pod with two volumes', [['one', 'two']], ['one', 'two']],
  ];
  for (const [name, victims, wanted] of takeovers) {
    it(name, async (test) => {
      const stack = await startScheduler(test);
      await stack.node('n1');
      const accessModes = ['ReadWriteOncePod'];
      for (const claim of wanted) {
        await stack.volume(`pv-${claim}`, { accessModes, driver: 'disk.example.com' });
        await stack.create(
          persistentVolumeClaims,
          newClaim(claim, { accessModes, boundTo: `pv-${claim}`, className: '' }),
        );
      }
      for (const [index, claims] of victims.entries()) {
        await stack.pod(`victim-${index}`, { ...shared, claims });
        await stack.placed(`victim-${index}`);
      }
      await stack.pod('preemptor', { claims: wanted, priority: 10 });
      for (const index of victims.keys()) await gone(stack, `victim-${index}`);
      assert.equal(await stack.placed('preemptor'), 'n1');
    });
  }

  it('makes room for a volume on a node that can have no more', async (test) => {
    const stack = await startScheduler(test);
    const driver = 'disk.example.com';
    await stack.node('n1');
    await stack.client.create(csiNodes, {
      metadata: { name: 'n1' },
      spec: { drivers: [{ name: driver, nodeID: 'n1', allocatable: { count: 1 } }] },
    });
    for (const claim of ['one', 'two']) {
      await stack.volume(`pv-${claim}`, { driver });
      await stack.create(persistentVolumeClaims, newClaim(claim, { boundTo: `pv-${claim}`, className: '' }));
    }
    const { informers } = stack;
    await stack.until('claims and volumes are known', () => {
      const known = [informers.of(persistentVolumeClaims), informers.of(persistentVolumes)];
      return known.every(({ size }) => size === 2);
    });
    await waitUntil([informers.of(csiNodes) as never], () => informers.of(csiNodes).get('n1'), {
      clock: systemClock,
      limitMs: 60_000,
      what: 'the limit to be known',
    });
    await stack.pod('low', { ...shared, claims: ['one'] });
    await stack.placed('low');
    await stack.pod('equal', { claims: ['two'], priority: 1 });
    assert.match(await stack.refused('equal'), /1 node\(s\) exceed max volume count/);
    await stack.pod('high', { claims: ['two'], priority: 10 });
    await gone(stack, 'low');
    assert.equal(await stack.placed('high'), 'n1');
  });

  it('keeps the place that it made from pods that come later', async (test) => {
    const stack = await startScheduler(test);
    await stack.node('n1');
    await stack.pod('low', { ...full, priority: 1, terminationGracePeriodSeconds: 60 });
    await stack.placed('low');
    await stack.pod('high', { ...full, priority: 10 });
    await stack.until('the node is promised', () => find(stack, 'high')?.status?.nominatedNodeName);
    await stack.pod('thief', { ...full, priority: 5 });
    await stack.refused('thief');
    await stack.client.delete(pods, { namespace: 'default', name: 'low' }, { gracePeriodSeconds: 0 });
    assert.equal(await stack.placed('high'), 'n1');
    assert.equal(find(stack, 'thief')?.spec?.nodeName, undefined);
  });
});
