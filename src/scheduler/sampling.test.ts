import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { feasibleNodesToFind } from './sampling.ts';

describe('feasibleNodesToFind', () => {
  for (const [nodes, percentage, expected] of [
    [10, 0, 10],
    [99, 30, 99],
    [1000, 0, 420],
    [1000, 40, 400],
    [5000, 0, 500],
    [6000, 0, 300],
    [6000, 40, 2400],
    [120, 10, 100],
  ] as const) {
    it(`${nodes} nodes at ${percentage} %: ${expected}`, () =>
      assert.equal(feasibleNodesToFind(nodes, percentage), expected));
  }
});
