import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import {
  type CronJob,
  type Job,
  referenceTo,
  type Status,
  type StatusReason,
  type Stored,
  statusFailure,
} from '../../kube/index.ts';
import { CronJobSync } from './cronjob-sync.ts';
import { newJob } from './new-job.ts';

// Where a schedule names no zone, that of the process counts.
process.env.TZ = 'UTC';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DELTA = 100;
const ON_THE_HOUR = '0 * * * ?';
const SHORT = 10;
const MEDIUM = 2 * 60 * 60;
const LONG = 1_000_000;

/** `10:01` on the 19th, or `26 10:00`. */
const at = (text: string) => {
  const [, day = '19', time] = /^(?:(\d+) )?(.*)$/.exec(text)!;
  return Date.parse(`2016-05-${day}T${time!.length === 5 ? `${time}:00` : time}Z`);
};
const rfc = (ms: number) => new Date(ms).toISOString();

interface Case {
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
const apiError = (code: number, reason: StatusReason, details?: Status['details']) =>
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

const CASES: readonly (readonly [string, Case])[] = [
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

/** The world of a case, as upstream's test makes it. */
function worldOf(one: Case) {
  const { policy = 'Allow', schedule = ON_THE_HOUR, before, jobCreated = '09:01' } = one;
  const created = one.created ?? (before ? '08:59' : '09:59');
  const base = {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: {
      name: 'mycronjob',
      namespace: 'snazzycats',
      uid: '1a2b3c',
      resourceVersion: '1',
      creationTimestamp: rfc(at(created)),
    },
    spec: {
      schedule,
      timeZone: one.timeZone,
      suspend: one.suspend ?? false,
      concurrencyPolicy: policy,
      startingDeadlineSeconds: one.deadline,
      jobTemplate: { spec: { template: { spec: { containers: [{ name: 'c', image: 'foo/bar' }] } } } },
    },
    status: {},
  } as unknown as Stored<CronJob>;
  const made = newJob({ ...base, spec: { ...base.spec!, timeZone: undefined } }, at(jobCreated));
  const job = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    ...made,
    metadata: { ...made.metadata, uid: '1234', resourceVersion: '1', creationTimestamp: rfc(at(jobCreated)) },
    status:
      before === 'done'
        ? {
            completionTime: rfc(at(jobCreated) + 10_000),
            conditions: [{ type: 'Complete', status: 'True' }],
          }
        : {},
  } as unknown as Stored<Job>;
  const active = [referenceTo(job)];
  const cronJob = before
    ? {
        ...base,
        status: {
          lastScheduleTime: rfc(at(one.last ?? '09:01')),
          ...(!one.unlisted && { active }),
        },
      }
    : base;
  // As upstream's test has it: what the server says is of before the first schedule.
  const live = { ...base, metadata: { ...base.metadata, creationTimestamp: rfc(at('09:59')) } };
  return {
    cronJob,
    job,
    live: before === 'active' ? { ...live, status: { active } } : live,
    jobs: before && !one.unseen ? [job] : [],
  };
}

async function sync(one: Case) {
  const world = worldOf(one);
  const seen = { created: [] as Job[], deleted: 0, written: undefined as CronJob | undefined };
  const told: { type: string; reason: string; message: string }[] = [];
  const client = {
    async get(resource: { kind: string }) {
      if (resource.kind === 'CronJob') return world.live;
      if (one.getError) throw one.getError;
      return world.job;
    },
    async create(_: unknown, job: Job) {
      if (one.createError) throw one.createError;
      seen.created.push(job);
      return { ...job, kind: 'Job', apiVersion: 'batch/v1', metadata: { ...job.metadata, uid: 'made' } };
    },
    async delete() {
      seen.deleted++;
    },
    async update(_: unknown, cronJob: CronJob) {
      seen.written = cronJob;
      return cronJob;
    },
  } as unknown as Client;
  const recorder = {
    event: (_: unknown, type: string, reason: string, message: string) =>
      told.push({ type, reason, message }),
  };
  const clock = new FakeClock(typeof one.now === 'string' ? at(one.now) : one.now);
  const { signal } = new AbortController();
  const run = new CronJobSync({ client, clock, recorder, signal }, world.cronJob, world.jobs).run();
  const outcome = await run.then(
    (again) => ({ again }),
    (error: Error) => ({ error }),
  );
  return { ...seen, told, outcome, world };
}

describe('a look at a CronJob: the cases of upstream', () => {
  for (const [what, one] of CASES) {
    it(what, async () => {
      const { created, deleted, written, told, outcome, world } = await sync(one);
      if (one.fails) assert.match(String((outcome as { error?: Error }).error), one.fails);
      else assert.deepEqual(outcome, { again: one.again });
      assert.equal(created.length, one.creates ? 1 : 0, 'jobs made');
      assert.equal(deleted, one.deletes ? 1 : 0, 'jobs deleted');
      assert.equal(written !== undefined, one.writes ?? false, 'status written');
      const { status }: CronJob =
        written ?? (one.unlisted && one.before === 'active' ? world.live : world.cronJob);
      if (one.active !== undefined) assert.equal(status?.active?.length, one.active, 'active');
      const of = (type: string) => told.filter((event) => event.type === type).map(({ reason }) => reason);
      const normal = [...(one.tells ?? []), ...(one.deletes ? ['SuccessfulDelete'] : [])];
      assert.deepEqual(of('Normal'), [...normal, ...(one.creates ? ['SuccessfulCreate'] : [])]);
      assert.deepEqual(of('Warning'), one.warnings ?? []);
      if (one.before === 'done') assert.equal(status?.lastSuccessfulTime, world.job.status?.completionTime);
    });
  }
});

describe('what a CronJob is told about', () => {
  const messages = async (one: Case) => (await sync(one)).told.map(({ message }) => message);
  const cases: [what: string, one: Case, messages: (string | RegExp)[]][] = [
    [
      'an end and a beginning',
      { before: 'done', now: '10:01' },
      ['Saw completed job: mycronjob-24394141, condition: Complete', 'Created job mycronjob-24394200'],
    ],
    [
      'an unknown zone',
      { timeZone: 'bad timezone', now: '10:01' },
      ['invalid timeZone: "bad timezone": unknown time zone bad timezone'],
    ],
    [
      'a schedule that cannot be read',
      { schedule: '1 2 3', now: '10:01' },
      ['unparseable schedule: "1 2 3" : expected exactly 5 fields, found 3: [1 2 3]'],
    ],
    [
      'a schedule that never comes',
      { schedule: '59 23 31 2 *', now: '10:01' },
      ['invalid schedule: 59 23 31 2 * : time difference between two schedules is less than 1 second'],
    ],
    [
      'a job that cannot be made',
      { now: '10:01', createError: apiError(403, 'Forbidden') },
      ['Error creating job: Forbidden'],
    ],
    [
      'a job that is gone',
      { before: 'active', unseen: true, suspend: true, now: '10:01', getError: apiError(404, 'NotFound') },
      ['Active job went missing: mycronjob-24394141'],
    ],
  ];
  for (const [what, one, expected] of cases)
    it(what, async () => assert.deepEqual(await messages(one), expected));
});
