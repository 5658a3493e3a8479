import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCron } from '../../kube/index.ts';
import { InvalidSchedule, missedTimes, nextLookMs, SCHEDULE_DELTA_MS, type Timed } from './missed.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A Thursday, ten o'clock. */
const TOP = Date.UTC(2016, 4, 19, 10);
const after = (ms: number) => TOP + ms;

const schedule = (text: string) => parseCron(text.startsWith('@') ? text : `TZ=UTC ${text}`);

interface About {
  /** Milliseconds after the hour. */
  readonly created: number;
  readonly last?: number;
  readonly deadlineSeconds?: number;
}

const cronJob = ({ created, last, deadlineSeconds }: About): Timed => ({
  metadata: { name: 'mycronjob', creationTimestamp: new Date(after(created)).toISOString() },
  spec: { schedule: '', jobTemplate: {}, startingDeadlineSeconds: deadlineSeconds },
  status: last === undefined ? {} : { lastScheduleTime: new Date(after(last)).toISOString() },
});

describe('missed times: the cases of upstream', () => {
  const cases: [
    what: string,
    schedule: string,
    about: About,
    now: number,
    expected: { earliest: number; recent?: number; missed?: string },
    withDeadline?: boolean,
  ][] = [
    ['now before the next', '0 * * * *', { created: 0 }, 30 * SECOND, { earliest: 0 }],
    ['now just after the next', '0 * * * *', { created: 0 }, 61 * MINUTE, { earliest: 0, recent: HOUR }],
    [
      'five missed',
      '0 * * * *',
      { created: 10 * SECOND },
      301 * MINUTE,
      { earliest: 10 * SECOND, recent: 300 * MINUTE, missed: 'few' },
    ],
    [
      'a complex schedule',
      '30 6-16/4 * * 1-5',
      { created: 0, last: 30 * MINUTE },
      DAY + 31 * MINUTE,
      { earliest: 30 * MINUTE, recent: DAY + 30 * MINUTE, missed: 'few' },
    ],
    [
      'another complex schedule',
      '30 10,11,12 * * 1-5',
      { created: 0, last: 30 * MINUTE },
      30 * HOUR + 30 * MINUTE,
      { earliest: 30 * MINUTE, missed: 'few' },
    ],
    [
      'one with longer pauses',
      '30 6-16/4 * * 1-5',
      { created: 0, last: 30 * MINUTE },
      96 * HOUR + 31 * MINUTE,
      { earliest: 30 * MINUTE, recent: 96 * HOUR + 30 * MINUTE, missed: 'few' },
    ],
    [
      'one with shorter pauses',
      '30 6-16/4 * * 1-5',
      { created: 0 },
      DAY + 31 * MINUTE,
      { earliest: 0, recent: DAY + 30 * MINUTE, missed: 'few' },
    ],
    [
      '@every',
      '@every 1h',
      { created: -59 * MINUTE, last: MINUTE, deadlineSeconds: 10 },
      7 * DAY,
      { earliest: MINUTE, recent: 6 * DAY + 23 * HOUR + MINUTE, missed: 'many' },
    ],
    ['the last is the creation', '0 * * * *', { created: 0, last: 0 }, 30 * SECOND, { earliest: 0 }],
    [
      'from the last on',
      '*/5 * * * *',
      { created: 0, last: 30 * MINUTE },
      31 * MINUTE,
      { earliest: 30 * MINUTE },
    ],
    [
      'from the last on, within the deadline',
      '*/5 * * * *',
      { created: 0, last: 30 * MINUTE, deadlineSeconds: 60 },
      31 * MINUTE,
      { earliest: 30 * MINUTE },
    ],
    [
      'from the deadline on',
      '*/5 * * * *',
      { created: 0, last: 30 * MINUTE, deadlineSeconds: 60 },
      32 * MINUTE,
      { earliest: 31 * MINUTE },
      true,
    ],
  ];
  for (const [what, text, about, now, { earliest, recent, missed = 'none' }, withDeadline = false] of cases)
    it(what, () =>
      assert.deepEqual(missedTimes(cronJob(about), after(now), schedule(text), { withDeadline }), {
        earliestMs: after(earliest),
        mostRecentMs: recent === undefined ? undefined : after(recent),
        missed,
      }),
    );

  it('a schedule that never comes is none', () => {
    const never = schedule('59 23 31 2 *');
    const about = cronJob({ created: 10 * SECOND });
    assert.throws(() => missedTimes(about, after(HOUR), never, { withDeadline: false }), InvalidSchedule);
    assert.equal(nextLookMs(about, after(HOUR), never), 0);
  });

  const hourly: [what: string, about: About, now: number, due: number | undefined][] = [
    ['none needed yet', { created: -10 * MINUTE }, -7 * MINUTE, undefined],
    ['one needed', { created: -10 * MINUTE }, 2 * SECOND, 0],
    ['one made', { created: -10 * MINUTE, last: 0 }, 2 * MINUTE, undefined],
    ['another needed', { created: -10 * MINUTE, last: 0 }, HOUR + 5 * MINUTE, HOUR],
    ['two needed', { created: -2 * HOUR, last: -HOUR }, HOUR + 5 * MINUTE, HOUR],
    ['very many needed', { created: -2 * HOUR, last: -HOUR }, HOUR + 10 * DAY, HOUR + 10 * DAY],
    [
      'very many, of which a deadline leaves few',
      { created: -2 * HOUR, last: -HOUR, deadlineSeconds: 2 * 60 * 60 },
      HOUR + 10 * DAY,
      HOUR + 10 * DAY,
    ],
  ];
  for (const [what, about, now, due] of hourly)
    it(`every hour: ${what}`, () => {
      const { mostRecentMs } = missedTimes(cronJob(about), after(now), schedule('0 * * * ?'), {
        withDeadline: true,
      });
      assert.equal(mostRecentMs, due === undefined ? undefined : after(due));
    });
});

describe('the time until the next look: the cases of upstream', () => {
  const cases: [what: string, schedule: string, about: About, now: number, expected: number][] = [
    [
      'over the night',
      '30 6-16/4 * * 1-5',
      { created: 0, last: 30 * MINUTE },
      DAY + 31 * MINUTE,
      3 * HOUR + 59 * MINUTE,
    ],
    [
      'over the weekend',
      '30 10,11,12 * * 1-5',
      { created: 0, last: 30 * MINUTE },
      30 * HOUR + 30 * MINUTE,
      66 * HOUR,
    ],
    [
      'once a week, and two missed',
      '0 12 * * 4',
      { created: 0, last: 2 * HOUR },
      19 * DAY + HOUR + 30 * MINUTE,
      48 * HOUR + 30 * MINUTE,
    ],
    ['never run yet', '0 12 * * 5', { created: 0 }, 6 * HOUR, 20 * HOUR],
  ];
  for (const [what, text, about, now, expected] of cases)
    it(what, () =>
      assert.equal(nextLookMs(cronJob(about), after(now), schedule(text)), expected + SCHEDULE_DELTA_MS),
    );
});
