import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseCron, rfc3339In, scheduleProblem } from './index.ts';
import { epochMsOf, zonedTime } from './time-zone.ts';

const next = (schedule: string, from: string) => {
  const time = parseCron(schedule).next(Date.parse(from));
  return time === undefined ? undefined : new Date(time).toISOString().replace('.000Z', 'Z');
};

describe('the next time of a schedule', () => {
  // cron/v3's own cases among them, and the days that clocks are changed on.
  const cases: [schedule: string, from: string, next: string | undefined][] = [
    ['TZ=UTC 0/15 * * * *', '2012-07-09T14:45:00Z', '2012-07-09T15:00:00Z'],
    ['TZ=UTC 0/15 * * * *', '2012-07-09T14:59:59.500Z', '2012-07-09T15:00:00Z'],
    ['TZ=UTC 20-35/15 * * * *', '2012-07-09T15:45:00Z', '2012-07-09T16:20:00Z'],
    ['TZ=UTC */15 * * * *', '2012-07-09T23:46:00Z', '2012-07-10T00:00:00Z'],
    ['TZ=UTC 20-35/15 10/2 */2 * *', '2012-07-10T10:35:00Z', '2012-07-11T10:20:00Z'],
    ['TZ=UTC 0 0 9 Apr-Oct ?', '2012-07-09T23:35:00Z', '2012-08-09T00:00:00Z'],
    ['TZ=UTC 0 0 */5 Apr,Aug,Oct Mon', '2012-07-09T23:35:00Z', '2012-08-01T00:00:00Z'],
    ['TZ=UTC 0 0 */5 Oct Mon', '2012-07-09T23:35:00Z', '2012-10-01T00:00:00Z'],
    ['TZ=UTC 0 0 * Feb Mon', '2012-07-09T23:35:00Z', '2013-02-04T00:00:00Z'],
    ['TZ=UTC 0 0 * Feb Mon/2', '2012-07-09T23:35:00Z', '2013-02-01T00:00:00Z'],
    ['TZ=UTC 0 0 1-7 * Mon', '2012-07-09T23:35:00Z', '2012-07-16T00:00:00Z'],
    ['TZ=UTC 59 23 31 12 *', '2012-12-31T23:59:45Z', '2013-12-31T23:59:00Z'],
    ['TZ=UTC 0 0 29 2 ?', '2012-07-09T23:35:00Z', '2016-02-29T00:00:00Z'],
    ['TZ=UTC 0 0 30 Feb ?', '2012-07-09T23:35:00Z', undefined],
    ['TZ=UTC 0 0 31 Apr ?', '2012-07-09T23:35:00Z', undefined],
    ['TZ=UTC , * * * *', '2012-07-09T23:35:00Z', undefined],
    ['TZ=UTC @hourly', '2012-07-09T14:45:00Z', '2012-07-09T15:00:00Z'],
    ['TZ=UTC @daily', '2012-07-09T14:45:00Z', '2012-07-10T00:00:00Z'],
    ['TZ=UTC @midnight', '2012-07-09T14:45:00Z', '2012-07-10T00:00:00Z'],
    ['TZ=UTC @weekly', '2012-07-09T14:45:00Z', '2012-07-15T00:00:00Z'],
    ['TZ=UTC @monthly', '2012-07-09T14:45:00Z', '2012-08-01T00:00:00Z'],
    ['TZ=UTC @yearly', '2012-07-09T14:45:00Z', '2013-01-01T00:00:00Z'],
    ['@every 1h30m', '2012-07-09T14:45:10.700Z', '2012-07-09T16:15:10Z'],
    ['@every 90m15.5s', '2012-07-09T14:45:00Z', '2012-07-09T16:15:15Z'],
    ['@every 15ms', '2012-07-09T14:45:00Z', '2012-07-09T14:45:01Z'],
    ['@every -5m', '2012-07-09T14:45:00Z', '2012-07-09T14:45:01Z'],
    // In New York clocks skip from two to three, and show one o'clock twice.
    ['TZ=America/New_York 30 2 11 Mar ?', '2012-03-11T05:00:00Z', '2013-03-11T06:30:00Z'],
    ['TZ=America/New_York 0 * * * ?', '2012-03-11T06:00:00Z', '2012-03-11T07:00:00Z'],
    ['TZ=America/New_York 0 1 * * ?', '2012-03-11T05:00:00Z', '2012-03-11T06:00:00Z'],
    ['TZ=America/New_York 0 2 * * ?', '2012-03-11T05:00:00Z', '2012-03-12T06:00:00Z'],
    ['TZ=America/New_York 0 0 4 Nov ?', '2012-11-04T00:00:00-04:00', '2013-11-04T05:00:00Z'],
    ['TZ=America/New_York 45 0/2 4 Nov ?', '2012-11-04T00:00:00-04:00', '2012-11-04T04:45:00Z'],
    ['TZ=America/New_York 0 0/1 4 Nov ?', '2012-11-04T01:00:00-04:00', '2012-11-04T06:00:00Z'],
    ['TZ=America/New_York 0 0/1 4 Nov ?', '2012-11-04T01:00:00-05:00', '2012-11-04T07:00:00Z'],
    // In Sao Paulo they skipped midnight.
    ['TZ=America/Sao_Paulo 0 9 10 * *', '2018-10-17T05:00:00-04:00', '2018-11-10T11:00:00Z'],
    ['TZ=America/Sao_Paulo 0 0 4 Nov ?', '2018-11-01T00:00:00Z', '2019-11-04T03:00:00Z'],
    ['TZ=Asia/Kolkata 0 9 * * *', '2012-07-09T00:00:00Z', '2012-07-09T03:30:00Z'],
    ['CRON_TZ=Europe/Berlin 0 8 * * MON-FRI', '2026-03-27T12:00:00Z', '2026-03-30T06:00:00Z'],
  ];
  for (const [schedule, from, expected] of cases)
    it(`${schedule} after ${from} is ${expected ?? 'never'}`, () =>
      assert.equal(next(schedule, from), expected));

  it('is always later, shows what the fields say, and there is none between', () => {
    const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'];
    const minute = fc.integer({ min: 0, max: 59 });
    const from = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2030, 0, 1) });
    fc.assert(
      fc.property(minute, from, fc.constantFrom(...zones), (at, start, zone) => {
        const time = parseCron(`TZ=${zone} ${at} * * * *`).next(start)!;
        assert.ok(time > start && time - start <= 2 * 3_600_000);
        assert.deepEqual([zonedTime(time, zone).minute, zonedTime(time, zone).second], [at, 0]);
        for (let before = time - 60_000; before > start; before -= 60_000)
          assert.notEqual(zonedTime(before, zone).minute, at);
      }),
    );
  });
});

describe('a schedule that cannot be read', () => {
  const cases: [schedule: string, problem: string | RegExp][] = [
    ['', 'empty spec string'],
    ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
    ['* * * * * *', 'expected exactly 5 fields, found 6: [* * * * * *]'],
    [' @daily', 'expected exactly 5 fields, found 1: [@daily]'],
    ['60 * * * *', 'end of range (60) above maximum (59): 60'],
    ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
    ['5-3 * * * *', 'beginning of range (5) beyond end of range (3): 5-3'],
    ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
    ['*/1/2 * * * *', 'too many slashes: */1/2'],
    ['*/0 * * * *', 'step of range should be a positive number: */0'],
    ['* * * * 7', 'end of range (7) above maximum (6): 7'],
    ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
    ['@never', 'unrecognized descriptor: @never'],
    ['@every 5 minutes', 'failed to parse duration @every 5 minutes: time: invalid duration "5 minutes"'],
    ['TZ=Mars/Phobos * * * * *', 'provided bad location Mars/Phobos: unknown time zone Mars/Phobos'],
    ['TZ=UTC', 'invalid schedule format: runtime error: slice bounds out of range [:-1]'],
  ];
  for (const [schedule, problem] of cases)
    it(`${JSON.stringify(schedule)}: ${problem}`, () => assert.equal(scheduleProblem(schedule), problem));
  for (const schedule of [
    '* * * * ?',
    '*/5 0-23 1,15 jan-DEC Mon',
    '@every 1.5h',
    'TZ=UTC @weekly',
    '5/10 * * * *',
  ])
    it(`${schedule} can`, () => assert.equal(scheduleProblem(schedule), undefined));
});

describe('clocks of a zone', () => {
  const zones = fc.constantFrom(
    'UTC',
    '',
    'Europe/Berlin',
    'America/St_Johns',
    'Asia/Kolkata',
    'Pacific/Apia',
  );
  it('show a time that leads back to itself, unless they show it twice', () => {
    const seconds = fc.integer({ min: Date.UTC(1972, 0, 1) / 1000, max: Date.UTC(2035, 0, 1) / 1000 });
    fc.assert(
      fc.property(seconds, zones, (second, zone) => {
        const back = epochMsOf(zonedTime(second * 1000, zone), zone);
        assert.deepEqual(zonedTime(back, zone), zonedTime(second * 1000, zone));
      }),
    );
  });
  it('are read by the offset of their own time, also hours after they were changed', () => {
    const inNewYork = (hour: number, minute: number) =>
      epochMsOf({ year: 2012, month: 3, day: 11, hour, minute, second: 0 }, 'America/New_York');
    assert.equal(inNewYork(1, 30), Date.parse('2012-03-11T06:30:00Z'));
    assert.equal(inNewYork(3, 30), Date.parse('2012-03-11T07:30:00Z'));
    // What Go's time.Date makes of a time that they skip.
    assert.equal(inNewYork(2, 30), Date.parse('2012-03-11T06:30:00Z'));
  });
  it('are written with their offset', () => {
    const at = Date.parse('2026-06-01T00:00:00Z');
    assert.equal(rfc3339In(at, ''), '2026-06-01T00:00:00Z');
    assert.equal(rfc3339In(at, 'Europe/Berlin'), '2026-06-01T02:00:00+02:00');
    assert.equal(rfc3339In(at, 'America/St_Johns'), '2026-05-31T21:30:00-02:30');
    assert.equal(rfc3339In(at, 'Asia/Kolkata'), '2026-06-01T05:30:00+05:30');
  });
});
