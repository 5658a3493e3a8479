import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, seededRandom, silentLogger } from '../../base/index.ts';
import type { Pod, Stored } from '../../kube/index.ts';
import type { VolumeStats } from '../../volume/index.ts';
import { VolumeStatsCollector } from './index.ts';

const pod = (uid: string) =>
  ({
    metadata: { uid, name: uid, namespace: 'default' },
    spec: { containers: [], volumes: [{ name: 'data', emptyDir: {} }] },
  }) as unknown as Stored<Pod>;

async function start(test: TestContext, first: readonly string[]) {
  const clock = new FakeClock();
  const controller = new AbortController();
  const pods = new Set(first);
  const looks: string[] = [];
  const told: string[] = [];
  let stats: VolumeStats | Error = { used: 1 };
  const collector = new VolumeStatsCollector({
    clock,
    random: seededRandom(1),
    log: silentLogger,
    pods: () => [...pods].map(pod),
    recorder: {
      event: (object, type, reason, message) =>
        void told.push(`${(object as Stored<Pod>).metadata.name} ${type} ${reason} ${message}`),
    },
    async volumeStats(uid) {
      looks.push(uid);
      if (stats instanceof Error) throw stats;
      return new Map([['data', stats]]);
    },
  });
  const running = collector.run(controller.signal);
  test.after(async () => {
    controller.abort();
    await running;
    assert.equal(clock.pending, 0);
  });
  await clock.advance(0);
  const become = (next: VolumeStats | Error) => {
    stats = next;
  };
  return { clock, collector, pods, looks, told, become };
}

describe('the account of the volumes of a node', () => {
  it('is made at once, and again after one to two minutes', async (test) => {
    const { clock, collector, looks, become } = await start(test, ['a']);
    assert.deepEqual(looks, ['a']);
    assert.deepEqual(collector.latest('a'), { atMs: clock.now(), volumes: new Map([['data', { used: 1 }]]) });
    become({ used: 2 });
    await clock.advance(59_999);
    assert.deepEqual(looks, ['a']);
    await clock.advance(60_001);
    assert.deepEqual(looks, ['a', 'a']);
    assert.equal(collector.latest('a')?.volumes.get('data')?.used, 2);
  });

  it('knows pods that come, and forgets those that go', async (test) => {
    const { clock, collector, pods, looks } = await start(test, []);
    pods.add('b');
    await clock.advance(60_000);
    assert.deepEqual(looks, ['b']);
    pods.delete('b');
    await clock.advance(240_000);
    assert.deepEqual(looks, ['b']);
    assert.equal(collector.latest('b'), undefined);
    pods.add('b');
    await clock.advance(60_000);
    assert.deepEqual(looks, ['b', 'b']);
  });

  it('keeps what it knows when a look fails', async (test) => {
    const { clock, collector, looks, become } = await start(test, ['a']);
    become(new Error('the driver hangs'));
    await clock.advance(120_000);
    assert.ok(looks.length > 1);
    assert.equal(collector.latest('a')?.volumes.get('data')?.used, 1);
  });

  it('tells the pod of a volume that is not well, in upstream’s words', async (test) => {
    const { clock, told, become } = await start(test, ['a']);
    become({ condition: { abnormal: false, message: 'fine' } });
    await clock.advance(120_000);
    assert.deepEqual(told, []);
    become({ condition: { abnormal: true, message: 'a disk is gone' } });
    await clock.advance(120_000);
    assert.equal(told[0], 'a Warning VolumeConditionAbnormal Volume data: a disk is gone');
  });
});
