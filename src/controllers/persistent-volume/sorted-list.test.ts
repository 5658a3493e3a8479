import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SortedList } from './sorted-list.ts';

describe('SortedList', () => {
  it('holds what a sorted array would hold, whatever is added and removed', () => {
    const operation = fc.record({ add: fc.boolean(), value: fc.integer({ min: 0, max: 2000 }) });
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 1500, size: 'max' }),
        fc.integer({ min: 0, max: 2000 }),
        (operations, bound) => {
          const list = new SortedList<number>((a, b) => a - b);
          const model = new Set<number>();
          for (const { add, value } of operations) {
            if (add) {
              list.add(value);
              model.add(value);
            } else {
              assert.equal(list.delete(value), model.delete(value));
            }
          }
          const expected = [...model].filter((value) => value >= bound).sort((a, b) => a - b);
          assert.deepEqual([...list.from((value) => value >= bound)], expected);
          assert.equal(list.size, model.size);
        },
      ),
      { numRuns: 60 },
    );
  });
});
