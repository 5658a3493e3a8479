import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { difference, EMPTY, FieldSetBuilder, intersection, paths, union } from './field-set.ts';

function setOf(...list: readonly string[][]) {
  const builder = new FieldSetBuilder();
  for (const path of list) builder.add(path);
  return builder.build();
}
const listed = (set: Parameters<typeof paths>[0]) => [...paths(set)].map((path) => path.join(' '));

describe('sets that come again', () => {
  it('are one set, and so is what they make together', () => {
    const [a, b] = [setOf(['f:spec', 'f:x']), setOf(['f:spec', 'f:y'], ['f:status'])];
    assert.equal(setOf(['f:spec', 'f:x']), a);
    assert.equal(union(a, b), union(a, b));
    assert.equal(union(setOf(['f:spec', 'f:x']), b), union(a, b));
    assert.deepEqual(listed(union(a, b)), ['f:status', 'f:spec f:x', 'f:spec f:y']);
  });

  it('are not mixed up: neither by where one element ends, nor by what combines them', () => {
    assert.notEqual(setOf(['a', 'b']), setOf(['ab']));
    assert.notEqual(setOf(['a'], ['b']), setOf(['a', 'b']));
    assert.notEqual(setOf(['a1:b']), setOf(['a', 'b']));
    const [a, b] = [setOf(['p'], ['q']), setOf(['q'], ['r'])];
    assert.deepEqual(listed(union(a, b)), ['p', 'q', 'r']);
    assert.deepEqual(listed(intersection(a, b)), ['q']);
    assert.deepEqual(listed(difference(a, b)), ['p']);
    assert.deepEqual(listed(difference(b, a)), ['r']);
    assert.equal(difference(a, EMPTY), a);
  });

  it('are forgotten when there are too many, or when one is too long, and stay right', () => {
    const first = setOf(['first']);
    for (let index = 0; index < 3_000; index++) setOf([`f:${index}`]);
    const again = setOf(['first']);
    assert.deepEqual(again, first);
    assert.deepEqual(listed(union(first, again)), ['first']);
    const long = 'x'.repeat(5_000);
    assert.notEqual(setOf([long]), setOf([long]));
    assert.deepEqual(setOf([long]), setOf([long]));
    assert.deepEqual(listed(union(setOf([long]), first)), ['first', long]);
  });
});
