import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ago, humanDuration } from './duration.ts';

const s = 1000;
const m = 60 * s;
const h = 60 * m;
const d = 24 * h;
const y = 365 * d;

describe('humanDuration', () => {
  const cases: [number, string][] = [
    [-2 * s, '<invalid>'],
    [-1 * s, '0s'],
    [0, '0s'],
    [999, '0s'],
    [119 * s, '119s'],
    [2 * m, '2m'],
    [5 * m + 3 * s, '5m3s'],
    [9 * m + 59 * s, '9m59s'],
    [10 * m + 30 * s, '10m'],
    [179 * m, '179m'],
    [3 * h, '3h'],
    [7 * h + 59 * m, '7h59m'],
    [8 * h + 59 * m, '8h'],
    [47 * h, '47h'],
    [2 * d, '2d'],
    [2 * d + 5 * h, '2d5h'],
    [8 * d + 5 * h, '8d'],
    [2 * y - h, '729d'],
    [2 * y, '2y'],
    [2 * y + 3 * d, '2y3d'],
    [8 * y + 9 * d, '8y'],
  ];
  for (const [ms, text] of cases) it(text, () => assert.equal(humanDuration(ms), text));

  it('of no time is unknown', () => {
    assert.equal(ago(undefined, 0), '<unknown>');
    assert.equal(ago('2026-01-01T00:00:00Z', Date.parse('2026-01-01T00:05:03Z')), '5m3s');
  });
});
