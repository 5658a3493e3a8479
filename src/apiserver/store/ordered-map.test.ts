import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { OrderedMap } from './ordered-map.ts';

describe('OrderedMap', () => {
  it('walks its keys in order after any sets and deletes', () => {
    const key = fc.constantFrom('a', 'a/b', 'a/c', 'a-b/x', 'b', 'b/a', 'c/1', 'c/2', 'c/10');
    const step = fc.record({ key, op: fc.constantFrom('set', 'delete', 'walk') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const map = new OrderedMap<number>();
        const model = new Map<string, number>();
        for (const [index, { key, op }] of steps.entries()) {
          if (op === 'set') {
            map.set(key, index);
            model.set(key, index);
          } else if (op === 'delete') {
            map.delete(key);
            model.delete(key);
          }
          if (op !== 'walk') continue;
          assert.deepEqual([...map.keysFrom('')], [...model.keys()].sort());
        }
        assert.deepEqual(
          [...map.keysFrom('b')],
          [...model.keys()].sort().filter((one) => one >= 'b'),
        );
        assert.deepEqual(
          [...map.keysFrom('c/', 'c/')],
          [...model.keys()].sort().filter((one) => one.startsWith('c/')),
        );
        assert.equal(map.size, model.size);
      }),
    );
  });
});
