import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, rfc3339, turn } from '../../base/index.ts';
import { type Client, Informers } from '../../client/index.ts';
import { type Job, jobs, type Pod, pods, type Stored } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createTtlAfterFinished } from '../ttl-after-finished/index.ts';
import { createJobController } from './index.ts';

async function world(test: TestContext) {
  const clock = new FakeClock();
  const stack = await startStack(test, { clock, watch: [jobs, pods] });
  const { client, context, until } = stack;
  const [podInformer, found] = [context.informers.of(pods), context.informers.of(jobs)];
  stack.run(createJobController(context), createTtlAfterFinished(context));
  const name = { namespace: 'default', name: 'work' };
  const job = () => found.get('work', 'default');
  const nameOf = ({ metadata }: Stored<Pod>) => ({ namespace: metadata.namespace, name: metadata.name });
  return {
    ...stack,
    clock,
    job,
    pods: () => [...podInformer.values()],
    running: () => [...podInformer.values()].filter(({ status }) => status?.phase === 'Pending'),
    condition: (type: string) => job()?.status?.conditions?.find((one) => one.type === type),
    create: (spec: object = {}) =>
      client.create<Job>(jobs, {
        metadata: name,
        spec: {
          template: {
            spec: { nodeName: 'n', restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] },
          },
          ...spec,
        },
      }),
    patch: (spec: object) => client.patch(jobs, name, { type: 'merge', body: { spec } }),
    remove: (propagationPolicy: 'Background' | 'Orphan') => client.delete(jobs, name, { propagationPolicy }),
    end: (pod: Stored<Pod>, phase: 'Succeeded' | 'Failed') => {
      const terminated = { exitCode: phase === 'Failed' ? 1 : 0, finishedAt: rfc3339(clock.now()) };
      const status = {
        name: 'c',
        image: 'i',
        imageID: '',
        ready: false,
        restartCount: 0,
        state: { terminated },
      };
      const body = { status: { phase, containerStatuses: [status] } };
      return client.patch(pods, nameOf(pod), { type: 'merge', body }, { subresource: 'status' });
    },
    /** What a node does with a pod that is told to go. */
    kill: (pod: Stored<Pod>) => client.delete(pods, nameOf(pod), { gracePeriodSeconds: 0 }),
    /** Events are told after what they tell of can be seen. */
    async told(text: string) {
      for (let looks = 0; looks < 100; looks++) {
        if ((await stack.events()).includes(text)) return;
        await turn();
      }
      assert.fail(`${text} was not told`);
    },
    podCount: (count: number) => until(`${count} pods`, () => podInformer.size === count),
  };
}

describe('Job controller', () => {
  it('runs pods until enough have succeeded, counts each once and lets it go', async (test) => {
    const w = await world(test);
    await w.create({ completions: 3, parallelism: 2 });
    await w.podCount(2);
    assert.deepEqual(w.pods()[0]?.metadata.finalizers, ['batch.kubernetes.io/job-tracking']);
    await w.until('two active', () => w.job()?.status?.active === 2);
    for (const pod of w.running()) await w.end(pod, 'Succeeded');
    await w.podCount(3);
    await w.until('two counted', () => w.job()?.status?.succeeded === 2);
    await w.end(w.running()[0]!, 'Succeeded');
    await w.until('the end', () => w.condition('Complete')?.status === 'True');
    const { status } = w.job()!;
    assert.deepEqual([status?.succeeded, status?.failed, status?.active], [3, undefined, undefined]);
    assert.deepEqual(status?.uncountedTerminatedPods, {});
    assert.equal(status?.completionTime, w.condition('Complete')?.lastTransitionTime);
    assert.deepEqual(
      status?.conditions?.map(({ type, reason }) => `${type} ${reason}`),
      ['SuccessCriteriaMet CompletionsReached', 'Complete CompletionsReached'],
    );
    await w.until('all free', () => w.pods().every(({ metadata }) => !metadata.finalizers?.length));
    assert.equal(w.pods().length, 3);
    await w.told('Completed: Job completed');
  });

  it('tries again after failures, later each time, and gives up', async (test) => {
    const w = await world(test);
    await w.create({ backoffLimit: 1 });
    await w.podCount(1);
    await w.end(w.running()[0]!, 'Failed');
    await w.until('one failure', () => w.job()?.status?.failed === 1);
    await w.clock.advance(9_000);
    assert.equal(w.pods().length, 1);
    await w.clock.advance(1_000);
    await w.podCount(2);
    await w.end(w.running()[0]!, 'Failed');
    const failed = await w.until('the end', () => w.condition('Failed'));
    assert.equal(
      `${failed.reason}: ${failed.message}`,
      'BackoffLimitExceeded: Job has reached the specified backoff limit',
    );
    assert.equal(w.job()?.status?.failed, 2);
    assert.equal(w.condition('FailureTarget')?.reason, 'BackoffLimitExceeded');
    await w.told('BackoffLimitExceeded: Job has reached the specified backoff limit');
  });

  it('ends at its deadline, when its pods have ended', async (test) => {
    const w = await world(test);
    await w.create({ activeDeadlineSeconds: 100 });
    await w.podCount(1);
    await w.until('it active', () => w.job()?.status?.active === 1);
    await w.clock.advance(99_000);
    assert.equal(w.condition('FailureTarget'), undefined);
    await w.clock.advance(1_000);
    await w.until('the failure', () => w.condition('FailureTarget')?.reason === 'DeadlineExceeded');
    await w.until('the pod told', () => w.pods()[0]?.metadata.deletionTimestamp);
    await w.until('it counted', () => w.job()?.status?.failed === 1);
    for (let i = 0; i < 10; i++) await turn();
    assert.equal(w.condition('Failed'), undefined);
    await w.kill(w.pods()[0]!);
    await w.until('the end', () => w.condition('Failed')?.reason === 'DeadlineExceeded');
    assert.equal(w.job()?.status?.failed, 1);
  });

  it('gives each index a pod, and tells which are done', async (test) => {
    const w = await world(test);
    await w.create({ completions: 3, parallelism: 3, completionMode: 'Indexed' });
    await w.podCount(3);
    const names = w.pods().map(({ metadata }) => metadata.name.replace(/-[a-z0-9]{5}$/, ''));
    assert.deepEqual(names.sort(), ['work-0', 'work-1', 'work-2']);
    const of = (index: string) => w.pods().find(({ spec }) => spec?.hostname === `work-${index}`)!;
    for (const index of ['0', '2']) await w.end(of(index), 'Succeeded');
    await w.until('two done', () => w.job()?.status?.completedIndexes === '0,2');
    await w.end(of('1'), 'Succeeded');
    await w.until('the end', () => w.condition('Complete') && w.job()?.status?.completedIndexes === '0-2');
  });

  it('stands still while suspended', async (test) => {
    const w = await world(test);
    await w.create();
    await w.podCount(1);
    await w.patch({ suspend: true });
    await w.until('it suspended', () => w.condition('Suspended')?.status === 'True');
    await w.until('the pod told', () => w.pods()[0]?.metadata.deletionTimestamp);
    await w.kill(w.pods()[0]!);
    await w.podCount(0);
    assert.equal(w.job()?.status?.startTime, undefined);
    await w.patch({ suspend: false });
    await w.podCount(1);
    await w.until('it resumed', () => w.condition('Suspended')?.status === 'False');
    assert.equal(w.job()?.status?.failed, undefined, 'pods of a suspended job have not failed');
    await w.told('Suspended: Job suspended');
    await w.told('Resumed: Job resumed');
  });

  it('goes when its time is over', async (test) => {
    const w = await world(test);
    await w.create({ ttlSecondsAfterFinished: 100 });
    await w.podCount(1);
    await w.end(w.running()[0]!, 'Succeeded');
    await w.until('the end', () => w.condition('Complete'));
    await turn();
    await w.clock.advance(99_000);
    assert.equal(w.job()?.metadata.deletionTimestamp, undefined);
    await w.clock.advance(1_000);
    await w.until('it going', () => !w.job() || w.job()?.metadata.deletionTimestamp);
  });

  it('holds no pod of a job that is gone', async (test) => {
    const w = await world(test);
    await w.create();
    await w.podCount(1);
    const [pod] = w.pods();
    await w.remove('Background');
    await w.until('the job gone', () => !w.job());
    await w.kill(pod!);
    await w.podCount(0);
  });

  it('adopts pods that it selects, and counts them', async (test) => {
    const w = await world(test);
    await w.client.create(pods, {
      metadata: { name: 'orphan', namespace: 'default', labels: { app: 'work' } },
      spec: { nodeName: 'n', restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] },
    });
    const spec = { nodeName: 'n', restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] };
    await w.create({
      manualSelector: true,
      selector: { matchLabels: { app: 'work' } },
      template: { metadata: { labels: { app: 'work' } }, spec },
    });
    await w.until('it held', () => w.pods()[0]?.metadata.finalizers?.length === 1);
    await w.end(w.pods()[0]!, 'Succeeded');
    await w.until('the end', () => w.condition('Complete'));
    assert.equal(w.pods().length, 1);
  });

  it('makes no pod too many while its cache of jobs is behind', async (test) => {
    const { client, context, until, run } = await startStack(test, { watch: [jobs, pods] });
    let made = 0;
    let gate = Promise.resolve();
    const late: Client = {
      ...client,
      create: (resource, object, options) => {
        if ((resource as object) === pods) made++;
        return client.create(resource, object, options);
      },
      async *watch(resource, options) {
        for await (const event of client.watch(resource, options)) {
          if ((resource as object) === jobs) await gate;
          yield event;
        }
      },
    };
    const informers = new Informers({ ...context, client: late });
    run({ name: 'late informers', start: (signal) => informers.start(signal) });
    run(createJobController({ ...context, client: late, informers }));
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
    await client.create<Job>(jobs, { metadata: { name: 'work', namespace: 'default' }, spec: { template } });
    const pod = () => [...context.informers.of(pods).values()][0];
    const job = () => context.informers.of(jobs).get('work', 'default');
    await until('the pod', () => pod() && job()?.status?.active === 1);
    const { promise, resolve } = Promise.withResolvers<void>();
    gate = promise;
    const name = { namespace: 'default', name: pod()!.metadata.name };
    const body = { status: { phase: 'Succeeded' } };
    await client.patch(pods, name, { type: 'merge', body }, { subresource: 'status' });
    await until('it counted', () => pod() && !pod()?.metadata.finalizers?.length);
    for (let i = 0; i < 10; i++) await turn();
    resolve();
    await until('the end', () => job()?.status?.conditions?.some(({ type }) => type === 'Complete'));
    assert.equal(made, 1);
  });
});
