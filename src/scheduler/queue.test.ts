import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, silentLogger } from '../base/index.ts';
import { ADD, event, interest, podUpdateEvents, UPDATE_POD_GATES_ELIMINATED } from './cluster-events.ts';
import { newNode, newPod, newPodInfo, type PodFixture } from './fixtures.ts';
import { podInfo } from './pod-info.ts';
import { SchedulingQueue } from './queue.ts';
import type { QueuedPod } from './queued-pod.ts';

const nodeAdded = (name = 'n') => event('Node', ADD, undefined, newNode(name));

function setUp() {
  const clock = new FakeClock();
  const queue = new SchedulingQueue({
    clock,
    log: silentLogger,
    gate: ({ pod }) => (pod.spec?.schedulingGates?.length ? 'Gates' : undefined),
    interests: new Map([
      ['NodeRule', [interest('Node', ADD, (_pod, _before, node) => node?.metadata.name !== 'useless')]],
      ['ClaimRule', [interest('PersistentVolumeClaim', ADD)]],
      [
        'Gates',
        [interest('Pod', UPDATE_POD_GATES_ELIMINATED, (pod, _b, after) => after?.metadata.uid === pod.uid)],
      ],
    ]),
  });
  const add = (name: string, fixture?: PodFixture) => queue.add(newPodInfo(name, fixture));
  const take = async () => (await queue.take())!;
  /** Takes the next pod and puts it back as refused, or as failed by an error. */
  const attempt = async (...rejectors: string[]): Promise<QueuedPod> => {
    const pod = await take();
    queue.putBack(pod, pod.info, new Set(rejectors));
    return pod;
  };
  return { clock, queue, add, take, attempt };
}

describe('SchedulingQueue', () => {
  it('hands out higher priorities first, then first come, first served', async () => {
    const { add, take } = setUp();
    add('a');
    add('b', { priority: 10 });
    add('c');
    add('d', { priority: 10 });
    const names: string[] = [];
    for (let i = 0; i < 4; i++) names.push((await take()).info.pod.metadata.name);
    assert.deepEqual(names, ['b', 'd', 'a', 'c']);
  });

  it('gives a pod to whoever waits for one', async () => {
    const { add, queue } = setUp();
    const next = queue.take();
    add('a');
    assert.equal((await next)?.info.key, 'default/a');
  });

  it('gives nothing once it is closed', async () => {
    const { add, queue, clock } = setUp();
    const next = queue.take();
    queue.close();
    add('a');
    assert.equal(await next, undefined);
    assert.equal(await queue.take(), undefined);
    assert.equal(clock.pending, 0);
  });

  it('holds a refused pod until a change that its rejector cares for may help it', async () => {
    const { add, attempt, take, queue } = setUp();
    add('a');
    await attempt('NodeRule');
    queue.move(event('PersistentVolumeClaim', ADD, undefined, undefined));
    queue.move(nodeAdded('useless'));
    assert.deepEqual(queue.sizes, { active: 0, backoff: 0, unschedulable: 1 });
    queue.move(nodeAdded());
    assert.deepEqual(queue.sizes, { active: 0, backoff: 1, unschedulable: 0 });
    // The scheduler has nothing better to do than to try it before its back-off ends.
    assert.equal((await take()).attempts, 2);
  });

  it('prefers active pods to those that still back off', async () => {
    const { add, attempt, take, queue, clock } = setUp();
    add('a');
    await attempt('NodeRule');
    queue.move(nodeAdded());
    add('b');
    assert.equal((await take()).info.key, 'default/b');
    add('c');
    await clock.advance(1_000);
    assert.equal((await take()).info.key, 'default/a', 'its back-off has ended, and it came first');
  });

  it('backs off 1 s, doubling to 10 s, after errors, and starts again after a refusal', async () => {
    const { add, attempt, queue, clock } = setUp();
    add('a');
    for (const seconds of [1, 2, 4, 8, 10, 10]) {
      await attempt();
      assert.deepEqual(queue.sizes, { active: 0, backoff: 1, unschedulable: 0 });
      await clock.advance(seconds * 1_000 - 1);
      assert.equal(queue.sizes.active, 0, `not before ${seconds} s`);
      await clock.advance(1);
      assert.equal(queue.sizes.active, 1, `after ${seconds} s`);
    }
    const pod = await attempt('NodeRule');
    assert.equal(pod.errors, 0);
  });

  it('never takes a pod that failed by an error before its time', async () => {
    const { add, attempt, queue, clock } = setUp();
    add('a');
    await attempt();
    const next = queue.take();
    await clock.advance(999);
    let got: QueuedPod | undefined;
    void next.then((pod) => {
      got = pod;
    });
    await clock.advance(0);
    assert.equal(got, undefined);
    await clock.advance(1);
    assert.equal((await next)?.info.key, 'default/a');
  });

  it('tries refused pods again after five minutes without an event', async () => {
    const { add, attempt, queue, clock } = setUp();
    add('a');
    await attempt('ClaimRule');
    await clock.advance(5 * 60_000);
    assert.equal(queue.sizes.unschedulable, 1);
    await clock.advance(30_000);
    assert.deepEqual(queue.sizes, { active: 1, backoff: 0, unschedulable: 0 });
  });

  it('keeps a gated pod out until its gates are gone, whatever else happens', async () => {
    const { queue, take, clock } = setUp();
    const gated = newPod('a', { schedulingGates: [{ name: 'g' }] });
    queue.add(podInfo(gated));
    queue.move(nodeAdded());
    await clock.advance(10 * 60_000);
    assert.deepEqual(queue.sizes, { active: 0, backoff: 0, unschedulable: 1 });
    const open = newPod('a');
    queue.update(podInfo(open), podUpdateEvents(gated, open));
    assert.equal((await take()).info.pod, open);
  });

  it('forgets a deleted pod wherever it is, and keeps the newest version of the others', async () => {
    const { add, attempt, queue, take } = setUp();
    add('refused');
    await attempt('NodeRule');
    add('failed');
    await attempt();
    add('active');
    for (const name of ['refused', 'failed', 'active']) queue.delete(`default/${name}`);
    assert.deepEqual(queue.sizes, { active: 0, backoff: 0, unschedulable: 0 });
    add('b');
    const newer = newPodInfo('b', { labels: { a: 'b' } });
    queue.update(newer, []);
    assert.equal((await take()).info, newer);
  });

  it('does not put back a pod that was added anew in the meantime', async () => {
    const { add, queue, take } = setUp();
    add('a');
    const old = await take();
    add('a');
    queue.putBack(old, old.info, new Set(['NodeRule']));
    assert.deepEqual(queue.sizes, { active: 1, backoff: 0, unschedulable: 0 });
  });
});
