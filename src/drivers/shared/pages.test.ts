import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, CsiStatus } from '../../csi/index.ts';
import { pageOf } from './pages.ts';

const ids = ['c', 'a', 'd', 'b'];

describe('pageOf', () => {
  it('is everything, in order, without a limit', () =>
    assert.deepEqual(pageOf(ids, { maxEntries: 0, startingToken: '' }), {
      ids: ['a', 'b', 'c', 'd'],
      nextToken: '',
    }));
  it('goes on behind the page before', () => {
    const first = pageOf(ids, { maxEntries: 2, startingToken: '' });
    assert.deepEqual(first.ids, ['a', 'b']);
    const second = pageOf(ids, { maxEntries: 2, startingToken: first.nextToken });
    assert.deepEqual(second, { ids: ['c', 'd'], nextToken: '' });
  });
  it('goes on although the last volume of the page before is gone and another has come', () => {
    const { nextToken } = pageOf(ids, { maxEntries: 2, startingToken: '' });
    assert.deepEqual(pageOf(['a', 'bb', 'd'], { maxEntries: 0, startingToken: nextToken }).ids, ['bb', 'd']);
  });
  for (const startingToken of ['invalid-token', 'after:', 'after:../x', '5']) {
    it(`ABORTED for the token ${startingToken}`, () =>
      assert.throws(
        () => pageOf(ids, { maxEntries: 0, startingToken }),
        (error) => error instanceof CsiStatus && error.code === Code.ABORTED,
      ));
  }
});
