import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FakeClock } from '../base/index.ts';
import { WorkQueue } from './workqueue.ts';

const queueOn = (clock = new FakeClock()) => ({
  clock,
  queue: new WorkQueue(clock, { initialMs: 10, maxMs: 1000 }),
});

describe('work queue', () => {
  it('hands a key out once however often it was added', async () => {
    const { queue } = queueOn();
    queue.add('a');
    queue.add('a');
    assert.equal(queue.length, 1);
    assert.equal(await queue.take(), 'a');
    queue.done('a');
    assert.equal(queue.length, 0);
  });

  it('holds back a key that is being worked on until it is done', async () => {
    const { queue } = queueOn();
    queue.add('a');
    await queue.take();
    queue.add('a');
    assert.equal(queue.length, 0);
    queue.done('a');
    assert.equal(await queue.take(), 'a');
  });

  it('the earliest of several delays counts', async () => {
    const { clock, queue } = queueOn();
    queue.addAfter('a', 100);
    queue.addAfter('a', 50);
    queue.addAfter('a', 200);
    await clock.advance(50);
    assert.equal(queue.length, 1);
    assert.equal(clock.pending, 0);
  });

  it('doubles the back-off with each failure and starts anew when forgotten', async () => {
    const { clock, queue } = queueOn();
    const delays: number[] = [];
    for (let i = 0; i < 9; i++) {
      const before = clock.now();
      queue.addRateLimited('a');
      while (queue.length === 0) await clock.advance(1);
      delays.push(clock.now() - before);
      await queue.take();
      queue.done('a');
    }
    assert.deepEqual(delays, [10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
    queue.forget('a');
    assert.equal(queue.failures('a'), 0);
  });

  it('gives waiting takers undefined once closed', async () => {
    const { queue } = queueOn();
    const taken = queue.take();
    queue.close();
    assert.equal(await taken, undefined);
    assert.equal(await queue.take(), undefined);
  });

  it('never gives one key to two workers, and loses no addition', async () => {
    const steps = fc.array(fc.tuple(fc.constantFrom('add', 'take', 'done'), fc.constantFrom('a', 'b', 'c')));
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const { queue } = queueOn();
        const held = new Set<string>();
        const wanted = new Set<string>();
        for (const [step, key] of script) {
          if (step === 'add') {
            queue.add(key);
            wanted.add(key);
          } else if (step === 'take' && queue.length > 0) {
            const taken = await queue.take();
            assert.ok(taken && !held.has(taken));
            held.add(taken);
            wanted.delete(taken);
          } else if (step === 'done' && held.delete(key)) queue.done(key);
        }
        for (const key of held) queue.done(key);
        assert.equal(queue.length, wanted.size);
      }),
    );
  });
});
