import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, Metrics } from '../base/index.ts';
import { queueMetrics } from './queue-metrics.ts';
import { WorkQueue } from './workqueue.ts';

function measured() {
  const clock = new FakeClock();
  const metrics = new Metrics();
  const observers = queueMetrics(metrics, clock);
  const queue = (name: string) =>
    new WorkQueue(clock, { initialMs: 10, maxMs: 1000 }, undefined, observers(name));
  /** The figure of a metric for the queue `q`. */
  const figure = (name: string, queueName = 'q') => {
    const prefix = `workqueue_${name}{name="${queueName}"} `;
    const line = metrics
      .text()
      .split('\n')
      .find((one) => one.startsWith(prefix));
    return line === undefined ? undefined : Number(line.slice(prefix.length));
  };
  return { clock, metrics, queue, figure };
}

describe('metrics of work queues', () => {
  it('are there before there is work', () => {
    const { queue, figure } = measured();
    queue('q');
    assert.deepEqual(
      ['adds_total', 'depth', 'retries_total', 'unfinished_work_seconds'].map((name) => figure(name)),
      [0, 0, 0, 0],
    );
  });

  it('follow a key: added, waiting, worked on, done; one that comes again meanwhile counts anew', async () => {
    const { clock, queue: named, figure } = measured();
    const queue = named('q');
    queue.add('a');
    queue.add('a');
    queue.add('b');
    assert.deepEqual([figure('adds_total'), figure('depth')], [2, 2]);
    await clock.advance(2_000);
    assert.equal(await queue.take(), 'a');
    assert.deepEqual([figure('depth'), figure('queue_duration_seconds_sum')], [1, 2]);
    queue.add('a');
    queue.add('a');
    assert.deepEqual([figure('adds_total'), figure('depth')], [3, 2]);
    await clock.advance(3_000);
    assert.equal(await queue.take(), 'b');
    await clock.advance(1_000);
    assert.deepEqual(
      [figure('unfinished_work_seconds'), figure('longest_running_processor_seconds')],
      [5, 4],
    );
    queue.done('a');
    assert.deepEqual([figure('work_duration_seconds_count'), figure('work_duration_seconds_sum')], [1, 4]);
    assert.deepEqual([figure('adds_total'), figure('depth')], [3, 1], 'it was counted when it came');
    queue.done('b');
    assert.equal(figure('longest_running_processor_seconds'), 0);
  });

  it('count what comes back later, and what a waiting worker takes at once', async () => {
    const { clock, queue: named, figure } = measured();
    const queue = named('q');
    const taken = queue.take();
    queue.addRateLimited('a');
    assert.deepEqual([figure('retries_total'), figure('adds_total')], [1, 0]);
    await clock.advance(10);
    assert.equal(await taken, 'a');
    assert.deepEqual([figure('adds_total'), figure('depth')], [1, 0]);
  });

  it('are of all queues of a name together', () => {
    const { queue, figure } = measured();
    queue('q').add('a');
    queue('q').add('a');
    queue('other').add('a');
    assert.deepEqual([figure('depth'), figure('adds_total'), figure('depth', 'other')], [2, 2, 1]);
  });

  it('have the buckets of upstream', () => {
    const { queue, metrics } = measured();
    const one = queue('q');
    one.add('a');
    void one.take();
    const bounds = [...metrics.text().matchAll(/queue_duration_seconds_bucket\{name="q",le="([^"]+)"\}/g)];
    assert.deepEqual(
      bounds.map(([, le]) => le),
      '1e-08 1e-07 1e-06 9.999999999999999e-06 9.999999999999999e-05 0.001 0.01 0.1 1 10 +Inf'.split(' '),
    );
  });
});
