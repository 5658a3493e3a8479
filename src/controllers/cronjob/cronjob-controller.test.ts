import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, rfc3339 } from '../../base/index.ts';
import { type CronJob, cronJobs, type Job, jobs, type Stored } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createCronJobController } from './index.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A CronJob of every ten minutes, half a minute after midnight. */
async function world(test: TestContext, spec: object = {}) {
  const clock = new FakeClock(Date.UTC(2026, 0, 1, 0, 0, 30));
  const stack = await startStack(test, { clock, watch: [cronJobs, jobs] });
  const { client, context, until } = stack;
  const [found, own] = [context.informers.of(cronJobs), context.informers.of(jobs)];
  stack.run(createCronJobController(context));
  const name = { namespace: 'default', name: 'tick' };
  await client.create<CronJob>(cronJobs, {
    metadata: name,
    spec: {
      schedule: '*/10 * * * *',
      timeZone: 'UTC',
      jobTemplate: {
        spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } } },
      },
      ...spec,
    },
  });
  const cronJob = () => found.get('tick', 'default');
  const w = {
    ...stack,
    clock,
    cronJob,
    jobs: () => [...own.values()].map(({ metadata }) => metadata.name).sort(),
    job: (minutes: number) => own.get(`tick-${Date.UTC(2026, 0, 1) / MINUTE + minutes}`, 'default'),
    /** The job of so many minutes after midnight is there, and counted. */
    made: (minutes: number) =>
      until(`the job of ${minutes}`, () => {
        const job = w.job(minutes);
        return job && cronJob()?.status?.active?.some(({ uid }) => uid === job.metadata.uid) && job;
      }),
    change: (body: object) => client.patch(cronJobs, name, { type: 'merge', body }),
    async end(job: Stored<Job>, type: 'Complete' | 'Failed') {
      const now = rfc3339(clock.now());
      const condition = (of: string) => ({ type: of, status: 'True', lastTransitionTime: now });
      const before = type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
      const status = {
        startTime: job.metadata.creationTimestamp,
        conditions: [condition(before), condition(type)],
        ...(type === 'Complete' && { completionTime: now, succeeded: 1 }),
      };
      const { namespace, name: of } = job.metadata;
      await client.patch(
        jobs,
        { namespace, name: of },
        { type: 'merge', body: { status } },
        { subresource: 'status' },
      );
    },
    /** Events are told after what they tell of can be seen. */
    async told(text: string) {
      for (let looks = 0; looks < 1000; looks++) {
        if ((await stack.events()).includes(text)) return;
        await clock.advance(1);
      }
      assert.fail(`${text} was not told`);
    },
    none: () => until('none active', () => !cronJob()?.status?.active?.length),
  };
  await until('the CronJob', cronJob);
  return w;
}

describe('CronJob controller', () => {
  it('makes a job when its time comes, and keeps count of it until it has ended', async (test) => {
    const w = await world(test);
    await w.clock.advance(9 * MINUTE);
    assert.deepEqual(w.jobs(), []);
    await w.clock.advance(MINUTE);
    const job = await w.made(10);
    assert.equal(
      job.metadata.annotations?.['batch.kubernetes.io/cronjob-scheduled-timestamp'],
      '2026-01-01T00:10:00Z',
    );
    assert.equal(w.cronJob()?.status?.lastScheduleTime, '2026-01-01T00:10:00Z');
    await w.end(job, 'Complete');
    await w.none();
    assert.equal(w.cronJob()?.status?.lastSuccessfulTime, rfc3339(w.clock.now()));
    await w.clock.advance(10 * MINUTE);
    await w.made(20);
    assert.deepEqual(await w.events(), [
      `SuccessfulCreate: Created job ${w.jobs()[0]}`,
      `SawCompletedJob: Saw completed job: ${w.jobs()[0]}, condition: Complete`,
      `SuccessfulCreate: Created job ${w.jobs()[1]}`,
    ]);
  });

  it('lets jobs run beside one another, or not, or replaces them', async (test) => {
    const w = await world(test);
    await w.clock.advance(10 * MINUTE);
    await w.made(10);
    await w.clock.advance(10 * MINUTE);
    await w.made(20);
    assert.equal(w.cronJob()?.status?.active?.length, 2);
    await w.change({ spec: { concurrencyPolicy: 'Forbid' } });
    await w.until('the change', () => w.cronJob()?.spec?.concurrencyPolicy === 'Forbid');
    await w.clock.advance(10 * MINUTE);
    const held =
      'JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid';
    await w.told(held);
    assert.equal(w.jobs().length, 2);
    await w.change({ spec: { concurrencyPolicy: 'Replace' } });
    const job = await w.made(30);
    await w.until('the others gone', () => w.jobs().length === 1);
    assert.deepEqual(
      w.cronJob()?.status?.active?.map(({ name }) => name),
      [job.metadata.name],
    );
  });

  it('keeps as many that have ended as it is told to', async (test) => {
    const w = await world(test, { successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 });
    for (const minutes of [10, 20]) {
      await w.clock.advance(10 * MINUTE);
      await w.end(await w.made(minutes), 'Complete');
      await w.none();
    }
    await w.until('one left', () => w.jobs().length === 1);
    assert.ok(w.job(20));
    await w.clock.advance(10 * MINUTE);
    await w.end(await w.made(30), 'Failed');
    await w.until('the failed one gone', () => !w.job(30));
    await w.told(`SuccessfulDelete: Deleted job ${w.jobs()[0]!.replace(/\d+$/, (n) => `${Number(n) + 10}`)}`);
  });

  it('starts nothing while suspended, and then the last that was missed', async (test) => {
    const w = await world(test, { suspend: true });
    await w.clock.advance(HOUR);
    assert.deepEqual(w.jobs(), []);
    await w.change({ spec: { suspend: false } });
    await w.made(60);
    assert.equal(w.jobs().length, 1);
  });

  it('follows another schedule from its next time on', async (test) => {
    const w = await world(test, { schedule: '0 12 * * *' });
    await w.clock.advance(25 * MINUTE);
    // By this one there were two times already.
    await w.change({ spec: { schedule: '*/10 * * * *' } });
    await w.until('the change', () => w.cronJob()?.spec?.schedule === '*/10 * * * *');
    await w.clock.advance(MINUTE);
    assert.deepEqual(w.jobs(), []);
    await w.clock.advance(4 * MINUTE);
    await w.made(30);
    assert.equal(w.jobs().length, 1);
  });

  it('counts a job that it has made before it could say so', async (test) => {
    const w = await world(test);
    await w.clock.advance(10 * MINUTE);
    const job = await w.made(10);
    // As if the process had died between the two writes.
    await w.client.patch(
      cronJobs,
      { namespace: 'default', name: 'tick' },
      { type: 'merge', body: { status: { active: null, lastScheduleTime: null } } },
      { subresource: 'status' },
    );
    await w.made(10);
    assert.equal(w.job(10)?.metadata.uid, job.metadata.uid);
    assert.equal(w.cronJob()?.status?.lastScheduleTime, '2026-01-01T00:10:00Z');
  });

  it('does not count a job that is gone', async (test) => {
    const w = await world(test);
    await w.clock.advance(10 * MINUTE);
    const { metadata } = await w.made(10);
    await w.client.delete(
      jobs,
      { namespace: 'default', name: metadata.name },
      { propagationPolicy: 'Background' },
    );
    await w.none();
    await w.told(`MissingJob: Active job went missing: ${metadata.name}`);
  });

  it('is told of jobs of its that it has not made', async (test) => {
    const w = await world(test);
    const owner = w.cronJob()!;
    await w.client.create<Job>(jobs, {
      metadata: {
        namespace: 'default',
        name: 'by-hand',
        annotations: { 'cronjob.kubernetes.io/instantiate': 'manual' },
        ownerReferences: [
          {
            apiVersion: 'batch/v1',
            kind: 'CronJob',
            name: 'tick',
            uid: owner.metadata.uid,
            controller: true,
          },
        ],
      },
      spec: owner.spec!.jobTemplate.spec!,
    });
    const told = 'UnexpectedJob: Saw a job that the controller did not create or forgot: by-hand';
    await w.told(told);
    assert.equal(w.cronJob()?.status?.active, undefined);
  });
});
