import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Heap } from './heap.ts';

describe('Heap', () => {
  it('hands out what a sorted list would, with items removed in between', () => {
    const items = fc.uniqueArray(fc.record({ key: fc.string(), rank: fc.nat(20) }), {
      selector: ({ key }) => key,
    });
    fc.assert(
      fc.property(items, fc.array(fc.nat(100)), (given, removals) => {
        const heap = new Heap<{ key: string; rank: number }>(
          ({ key }) => key,
          (a, b) => a.rank - b.rank,
        );
        const left = new Map(given.map((item) => [item.key, item]));
        for (const item of given) heap.push(item);
        for (const removal of removals) {
          const item = given[removal];
          if (!item) continue;
          assert.equal(heap.delete(item.key), left.get(item.key));
          left.delete(item.key);
        }
        assert.equal(heap.size, left.size);
        const ranks: number[] = [];
        for (let item = heap.pop(); item; item = heap.pop()) ranks.push(item.rank);
        assert.deepEqual(
          ranks,
          [...left.values()].map(({ rank }) => rank).sort((a, b) => a - b),
        );
      }),
    );
  });
});
