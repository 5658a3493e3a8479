import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decide, type Move } from './decide.ts';
import { timingProblem } from './timing.ts';

describe('whether a lease may be taken', () => {
  const held = { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 3 };
  const table: [what: string, spec: object, passedMs: number, by: string, move: Move][] = [
    ['its holder renews it', held, 1_000, 'a', { kind: 'renew' }],
    ['even late', held, 60_000, 'a', { kind: 'renew' }],
    ['others wait', held, 14_999, 'b', { kind: 'wait' }],
    ['until it has stood still for its duration', held, 15_000, 'b', { kind: 'acquire', transitions: 4 }],
    [
      'what was given back is free at once',
      { ...held, holderIdentity: '' },
      0,
      'b',
      { kind: 'acquire', transitions: 4 },
    ],
    ['what nobody ever held', {}, 0, 'b', { kind: 'acquire', transitions: 1 }],
    [
      'what the holder wrote as time means nothing here',
      { ...held, renewTime: '1999-01-01T00:00:00.000000Z' },
      1_000,
      'b',
      { kind: 'wait' },
    ],
  ];
  for (const [what, spec, passedMs, by, move] of table)
    it(what, () => assert.deepEqual(decide({ spec, atMs: 500 }, by, 500 + passedMs), move));
});

describe('durations that do not fit together', () => {
  const table: [number, number, number, string | undefined][] = [
    [15_000, 10_000, 2_000, undefined],
    [15_000, 10_000, 5_000, undefined],
    [10_000, 10_000, 2_000, 'leaseDuration must be greater than renewDeadline'],
    [15_000, 6_000, 5_000, 'renewDeadline must be greater than retryPeriod*JitterFactor'],
    [15_000, 10_000, 0, 'retryPeriod must be greater than zero'],
  ];
  for (const [leaseDurationMs, renewDeadlineMs, retryPeriodMs, problem] of table)
    it(`${leaseDurationMs} ${renewDeadlineMs} ${retryPeriodMs}: ${problem ?? 'they do'}`, () =>
      assert.equal(timingProblem({ leaseDurationMs, renewDeadlineMs, retryPeriodMs }), problem));
});
