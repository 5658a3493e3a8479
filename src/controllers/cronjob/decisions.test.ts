import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CronJob, Job, Stored } from '../../kube/index.ts';
import { beyondHistory, byStartTime } from './history.ts';
import { jobName, newJob } from './new-job.ts';
import { scheduleOf } from './schedule-of.ts';

const SCHEDULED = Date.UTC(2021, 6, 1, 12, 13, 59);

const cronJob = (spec: object = {}, template: object = {}) =>
  ({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: 'mycronjob', namespace: 'snazzycats', uid: '1a2b3c', resourceVersion: '1' },
    spec: {
      schedule: '* * * * ?',
      jobTemplate: {
        metadata: { labels: { a: 'b' }, annotations: { x: 'y' } },
        spec: { template: { spec: { containers: [{ name: 'c', image: 'foo/bar' }] } } },
        ...template,
      },
      ...spec,
    },
  }) as unknown as Stored<CronJob>;

describe('the job of a time', () => {
  it('is named after the minute, and made as the template says', () => {
    const job = newJob(cronJob(), SCHEDULED);
    assert.equal(job.metadata?.name, `mycronjob-${Math.floor(SCHEDULED / 60_000)}`);
    assert.equal(jobName(cronJob(), SCHEDULED - 59_000), job.metadata?.name);
    assert.deepEqual(job.metadata?.labels, { a: 'b' });
    assert.deepEqual(job.metadata?.ownerReferences, [
      {
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        name: 'mycronjob',
        uid: '1a2b3c',
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    assert.equal(job.spec?.template.spec?.containers[0]?.image, 'foo/bar');
  });
  const zones: [timeZone: string | undefined, annotation: string][] = [
    ['UTC', '2021-07-01T12:13:59Z'],
    [undefined, '2021-07-01T12:13:59Z'],
    ['Europe/Rome', '2021-07-01T14:13:59+02:00'],
  ];
  for (const [timeZone, annotation] of zones)
    it(`says when, in the time zone ${timeZone}`, () =>
      assert.deepEqual(newJob(cronJob({ timeZone }), SCHEDULED).metadata?.annotations, {
        x: 'y',
        'batch.kubernetes.io/cronjob-scheduled-timestamp': annotation,
      }));
});

describe('the schedule', () => {
  const cases: [spec: object, text: string][] = [
    [{ schedule: '@daily' }, '@daily'],
    [{ schedule: '@daily', timeZone: 'Europe/Rome' }, 'TZ=Europe/Rome @daily'],
    [{ schedule: '@daily', timeZone: 'bad timezone' }, '@daily'],
    [{ schedule: 'TZ=UTC @daily', timeZone: 'Europe/Rome' }, 'TZ=UTC @daily'],
  ];
  for (const [spec, text] of cases)
    it(`${JSON.stringify(spec)} is ${text}`, () => assert.equal(scheduleOf(cronJob(spec)), text));
});

const job = (name: string, end?: string, startTime?: string) =>
  ({
    metadata: { name },
    status: { startTime, conditions: end ? [{ type: end, status: 'True' }] : [] },
  }) as unknown as Stored<Job>;
const names = (jobs: readonly Job[]) => jobs.map(({ metadata }) => metadata?.name);

describe('the history', () => {
  const [first, second] = ['2018-01-01T02:03:04Z', '2019-01-01T02:03:04Z'];
  const orders: [what: string, jobs: Stored<Job>[], order: string[]][] = [
    ['neither has started', [job('b'), job('a')], ['a', 'b']],
    ['the first has not started', [job('a'), job('b', '', first)], ['b', 'a']],
    ['the second has not started', [job('b', '', first), job('a')], ['b', 'a']],
    ['both at once', [job('b', '', first), job('a', '', first)], ['a', 'b']],
    ['one after the other', [job('a', '', second), job('b', '', first)], ['b', 'a']],
  ];
  for (const [what, jobs, order] of orders)
    it(`is in the order of starting: ${what}`, () => assert.deepEqual(names(jobs.sort(byStartTime)), order));

  const jobs = [
    job('s3', 'Complete', '2019-03-01T00:00:00Z'),
    job('s1', 'Complete', '2019-01-01T00:00:00Z'),
    job('f1', 'Failed', '2019-01-01T00:00:00Z'),
    job('running', undefined, '2018-01-01T00:00:00Z'),
    job('s2', 'Complete', '2019-02-01T00:00:00Z'),
    job('f2', 'Failed', '2019-02-01T00:00:00Z'),
  ];
  const limits: [spec: object, beyond: string[]][] = [
    [{}, []],
    [{ successfulJobsHistoryLimit: 1 }, ['s1', 's2']],
    [{ successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 }, ['f1']],
    [{ successfulJobsHistoryLimit: 0, failedJobsHistoryLimit: 0 }, ['s1', 's2', 's3', 'f1', 'f2']],
    [{ successfulJobsHistoryLimit: 5, failedJobsHistoryLimit: 2 }, []],
  ];
  for (const [spec, beyond] of limits)
    it(`with ${JSON.stringify(spec)}: ${beyond.join(', ') || 'nothing'} goes`, () =>
      assert.deepEqual(names(beyondHistory(cronJob(spec), jobs)), beyond));
});
