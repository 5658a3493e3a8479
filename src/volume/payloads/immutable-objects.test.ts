import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ImmutableObjects } from './index.ts';

describe('objects that never change', () => {
  it('are read once, for as long as a volume shows them; others each time', async () => {
    const objects = new ImmutableObjects();
    let reads = 0;
    const get = (key: string, volume: string, immutable: boolean) =>
      objects.get(key, volume, async () => ({ immutable, version: ++reads }));
    const version = async (...asked: Parameters<typeof get>) => (await get(...asked)).version;
    assert.deepEqual([await version('m', 'a', false), await version('m', 'a', false)], [1, 2]);
    assert.equal(await version('m', 'a', true), 3, 'it was declared to be so meanwhile');
    assert.deepEqual([await version('m', 'a', true), await version('m', 'b', true)], [3, 3]);
    assert.equal(await version('other', 'a', true), 4);
    objects.forget('a');
    assert.deepEqual([await version('m', 'b', true), await version('other', 'b', true)], [3, 5]);
    objects.forget('b');
    assert.equal(await version('m', 'c', true), 6);
  });

  it('that volumes read at the same time are kept until the last of these is gone', async () => {
    const objects = new ImmutableObjects();
    let reads = 0;
    const get = (volume: string) =>
      objects.get('m', volume, async () => ({ immutable: true, version: ++reads }));
    const [first, second] = await Promise.all([get('a'), get('b')]);
    assert.equal(first, second, 'both show the same');
    objects.forget('b');
    assert.equal(await get('a'), first);
  });

  it('are not kept when they could not be read', async () => {
    const objects = new ImmutableObjects();
    await assert.rejects(
      objects.get('m', 'a', () => Promise.reject(new Error('away'))),
      /^Error: away$/,
    );
    assert.deepEqual(await objects.get('m', 'a', async () => ({ immutable: true })), { immutable: true });
  });
});
