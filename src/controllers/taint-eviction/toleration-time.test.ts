import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import type { Taint, Toleration } from '../../kube/index.ts';
import { EvictionSchedule } from './eviction-schedule.ts';
import { noExecuteTaints, tolerationTimeMs } from './toleration-time.ts';

const a: Taint = { key: 'a', effect: 'NoExecute' };
const b: Taint = { key: 'b', effect: 'NoExecute', value: 'v' };
const tolerate = (key: string, tolerationSeconds?: number): Toleration => ({
  key,
  operator: 'Exists',
  tolerationSeconds,
});

describe('how long a pod stays on a tainted node', () => {
  const cases: [string, Taint[], Toleration[] | undefined, number][] = [
    ['no taint: for ever', [], undefined, Number.POSITIVE_INFINITY],
    ['no toleration', [a], undefined, 0],
    ['another toleration', [a], [tolerate('b')], 0],
    ['tolerated for ever', [a], [tolerate('a')], Number.POSITIVE_INFINITY],
    ['tolerated for a time', [a], [tolerate('a', 30)], 30_000],
    ['tolerated for no time', [a], [tolerate('a', 0)], 0],
    ['a negative time', [a], [tolerate('a', -1)], 0],
    ['the shortest of those used', [a, b], [tolerate('a', 30), tolerate('b', 20)], 20_000],
    ['one for ever, one for a time', [a, b], [tolerate('a'), tolerate('b', 20)], 20_000],
    ['one of two not tolerated', [a, b], [tolerate('a', 30)], 0],
    ['the first toleration that fits counts', [a], [tolerate('a', 30), tolerate('a', 10)], 30_000],
    ['those not used do not count', [a], [tolerate('b', 1), tolerate('a', 30)], 30_000],
    ['an empty key tolerates all', [a, b], [{ operator: 'Exists' }], Number.POSITIVE_INFINITY],
    ['values must be equal', [b], [{ key: 'b', value: 'w' }], 0],
    ['another effect', [a], [{ key: 'a', operator: 'Exists', effect: 'NoSchedule' }], 0],
  ];
  for (const [why, taints, tolerations, ms] of cases) {
    it(why, () => assert.equal(tolerationTimeMs(taints, tolerations), ms));
  }

  it('looks at NoExecute taints only', () =>
    assert.deepEqual(noExecuteTaints([a, { key: 'a', effect: 'NoSchedule' }]), [a]));
});

describe('the schedule of evictions', () => {
  const make = () => {
    const clock = new FakeClock();
    const due: string[] = [];
    return { clock, due, schedule: new EvictionSchedule(clock, (pod) => due.push(pod)) };
  };

  it('keeps the time that runs already', async () => {
    const { clock, due, schedule } = make();
    schedule.plan('p', 30_000);
    await clock.advance(20_000);
    schedule.plan('p', 30_000);
    assert.equal(schedule.isDue('p'), false);
    await clock.advance(10_000);
    assert.deepEqual(due, ['p']);
    assert.equal(schedule.isDue('p'), true);
    assert.equal(schedule.cancel('p'), false, 'it has begun');
    assert.equal(schedule.isDue('p'), false);
  });

  it('has no pod twice', () => {
    const { due, schedule } = make();
    schedule.plan('p', 0);
    schedule.plan('p', 0);
    assert.deepEqual(due, ['p']);
  });

  it('is called off', async () => {
    const { clock, due, schedule } = make();
    schedule.plan('p', 30_000);
    assert.equal(schedule.cancel('p'), true);
    assert.equal(schedule.cancel('p'), false);
    await clock.advance(60_000);
    assert.deepEqual(due, []);
    assert.equal(clock.pending, 0);
  });
});
