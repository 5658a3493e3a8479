import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { turn } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { LivePods } from './live-pods.ts';

describe('LivePods', () => {
  it('answers with a list that began after the question, shared by all who asked meanwhile', async () => {
    const lists: PromiseWithResolvers<unknown>[] = [];
    const list = () => {
      const pending = Promise.withResolvers<unknown>();
      lists.push(pending);
      return pending.promise;
    };
    const live = new LivePods({ list } as unknown as Client);
    const answer = (index: number, name: string) =>
      lists[index]!.resolve({ items: [{ metadata: { name } }] });

    const first = live.list('ns');
    const second = live.list('ns');
    const third = live.list('ns');
    assert.equal(lists.length, 1);
    answer(0, 'before');
    assert.equal((await first)[0]?.metadata?.name, 'before');
    await turn();
    assert.equal(lists.length, 2);
    const fourth = live.list('ns');
    answer(1, 'after');
    assert.equal((await second)[0]?.metadata?.name, 'after');
    assert.equal(await second, await third);
    await turn();
    answer(2, 'last');
    assert.equal((await fourth)[0]?.metadata?.name, 'last');
    await turn();
    void live.list('ns');
    assert.equal(lists.length, 4);
  });

  it('lists again after a failure', async () => {
    let calls = 0;
    const list = async () => {
      if (calls++ === 0) throw new Error('no');
      return { items: [] };
    };
    const live = new LivePods({ list } as unknown as Client);
    const [first, second] = await Promise.allSettled([live.list('ns'), live.list('ns')]);
    assert.equal(first.status, 'rejected');
    assert.equal(second.status, 'fulfilled');
  });
});
