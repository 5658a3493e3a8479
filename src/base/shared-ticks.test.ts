import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from './fake-clock.ts';
import { sharedTicks } from './shared-ticks.ts';

const setUp = () => {
  const beneath = new FakeClock();
  let timers = 0;
  const counted = {
    now: () => beneath.now(),
    monotonic: () => beneath.monotonic(),
    soon: (callback: () => void) => beneath.soon(callback),
    after: (...args: Parameters<FakeClock['after']>) => {
      timers++;
      return beneath.after(...args);
    },
  };
  return { beneath, clock: sharedTicks(counted, 250), timers: () => timers };
};

describe('sharedTicks', () => {
  it('lets timers go off at the next whole tick, never early, in the order in which they were set', async () => {
    const { beneath, clock, timers } = setUp();
    const fired: string[] = [];
    const begin = beneath.monotonic();
    const at = (name: string) => () => fired.push(`${name} ${beneath.monotonic() - begin}`);
    clock.after(10, at('a'));
    clock.after(249, at('b'));
    clock.after(251, at('c'));
    assert.equal(timers(), 2);
    await beneath.advance(600);
    const early = fired.filter((line) => Number(line.split(' ')[1]) < { a: 10, b: 249, c: 251 }[line[0]!]!);
    assert.deepEqual(early, []);
    assert.deepEqual(
      fired.map((line) => line[0]),
      ['a', 'b', 'c'],
    );
  });

  it('calls nothing that was cancelled, and leaves no timer when all of a tick were', async () => {
    const { beneath, clock, timers } = setUp();
    const fired: string[] = [];
    const first = clock.after(100, () => fired.push('first'));
    const second = clock.after(100, () => fired.push('second'));
    first.cancel();
    first.cancel();
    await beneath.advance(300);
    assert.deepEqual(fired, ['second']);
    second.cancel();
    const only = clock.after(100, () => fired.push('only'));
    only.cancel();
    clock.after(100, () => fired.push('again'));
    assert.equal(timers(), 3);
    await beneath.advance(300);
    assert.deepEqual(fired, ['second', 'again']);
  });
});
