import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../base/index.ts';
import { pods } from '../kube/index.ts';
import type { Client } from './client.ts';
import { limitRate } from './rate-limit.ts';

describe('a client with a limit', () => {
  const counting = () => {
    const sent: string[] = [];
    const client = {
      get: async (_resource: unknown, { name }: { name: string }) => void sent.push(name),
      async *watch() {
        sent.push('watch');
        yield undefined;
      },
    } as unknown as Client;
    return { sent, client };
  };

  it('lets a burst through, then so many a second, and what rested adds up to the burst again', async () => {
    const { sent, client } = counting();
    const clock = new FakeClock();
    const limited = limitRate(client, { qps: 5, burst: 3 }, clock);
    for (let index = 0; index < 7; index++) void limited.get(pods, { name: `${index}` });
    await clock.advance(0);
    assert.equal(sent.length, 3);
    await clock.advance(200);
    assert.equal(sent.length, 4);
    await clock.advance(600);
    assert.deepEqual(sent, ['0', '1', '2', '3', '4', '5', '6']);
    await clock.advance(10_000);
    for (let index = 0; index < 5; index++) void limited.get(pods, { name: 'again' });
    await clock.advance(0);
    assert.equal(sent.filter((name) => name === 'again').length, 3);
    await clock.advance(1_000);
  });

  it('a request that is given up is not sent, and watches wait too', async () => {
    const { sent, client } = counting();
    const clock = new FakeClock();
    const limited = limitRate(client, { qps: 1, burst: 1 }, clock);
    await limited.get(pods, { name: 'first' });
    const stop = new AbortController();
    const waiting = limited.get(pods, { name: 'second' }, { signal: stop.signal });
    stop.abort(new Error('enough'));
    await assert.rejects(waiting, /enough/);
    const watch = limited.watch(pods)[Symbol.asyncIterator]().next();
    await clock.advance(1_000);
    assert.deepEqual(sent, ['first']);
    await clock.advance(1_000);
    await watch;
    assert.deepEqual(sent, ['first', 'watch']);
  });
});
