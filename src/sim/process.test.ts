import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../base/index.ts';
import { Dice } from './dice.ts';
import { type Fate, SimProcess } from './process.ts';

const LONG_MS = 1_000;

/** Runs a program of many turns that writes a line at the machine after each, until nothing moves any more. */
async function run(fate: Partial<Fate>): Promise<{ lines: number; process: SimProcess }> {
  const clock = new VirtualClock();
  const process: SimProcess = new SimProcess('p', clock, new Dice(1), {
    crashes: () => false,
    killedAfter: () => undefined,
    kill: () => process.kill(),
    ...fate,
  });
  let lines = 0;
  void (async () => {
    for (let at = 0; at < 10; at++) {
      await process.cross(1, () => undefined);
      for (let turn = 0; turn < 5; turn++) await undefined;
      await process.reach(async () => lines++);
    }
  })();
  await clock.run({ until: () => false, deadlineMs: clock.monotonic() + LONG_MS });
  return { lines, process };
}

describe('a simulated process that stands still', () => {
  it('does nothing, although what it has sent is done; goes on with all that has come, in order', async () => {
    const clock = new VirtualClock();
    const process = new SimProcess('p', clock, new Dice(1), {
      crashes: () => false,
      killedAfter: () => undefined,
      kill: () => undefined,
    });
    const seen: string[] = [];
    const until = (ms: number) => clock.run({ until: () => false, deadlineMs: clock.monotonic() + ms });
    process.clock.after(20, () => seen.push('timer'));
    void process.cross(10, () => seen.push('sent')).then(() => seen.push('answered'));
    process.freeze();
    void process.awake().then(() => seen.push('awake'));
    await until(LONG_MS);
    assert.deepEqual(seen, ['sent']);
    process.thaw();
    await until(LONG_MS);
    assert.deepEqual(seen, ['sent', 'awake', 'answered', 'timer']);
  });

  it('can be killed while it does', async () => {
    const clock = new VirtualClock();
    const fate = { crashes: () => false, killedAfter: () => undefined, kill: () => undefined };
    const process = new SimProcess('p', clock, new Dice(1), fate);
    let woken = false;
    process.clock.after(10, () => {
      woken = true;
    });
    process.freeze();
    await clock.run({ until: () => false, deadlineMs: clock.monotonic() + LONG_MS });
    process.kill();
    process.thaw();
    await clock.run({ until: () => false, deadlineMs: clock.monotonic() + LONG_MS });
    assert.equal(woken, false);
  });
});

describe('a simulated process', () => {
  it('does its work when nothing befalls it', async () => {
    const { lines, process } = await run({});
    assert.deepEqual([lines, process.alive], [10, true]);
  });

  it('reaches nothing any more once it has died at a boundary', async () => {
    let crossings = 0;
    const { lines } = await run({ crashes: () => ++crossings > 7 });
    // Each line takes two: the seventh crossing is that of the fourth line.
    assert.equal(lines, 3);
  });

  for (const turns of [0, 1, 3, 5]) {
    it(`reaches nothing any more once it is killed, ${turns} turns after something has come to it`, async () => {
      let arrivals = 0;
      const { lines, process } = await run({ killedAfter: () => (++arrivals === 3 ? turns : undefined) });
      assert.deepEqual([lines, process.alive], [2, false]);
    });
  }
});
