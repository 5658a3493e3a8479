// What syncCronJob of Kubernetes 1.36 is tested with.
import { type Status, type StatusReason, statusFailure } from '../../kube/index.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DELTA = 100;
export const ON_THE_HOUR = '0 * * * ?';
const SHORT = 10;
const MEDIUM = 2 * 60 * 60;
const LONG = 1_000_000;

/** `10:01` on the 19th, or `26 10:00`. */
export const at = (text: string) => {
  const [, day = '19', time] = /^(?:(\d+) )?(.*)$/.exec(text)!;
  return Date.parse(`2016-05-${day}T${time!.length === 5 ? `${time}:00` : time}Z`);
};

export interface Case {
  readonly policy?: 'Allow' | 'Forbid' | 'Replace';
  readonly suspend?: true;
  readonly schedule?: string;
  readonly timeZone?: string;
  readonly deadline?: number;
  /** Times of CronJob, its job and its last schedule. */
  readonly created?: string;
  readonly jobCreated?: string;
  readonly last?: string;
  readonly now: string | number;
  /** What became of the job before: absent, there was none. */
  readonly before?: 'done' | 'active';
  /** The job is not in the status that the cache has. */
  readonly unlisted?: true;
  /** The job is not in the cache of jobs. */
  readonly unseen?: true;
  readonly createError?: Error;
  readonly getError?: Error;

  readonly creates?: true;
  readonly deletes?: true;
  readonly active?: number;
  readonly warnings?: readonly string[];
  readonly tells?: readonly string[];
  readonly fails?: RegExp;
  readonly again?: number;
  readonly writes?: true;
}

/** A refusal whose message is its reason. */
export const apiError = (code: number, reason: StatusReason, details?: Status['details']) =>
  statusFailure(code, reason, reason, details);

/** Upstream's cases, each for policies that do the same. */
const everyPolicy = ['Allow', 'Forbid', 'Replace'] as const;
const forEach = (what: string, one: Case, policies: readonly NonNullable<Case['policy']>[] = everyPolicy) =>
  policies.map((policy): [string, Case] => [`${what}, ${policy}`, { ...one, policy }]);

const untilNext = HOUR - MINUTE + DELTA;
const started = { creates: true, active: 1, again: untilNext, writes: true } as const;
const completed = { tells: ['SawCompletedJob'], writes: true } as const;
const startedAfter = { ...started, ...completed };
const overdue = { before: 'done', now: '26 10:00', ...startedAfter, again: HOUR + DELTA } as const;
const tooMany = { ...overdue, warnings: ['TooManyMissedTimes'] };
const notYet = { now: '09:59', again: MINUTE + DELTA } as const;
const EVERY = { schedule: '@every 1h', created: '08:59', jobCreated: '08:59' } as const;
const justCreated = {
  before: 'active',
  jobCreated: '10:00:00.100',
  now: '10:01:00.100',
  deadline: LONG,
  active: 1,
  again: HOUR - MINUTE - 100 + DELTA,
} as const;

export const CASES: readonly (readonly [string, Case])[] = [
  ...forEach('never ran, not valid schedule', {
    schedule: 'obvious error schedule',
    now: '09:59',
    warnings: ['UnparseableSchedule'],
  }),
  [
    'never ran, not valid time zone',
    { timeZone: 'bad timezone', now: '09:59', warnings: ['UnknownTimeZone'] },
  ],
  ...forEach('never ran, not time', notYet),
  ['never ran, not time in zone', { ...notYet, timeZone: 'America/New_York' }],
  ...forEach('never ran, is time', { now: '10:01', ...started }),
  ['never ran, is time in zone', { timeZone: 'America/New_York', now: '10:01', ...started }],
  [
    'never ran, is time in zone, but TZ is also set in schedule',
    {
      schedule: `TZ=UTC ${ON_THE_HOUR}`,
      timeZone: 'America/New_York',
      now: '10:01',
      ...started,
      warnings: ['UnsupportedSchedule'],
    },
  ],
  ['never ran, is time, suspended', { suspend: true, now: '10:01' }],
  [
    'never ran, is time, past deadline',
    {
      deadline: SHORT,
      now: at('10:01') + (SHORT + 1) * MINUTE,
      again: untilNext - (SHORT + 1) * MINUTE,
    },
  ],
  ['never ran, is time, not past deadline', { deadline: LONG, now: '10:01', ...started }],

  ...forEach('prev ran but done, not time', { ...notYet, before: 'done', ...completed }),
  ...forEach('prev ran but done, is time', { before: 'done', now: '10:01', ...startedAfter }),
  [
    'prev ran but done, is time, create job failed',
    {
      before: 'done',
      now: '10:01',
      createError: apiError(409, 'AlreadyExists'),
      ...completed,
      active: 1,
      again: untilNext,
    },
  ],
  [
    'prev ran but done, is time, job not present in active, create job failed',
    {
      before: 'done',
      unlisted: true,
      now: '10:01',
      createError: apiError(409, 'AlreadyExists'),
      writes: true,
      active: 1,
      again: untilNext,
    },
  ],
  ['prev ran but done, is time, suspended', { before: 'done', suspend: true, now: '10:01', ...completed }],
  [
    'prev ran but done, is time, past deadline',
    { before: 'done', deadline: SHORT, now: '10:01', ...completed, again: untilNext },
  ],
  [
    'prev ran but done, is time, not past deadline',
    { before: 'done', deadline: LONG, now: '10:01', ...startedAfter },
  ],

  ...forEach('still active, not time', { ...notYet, before: 'active', active: 1 }),
  ['still active, is time, Allow', { before: 'active', now: '10:01', ...started, active: 2 }],
  [
    'still active, is time, Forbid',
    {
      policy: 'Forbid',
      before: 'active',
      now: '10:01',
      active: 1,
      again: untilNext,
      tells: ['JobAlreadyActive'],
    },
  ],
  [
    'still active, is time, Replace',
    { policy: 'Replace', before: 'active', now: '10:01', ...started, deletes: true },
  ],
  [
    'still active, is time, get job failed, Replace',
    {
      policy: 'Replace',
      before: 'active',
      now: '10:01',
      getError: apiError(400, 'BadRequest'),
      active: 1,
      warnings: ['FailedGet'],
      fails: /BadRequest/,
    },
  ],
  ['still active, is time, suspended', { before: 'active', suspend: true, now: '10:01', active: 1 }],
  [
    'still active, is time, past deadline',
    { before: 'active', deadline: SHORT, now: '10:01', active: 1, again: untilNext },
  ],
  [
    'still active, is time, not past deadline',
    { before: 'active', deadline: LONG, now: '10:01', ...started, active: 2 },
  ],

  ...forEach('prev ran but done, long overdue, not past deadline', { ...tooMany, deadline: LONG }),
  ...forEach('prev ran but done, long overdue, no deadline', tooMany),
  ...forEach('prev ran but done, long overdue, past medium deadline', { ...overdue, deadline: MEDIUM }),
  ...forEach('prev ran but done, long overdue, past short deadline', { ...overdue, deadline: SHORT }),

  [
    'this ran but done, time drifted back',
    { ...notYet, policy: 'Forbid', before: 'done', unlisted: true, jobCreated: '10:01', writes: true },
  ],
  ...forEach('this started but went missing, not past deadline', { ...justCreated, unseen: true }),
  ...forEach('this started but is not present in active, not past deadline', {
    ...justCreated,
    unlisted: true,
  }),

  [
    'with @every, never ran, not time',
    { ...EVERY, created: '09:59', jobCreated: '09:59', now: '10:00', again: untilNext },
  ],
  ['with @every, never ran, is time', { ...EVERY, now: '09:59', ...started, again: HOUR + DELTA }],
  [
    'with @every, never ran, is time, past deadline',
    {
      ...EVERY,
      deadline: SHORT,
      now: at('09:59') + (SHORT + 1) * 1000,
      again: HOUR - (SHORT + 1) * 1000 + DELTA,
    },
  ],
  [
    'with @every, never ran, is time, not past deadline',
    {
      ...EVERY,
      deadline: LONG,
      now: at('09:59') + (SHORT - 1) * 1000,
      ...started,
      again: HOUR - (SHORT - 1) * 1000 + DELTA,
    },
  ],
  [
    'with @every, prev ran but done, not time',
    { ...EVERY, before: 'done', last: '09:59', now: '10:00', ...completed, again: untilNext },
  ],
  [
    'with @every, prev ran but done, is time',
    { ...EVERY, before: 'done', last: '09:59', now: '11:00', ...startedAfter },
  ],
  [
    'with @every, prev ran but done, is time, past deadline',
    {
      ...EVERY,
      before: 'done',
      last: '09:59',
      deadline: SHORT,
      now: at('10:59') + (SHORT + 1) * 1000,
      ...completed,
      again: HOUR - (SHORT + 1) * 1000 + DELTA,
    },
  ],
  [
    'with @every, still active, not time',
    {
      ...EVERY,
      jobCreated: '09:59',
      before: 'active',
      last: '09:59',
      now: '10:00',
      active: 1,
      again: untilNext,
    },
  ],
  [
    'with @every, still active, is time',
    {
      ...EVERY,
      before: 'active',
      last: '08:59',
      now: '10:01',
      ...started,
      active: 2,
      again: HOUR - 2 * MINUTE + DELTA,
    },
  ],
  [
    'with @every, still active, is time, past deadline',
    {
      ...EVERY,
      jobCreated: '09:59',
      before: 'active',
      last: '09:59',
      deadline: SHORT,
      now: at('10:59') + (SHORT + 1) * 1000,
      active: 1,
      again: HOUR - (SHORT + 1) * 1000 + DELTA,
    },
  ],
  [
    'with @every, still active, is time, not past deadline',
    {
      ...EVERY,
      jobCreated: '09:59',
      before: 'active',
      last: '09:59',
      deadline: LONG,
      now: at('10:59') + (SHORT - 1) * 1000,
      ...started,
      active: 2,
      again: HOUR - (SHORT - 1) * 1000 + DELTA,
    },
  ],
  [
    'with @every, prev ran but done, long overdue, no deadline',
    {
      ...EVERY,
      created: '09:01',
      jobCreated: '09:01',
      before: 'done',
      last: '10:01',
      now: '26 10:00',
      ...startedAfter,
      warnings: ['TooManyMissedTimes'],
      again: MINUTE + DELTA,
    },
  ],
  [
    'with @every, prev ran but done, long overdue, past deadline',
    {
      ...EVERY,
      created: '09:01',
      jobCreated: '09:01',
      before: 'done',
      last: '10:01',
      deadline: SHORT,
      now: at('26 10:01') + (SHORT + 1) * 1000,
      ...completed,
      again: HOUR - (SHORT + 1) * 1000 + DELTA,
    },
  ],
  [
    'the namespace is terminating',
    {
      before: 'active',
      unlisted: true,
      now: '10:01',
      createError: apiError(403, 'Forbidden', { causes: [{ reason: 'NamespaceTerminating' }] }),
      fails: /Forbidden/,
      active: 1,
    },
  ],
];
