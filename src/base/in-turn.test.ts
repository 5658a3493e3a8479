import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InTurn } from './in-turn.ts';

describe('work in turn', () => {
  it('on one key goes one after the other, also after a failure; on another beside it', async () => {
    const turns = new InTurn();
    const said: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = turns.run('a', async () => {
      said.push('first begins');
      await gate.promise;
      said.push('first ends');
      throw new Error('no');
    });
    const second = turns.run('a', async () => {
      said.push('second');
      return 2;
    });
    assert.equal(await turns.run('b', async () => said.push('other')), 2);
    assert.equal(turns.isBusy('a'), true);
    gate.resolve();
    await assert.rejects(first, /no/);
    assert.equal(await second, 2);
    assert.deepEqual(said, ['first begins', 'other', 'first ends', 'second']);
    assert.equal(turns.isBusy('a'), false);
  });
});
