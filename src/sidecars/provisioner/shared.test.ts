import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shared } from './shared.ts';

describe('work that is shared', () => {
  it('is never an answer from before the question, and one run serves all who wait', async () => {
    const runs: PromiseWithResolvers<number>[] = [];
    const ask = shared(() => {
      const run = Promise.withResolvers<number>();
      runs.push(run);
      return run.promise;
    });
    const first = ask();
    const later = [ask(), ask(), ask()];
    assert.equal(runs.length, 1);
    runs[0]!.resolve(1);
    assert.equal(await first, 1);
    await Promise.resolve();
    assert.equal(runs.length, 2);
    runs[1]!.resolve(2);
    assert.deepEqual(await Promise.all(later), [2, 2, 2]);
    const again = ask();
    assert.equal(runs.length, 3);
    runs[2]!.resolve(3);
    assert.equal(await again, 3);
  });

  it('goes on after a failure', async () => {
    let runs = 0;
    const ask = shared(async () => {
      if (++runs === 1) throw new Error('away');
      return runs;
    });
    const [first, second] = [ask(), ask()];
    await assert.rejects(first, /away/);
    assert.equal(await second, 2);
  });
});
