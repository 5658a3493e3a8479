import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { type CronJob, type Job, referenceTo, type Stored } from '../../kube/index.ts';
import { CronJobSync } from './cronjob-sync.ts';
import { newJob } from './new-job.ts';
import { apiError, at, CASES, type Case, ON_THE_HOUR } from './upstream.fixtures.ts';

// Where a schedule names no zone, that of the process counts.
process.env.TZ = 'UTC';

const rfc = (ms: number) => new Date(ms).toISOString();

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
