import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coalesced } from './coalesced.ts';

/** Work that ends when the test says so. */
function stepwise() {
  const runs: PromiseWithResolvers<void>[] = [];
  const work = () => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  };
  return { runs, work };
}

describe('coalesced work', () => {
  it('serves all who call during a run with one more run, begun after it', async () => {
    const { runs, work } = stepwise();
    const call = coalesced(work);
    const first = call();
    const later = [call(), call(), call()];
    assert.equal(runs.length, 1);
    runs[0]!.resolve();
    await first;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(runs.length, 2);
    const last = call();
    runs[1]!.resolve();
    await Promise.all(later);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(runs.length, 3);
    runs[2]!.resolve();
    await last;
  });

  it('fails only those whose run failed', async () => {
    const { runs, work } = stepwise();
    const call = coalesced(work);
    const first = call();
    const second = call();
    runs[0]!.reject(new Error('the disk is gone'));
    await assert.rejects(first, /the disk is gone/);
    await new Promise((resolve) => setImmediate(resolve));
    runs[1]!.resolve();
    await second;
    const third = call();
    runs[2]!.resolve();
    await third;
  });
});
