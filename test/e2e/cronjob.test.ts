import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CronJob } from '../../src/kube/index.ts';
import { cannotMount, kubectlUntil, watchOf } from '../support/command.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

describe('a CronJob, by kubectl', { skip: cannotMount, timeout: 600_000 }, () => {
  const cluster = suiteCluster();
  const { k } = cluster;
  const cronJob = async (): Promise<CronJob> => JSON.parse(await k('get', 'cronjob', 'tick', '-o', 'json'));

  it('runs a job when its time comes', async () => {
    await k('create', 'cronjob', 'tick', '--image=host', '--schedule=@every 1s', '--', 'echo', 'tick');
    const watch = [...watchOf('cronjob', 'tick'), '-o', 'jsonpath={.status.lastSuccessfulTime}{"\\n"}'];
    await kubectlUntil(cluster.kubeconfig, watch, /Z$/, { limitMs: 60_000 });
    const [name = ''] = (await k('get', 'jobs', '-o', 'name')).split('\n');
    assert.match(name, /^job\.batch\/tick-\d{8}$/);
    // Another may have been the first to succeed.
    await k('wait', '--for=condition=Complete', name, '--timeout=60s');
    assert.equal(await k('logs', name), 'tick\n');
    assert.match(await k('get', 'jobs'), /tick-\d{8}\s+Complete\s+1\/1/);
    const { status } = await cronJob();
    assert.ok(Math.abs(Date.parse(status!.lastScheduleTime!) - Date.now()) < 120_000);
    assert.match(await k('get', 'cronjob', 'tick'), /tick\s+@every 1s\s+<none>\s+False\s+\d\s+\d+\w/);
    assert.match(
      await k('describe', 'cronjob', 'tick'),
      /SuccessfulCreate\s.*cronjob-controller\s+Created job tick-\d{8}/,
    );
  });

  it('is a template for jobs by hand', async () => {
    await k('patch', 'cronjob', 'tick', '-p', '{"spec":{"suspend":true}}');
    await k('create', 'job', 'by-hand', '--from=cronjob/tick');
    await k('wait', '--for=condition=Complete', 'job/by-hand', '--timeout=60s');
    assert.equal(await k('logs', 'job/by-hand'), 'tick\n');
    const annotations = await k('get', 'job', 'by-hand', '-o', 'jsonpath={.metadata.annotations}');
    assert.match(annotations, /"cronjob\.kubernetes\.io\/instantiate":"manual"/);
  });

  it('takes its jobs with it when it is deleted', async () => {
    await k('delete', 'cronjob', 'tick');
    await cluster.gone('jobs');
    await cluster.gone('pods');
  });
});
