import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { turn } from '../../../base/index.ts';
import { FairQueue, type Seat } from './fair-queue.ts';

const isSeat = (taken: Seat | Promise<Seat> | undefined): taken is Seat =>
  taken !== undefined && 'release' in taken;

describe('fair queueing', () => {
  it('gives a seat at once while there are free ones', () => {
    const queue = new FairQueue({ seats: 4, queueLength: 1 });
    assert.ok(isSeat(queue.take('a')));
    assert.ok(isSeat(queue.take('a')));
    assert.ok(isSeat(queue.take('b')));
  });

  it('leaves half of the seats to others, whatever one flow holds on to', () => {
    const queue = new FairQueue({ seats: 4, queueLength: 5 });
    for (let asked = 0; asked < 2; asked++) assert.ok(isSeat(queue.take('a')));
    assert.ok(queue.take('a') instanceof Promise);
    assert.ok(isSeat(queue.take('b')));
  });

  it('refuses what would wait behind a full line, of that flow alone', () => {
    const queue = new FairQueue({ seats: 2, queueLength: 2 });
    for (let asked = 0; asked < 3; asked++) assert.notEqual(queue.take('a'), undefined);
    assert.equal(queue.take('a'), undefined);
    assert.ok(isSeat(queue.take('b')));
  });

  it('knows nothing of flows that are gone', () => {
    const queue = new FairQueue({ seats: 1, queueLength: 0 });
    const seat = queue.take('a') as Seat;
    assert.equal(queue.take('b'), undefined);
    seat.release();
    seat.release();
    assert.deepEqual([queue.flows, queue.serving], [0, 0]);
  });

  for (const seats of [2, 4, 5])
    it(`serves a quiet flow after at most one round, under a flood of others: ${seats} seats`, async () => {
      const queue = new FairQueue({ seats, queueLength: 1_000 });
      const served: string[] = [];
      const held: Seat[] = [];
      const ask = async (key: string) => {
        const seat = await queue.take(key)!;
        served.push(key);
        held.push(seat);
      };
      for (let asked = 0; asked < 500; asked++) for (const key of ['x', 'y', 'z']) void ask(key);
      await turn();
      const waits: number[] = [];
      for (let round = 0; round < 50; round++) {
        const before = served.length;
        void ask('quiet');
        while (served.indexOf('quiet', before) < 0) {
          held.shift()!.release();
          await turn();
        }
        waits.push(served.indexOf('quiet', before) - before);
      }
      // All of the fifty, so the 99th percentile too: three other flows, each once.
      assert.ok(Math.max(...waits) <= 3, `others before a quiet one: ${waits.join(' ')}`);
    });

  it('never has more served than there are seats, loses nobody and is empty at the end', async () => {
    const flows = fc.constantFrom('a', 'b', 'c', 'd');
    const script = fc.array(fc.oneof(flows, fc.constant(undefined)), { maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(
        script,
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 0, max: 5 }),
        async (steps, seats, queueLength) => {
          const queue = new FairQueue({ seats, queueLength });
          const held: Seat[] = [];
          let admitted = 0;
          let served = 0;
          const seated = (seat: Seat) => {
            served++;
            held.push(seat);
          };
          for (const key of steps) {
            if (key === undefined) {
              held.shift()?.release();
            } else {
              const taken = queue.take(key);
              if (taken === undefined) continue;
              admitted++;
              if (isSeat(taken)) seated(taken);
              else void taken.then(seated);
            }
            await Promise.resolve();
            assert.ok(queue.serving <= seats);
          }
          await turn();
          while (held.length > 0) {
            held.shift()!.release();
            await turn();
          }
          assert.equal(served, admitted);
          assert.deepEqual([queue.serving, queue.flows], [0, 0]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
