import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import type { Host } from '../../host/index.ts';
import type { Pod, Stored } from '../../kube/index.ts';
import type { ContainerRecord } from '../runtime/index.ts';
import { LocalStorageEviction } from './index.ts';

const pod = (uid: string, sizeLimit?: string, phase = 'Running') =>
  ({
    metadata: { uid, name: uid, namespace: 'default' },
    spec: { containers: [], volumes: [{ name: 'tmp', emptyDir: { sizeLimit } }] },
    status: { phase },
  }) as unknown as Stored<Pod>;

async function start(test: TestContext) {
  const clock = new FakeClock();
  const controller = new AbortController();
  const pods: Stored<Pod>[] = [];
  const used = new Map<string, number>();
  const evicted: string[] = [];
  let changed = () => {};
  const running = new LocalStorageEviction({
    host: {} as Host,
    runtime: { containers: (): ContainerRecord[] => [] },
    clock,
    source: {
      pods: () => pods,
      onChange(callback) {
        changed = callback;
        return () => {
          changed = () => {};
        };
      },
    },
    volumes: (uid) => (used.has(uid) ? new Map([['tmp', { used: used.get(uid) }]]) : undefined),
    evict: (uid, why) => void evicted.push(`${uid}: ${why}`),
  }).run(controller.signal);
  test.after(async () => {
    controller.abort();
    await running;
    changed();
    assert.equal(clock.pending, 0);
  });
  const add = (...added: Stored<Pod>[]) => {
    pods.push(...added);
    changed();
  };
  return { clock, pods, used, evicted, add };
}

describe('the eviction of pods that fill the disk', () => {
  it('looks every ten seconds as long as some pod has a limit', async (test) => {
    const { clock, pods, used, evicted, add } = await start(test);
    assert.equal(clock.pending, 0, 'nobody here: it rests');
    add(pod('free'));
    assert.equal(clock.pending, 0);
    add(pod('a', '1Ki'), pod('b', '1Ki'));
    used.set('b', 1024).set('free', 1e9);
    await clock.advance(10_000);
    assert.deepEqual(evicted, []);
    used.set('b', 1025);
    await clock.advance(9_999);
    assert.deepEqual(evicted, []);
    await clock.advance(1);
    assert.deepEqual(evicted, ['b: Usage of EmptyDir volume "tmp" exceeds the limit "1Ki". ']);
    pods.length = 1;
    await clock.advance(20_000);
    assert.equal(evicted.length, 1);
    assert.equal(clock.pending, 0, 'it rests again');
  });

  it('leaves a pod alone that has ended', async (test) => {
    const { clock, used, evicted, add } = await start(test);
    add(pod('done', '1Ki', 'Succeeded'));
    used.set('done', 2000);
    await clock.advance(30_000);
    assert.deepEqual(evicted, []);
  });
});
