import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makePod, makeSet, NOW } from './fixtures.ts';
import { podsToUpdate } from './update-strategy.ts';

describe('how many pods may be unavailable together', () => {
  const cases: [maxUnavailable: number | string | undefined, replicas: number, at: number][] = [
    [undefined, 10, 1],
    [3, 10, 3],
    [0, 10, 1],
    ['10%', 25, 2],
    ['100%', 5, 5],
    ['50%', 5, 2],
    ['10%', 5, 1],
    ['0%', 5, 1],
  ];
  for (const [maxUnavailable, replicas, count] of cases) {
    it(`${maxUnavailable ?? 'unsaid'} of ${replicas}: ${count}`, () => {
      const set = makeSet({
        replicas,
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: maxUnavailable as never } },
      });
      const pods = Array.from({ length: replicas }, (_, ordinal) =>
        makePod(set, ordinal, 'ready', 'web-old'),
      );
      assert.equal(podsToUpdate(set, pods, 'web-new', NOW).length, count);
    });
  }
});

describe('minReadySeconds', () => {
  // The pods have been ready for an hour.
  const cases: [minReadySeconds: number, type: string, updated: boolean][] = [
    [0, 'RollingUpdate', true],
    [60, 'RollingUpdate', true],
    [7200, 'RollingUpdate', false],
    [7200, 'OnDelete', false],
  ];
  for (const [minReadySeconds, type, updated] of cases) {
    it(`${minReadySeconds} s, ${type}: the next ${updated ? 'is' : 'is not'} updated`, () => {
      const set = makeSet({ replicas: 2, minReadySeconds, updateStrategy: { type } });
      const pods = [makePod(set, 0, 'ready', 'web-old'), makePod(set, 1, 'ready', 'web-new')];
      const names = podsToUpdate(set, pods, 'web-new', NOW).map(({ metadata }) => metadata.name);
      assert.deepEqual(names, updated ? ['web-0'] : []);
    });
  }
});
