import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Job, JobSpec, JobStatus, Pod, Stored } from '../../kube/index.ts';
import { countFailures, finishedAt, NO_FAILURES, remainingMs } from './backoff.ts';
import { countPods, settle } from './counting.ts';
import {
  countCommon,
  countIndexes,
  firstMissing,
  formatIndexes,
  hasIndex,
  parseIndexes,
  withIndexes,
} from './indexes.ts';
import { newJobPod } from './job-pod.ts';
import { completionOutcome, outcomeSoFar } from './outcome.ts';
import { failurePolicyMatch } from './pod-failure-policy.ts';
import { planPods } from './pod-plan.ts';
import { FINALIZER_TRACKING } from './pods.ts';
import { observeJob } from './state.ts';
import { successPolicyMatch } from './success-policy.ts';

const START = '2026-01-01T12:00:00Z';
const NOW = Date.parse(START) + 60_000;

function job(spec: Partial<JobSpec> = {}, status: JobStatus = {}, metadata: object = {}): Stored<Job> {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: 'j',
      namespace: 'default',
      uid: 'j',
      resourceVersion: '1',
      creationTimestamp: START,
      ...metadata,
    },
    spec: {
      parallelism: 2,
      completions: 3,
      backoffLimit: 6,
      template: { spec: { containers: [{ name: 'c' }], restartPolicy: 'Never' } },
      ...spec,
    } as JobSpec,
    status: { startTime: START, ...status },
  };
}

interface PodOptions {
  readonly index?: number;
  readonly going?: boolean;
  readonly released?: boolean;
  readonly endedAt?: number;
  readonly exitCode?: number;
  readonly restarts?: number;
  readonly annotations?: Record<string, string>;
  readonly conditions?: NonNullable<Pod['status']>['conditions'];
}

function pod(name: string, phase = 'Running', options: PodOptions = {}): Stored<Pod> {
  const { index, going, released, endedAt = 0, exitCode = 1, restarts = 0, conditions } = options;
  const finishedAt = new Date(Date.parse(START) + endedAt).toISOString();
  const ended = phase === 'Succeeded' || phase === 'Failed';
  const code = phase === 'Succeeded' ? 0 : exitCode;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      resourceVersion: '1',
      creationTimestamp: START,
      finalizers: released ? undefined : [FINALIZER_TRACKING],
      deletionTimestamp: going ? START : undefined,
      annotations: {
        ...(index === undefined ? {} : { 'batch.kubernetes.io/job-completion-index': String(index) }),
        ...options.annotations,
      },
    },
    spec: { containers: [] },
    status: {
      phase,
      conditions,
      containerStatuses: [
        {
          name: 'c',
          image: '',
          imageID: '',
          ready: false,
          restartCount: restarts,
          state: ended ? { terminated: { exitCode: code, finishedAt } } : { running: {} },
        },
      ],
    },
  };
}

const many = (count: number, phase: string, options?: PodOptions) =>
  Array.from({ length: count }, (_, i) => pod(`${phase}${i}`, phase, options));
const observe = (one: Stored<Job>, pods: Stored<Pod>[]) => observeJob(one, pods, new Set());

describe('sets of indexes', () => {
  it('are read and written as ranges', () => {
    assert.equal(formatIndexes(parseIndexes('1,3-5,7,8', 10)), '1,3-5,7,8');
    assert.equal(formatIndexes(withIndexes([], [3, 1, 2, 7])), '1-3,7');
    assert.equal(formatIndexes(parseIndexes('0-9', 5)), '0-4');
    assert.equal(formatIndexes(parseIndexes('x,2,-', 5)), '2');
    assert.equal(formatIndexes(parseIndexes(undefined, 5)), '');
  });

  it('are sets', () =>
    fc.assert(
      fc.property(fc.array(fc.nat(30)), fc.array(fc.nat(30)), fc.nat(10), (a, b, count) => {
        const [first, second] = [withIndexes([], a), withIndexes([], b)];
        const all = new Set([...a, ...b]);
        const both = withIndexes(first, b);
        assert.deepEqual(parseIndexes(formatIndexes(both), 31), both);
        assert.equal(countIndexes(both), all.size);
        assert.equal(countCommon(first, second), new Set(a.filter((index) => b.includes(index))).size);
        for (let index = 0; index < 32; index++) assert.equal(hasIndex(both, index), all.has(index));
        const missing = Array.from({ length: 31 }, (_, index) => index).filter((index) => !all.has(index));
        assert.deepEqual(firstMissing(both, count, 31), missing.slice(0, count));
      }),
    ));
});

describe('what to do about the pods of a job', () => {
  const cases: [string, Stored<Job>, Stored<Pod>[], string][] = [
    ['begins with its parallelism', job(), [], 'create -,-'],
    ['makes no more than are to succeed', job({}, { succeeded: 2 }), [], 'create -'],
    ['makes up for one that has ended', job(), [pod('a'), pod('b', 'Succeeded')], 'create -'],
    ['has enough', job(), [pod('a'), pod('b')], 'none'],
    ['takes what is too many', job({ parallelism: 1 }), [pod('a'), pod('b', 'Pending')], 'delete b'],
    [
      'without completions: goes on until one succeeds',
      job({ completions: undefined }),
      [pod('a')],
      'create -',
    ],
    [
      'without completions: leaves the rest alone then',
      job({ completions: undefined }),
      [pod('a'), pod('b', 'Succeeded')],
      'none',
    ],
    ['suspended: takes all', job({ suspend: true }), [pod('a'), pod('b')], 'delete a,b'],
    ['replaces one that is going', job(), [pod('a'), pod('b', 'Running', { going: true })], 'create -'],
    [
      'waits for it to end if told so',
      job({ podReplacementPolicy: 'Failed' }),
      [pod('a'), pod('b', 'Running', { going: true })],
      'none',
    ],
    ['Indexed: the lowest first', job({ completionMode: 'Indexed' }), [], 'create 0,1'],
    [
      'Indexed: those that miss',
      job({ completionMode: 'Indexed' }, { completedIndexes: '0' }),
      [pod('a', 'Running', { index: 1 })],
      'create 2',
    ],
    [
      'Indexed: one pod an index',
      job({ completionMode: 'Indexed' }),
      [pod('a', 'Running', { index: 0 }), pod('b', 'Pending', { index: 0 })],
      'delete b',
    ],
    [
      'Indexed: none without or beyond',
      job({ completionMode: 'Indexed' }),
      [pod('a'), pod('b', 'Running', { index: 3 }), pod('c', 'Running', { index: 0 })],
      'delete a,b',
    ],
    [
      'an index that failed for good is not tried again',
      job({ completionMode: 'Indexed', backoffLimitPerIndex: 0 }),
      [pod('a', 'Failed', { index: 0 })],
      'create 1,2',
    ],
    [
      'an index that failed waits',
      job({ completionMode: 'Indexed', backoffLimitPerIndex: 1, completions: 1 }),
      [pod('a', 'Failed', { index: 0, endedAt: 55_000 })],
      'wait 5000',
    ],
  ];
  for (const [why, one, pods, expected] of cases) {
    it(why, () => {
      const plan = planPods(observe(one, pods), NO_FAILURES, NOW);
      const text =
        plan.action === 'create'
          ? plan.indexes.map((index) => index ?? '-').join()
          : plan.action === 'delete'
            ? plan.pods
                .map(({ metadata }) => metadata.name)
                .sort()
                .join()
            : plan.action === 'wait'
              ? plan.ms
              : '';
      assert.equal(`${plan.action} ${text}`.trim(), expected);
    });
  }

  it('waits after failures, longer each time', () => {
    const plan = planPods(observe(job(), []), { count: 2, lastMs: NOW - 5_000 }, NOW);
    assert.deepEqual(plan, { action: 'wait', ms: 15_000 });
  });
});

describe('failures', () => {
  it('count since the last success', () => {
    const failed = [10_000, 30_000].map((endedAt) => pod(`f${endedAt}`, 'Failed', { endedAt }));
    const at = (ms: number) => Date.parse(START) + ms;
    assert.deepEqual(countFailures(NO_FAILURES, [], failed), { count: 2, lastMs: at(30_000) });
    assert.deepEqual(countFailures({ count: 3, lastMs: 1 }, [], failed.slice(1)), {
      count: 4,
      lastMs: at(30_000),
    });
    const success = [pod('s', 'Succeeded', { endedAt: 20_000 })];
    assert.deepEqual(countFailures({ count: 3, lastMs: 1 }, success, failed), {
      count: 1,
      lastMs: at(30_000),
    });
    assert.deepEqual(countFailures({ count: 3, lastMs: 1 }, success, []), NO_FAILURES);
  });

  it('wait 10 s, twice as long each time, ten minutes at most', () => {
    const waits = [0, 1, 2, 3, 7, 20].map((count) => remainingMs({ count, lastMs: NOW }, NOW) / 1000);
    assert.deepEqual(waits, [0, 10, 20, 40, 600, 600]);
    assert.equal(remainingMs({ count: 1, lastMs: NOW - 60_000 }, NOW), 0);
  });

  it('happen when the containers end, or by the next best guess', () => {
    assert.equal(finishedAt(pod('a', 'Failed', { endedAt: 7_000 })), Date.parse(START) + 7_000);
    const unready = [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T12:00:08Z' }];
    assert.equal(finishedAt(pod('a', 'Running', { conditions: unready })), Date.parse(START) + 8_000);
    assert.equal(finishedAt(pod('a', 'Running', { going: true })), Date.parse(START));
  });
});

describe('how a job ends', () => {
  const condition = (type: string, reason = 'R', message = 'm') => ({
    type,
    status: 'True',
    reason,
    message,
  });
  const cases: [string, Stored<Job>, Stored<Pod>[], string | undefined][] = [
    ['goes on', job(), [pod('a')], undefined],
    ['up to the limit', job({ backoffLimit: 1 }), many(1, 'Failed'), undefined],
    ['beyond the limit', job({ backoffLimit: 1 }), many(2, 'Failed'), 'FailureTarget BackoffLimitExceeded'],
    [
      'with those counted before',
      job({ backoffLimit: 1 }, { failed: 1 }),
      many(1, 'Failed'),
      'FailureTarget BackoffLimitExceeded',
    ],
    [
      'deleted pods count',
      job({ backoffLimit: 0 }),
      many(1, 'Running', { going: true }),
      'FailureTarget BackoffLimitExceeded',
    ],
    [
      'not those of which the end is awaited',
      job({ backoffLimit: 0, podReplacementPolicy: 'Failed' }),
      many(1, 'Running', { going: true }),
      undefined,
    ],
    [
      'restarts count',
      job({ backoffLimit: 3, template: { spec: { containers: [], restartPolicy: 'OnFailure' } } }),
      many(1, 'Running', { restarts: 3 }),
      'FailureTarget BackoffLimitExceeded',
    ],
    ['at the deadline', job({ activeDeadlineSeconds: 60 }), [], 'FailureTarget DeadlineExceeded'],
    ['before the deadline', job({ activeDeadlineSeconds: 61 }), [], undefined],
    [
      'the deadline of a suspended job does not run',
      job({ activeDeadlineSeconds: 1, suspend: true }),
      [],
      undefined,
    ],
    ['after a failure was told of', job({}, { conditions: [condition('FailureTarget')] }), [], 'Failed R'],
    [
      'after a success was told of',
      job({ backoffLimit: 0 }, { conditions: [condition('SuccessCriteriaMet')] }),
      many(1, 'Failed'),
      'SuccessCriteriaMet R',
    ],
    [
      'indexes of its own that failed',
      job({ completionMode: 'Indexed', completions: 2, backoffLimitPerIndex: 0 }, { completedIndexes: '0' }),
      [pod('a', 'Failed', { index: 1 })],
      'FailureTarget FailedIndexes',
    ],
    [
      'too many of them',
      job({ completionMode: 'Indexed', backoffLimitPerIndex: 0, maxFailedIndexes: 0 }),
      [pod('a', 'Failed', { index: 1 })],
      'FailureTarget MaxFailedIndexesExceeded',
    ],
    [
      'by a success policy',
      job({ completionMode: 'Indexed', successPolicy: { rules: [{ succeededIndexes: '1' }] } }),
      [pod('a', 'Succeeded', { index: 1 })],
      'SuccessCriteriaMet SuccessPolicy',
    ],
  ];
  for (const [why, one, pods, expected] of cases) {
    it(why, () => {
      const outcome = outcomeSoFar(observe(one, pods), NOW);
      assert.equal(outcome && `${outcome.type} ${outcome.reason}`, expected);
    });
  }

  it('with its completions, once no pod is left', () => {
    const done = observe(job({ completions: 1 }), many(1, 'Succeeded'));
    assert.equal(completionOutcome(done, 1), undefined);
    assert.equal(completionOutcome(done, 0)?.reason, 'CompletionsReached');
    assert.equal(completionOutcome(observe(job(), many(2, 'Succeeded')), 0), undefined);
    assert.ok(completionOutcome(observe(job({ completions: undefined }), many(1, 'Succeeded')), 0));
  });
});

describe('policies', () => {
  const policy = (action: string, rule: object) =>
    job({ podFailurePolicy: { rules: [{ action, ...rule }] } } as Partial<JobSpec>);
  const exit = (operator: string, ...values: number[]) => ({ onExitCodes: { operator, values } });
  it('for failures look at exit codes and conditions; the first rule that fits decides', () => {
    const failed = pod('a', 'Failed', { exitCode: 42 });
    assert.deepEqual(failurePolicyMatch(policy('Ignore', exit('In', 42)), failed), {
      counts: false,
      action: 'Ignore',
    });
    assert.deepEqual(failurePolicyMatch(policy('Ignore', exit('NotIn', 42)), failed), { counts: true });
    assert.deepEqual(failurePolicyMatch(policy('Count', exit('NotIn', 1)), failed), {
      counts: true,
      action: 'Count',
    });
    assert.equal(
      failurePolicyMatch(policy('FailJob', exit('In', 42)), failed).failsJob,
      'Container c for pod default/a failed with exit code 42 matching FailJob rule at index 0',
    );
    const disrupted = pod('a', 'Failed', { conditions: [{ type: 'DisruptionTarget', status: 'True' }] });
    assert.equal(
      failurePolicyMatch(policy('FailJob', { onPodConditions: [{ type: 'DisruptionTarget' }] }), disrupted)
        .failsJob,
      'Pod default/a has condition DisruptionTarget matching FailJob rule at index 0',
    );
    assert.equal(
      outcomeSoFar(observe(policy('FailJob', exit('In', 42)), [failed]), NOW)?.reason,
      'PodFailurePolicy',
    );
  });

  it('for successes count indexes', () => {
    const rules = (...all: object[]) =>
      ({ completions: 10, successPolicy: { rules: all } }) as unknown as JobSpec;
    const done = withIndexes([], [1, 2]);
    assert.equal(successPolicyMatch(rules({ succeededIndexes: '1-3' }), done), undefined);
    assert.equal(
      successPolicyMatch(rules({ succeededIndexes: '1-3', succeededCount: 2 }), done),
      'Matched rules at index 0',
    );
    assert.equal(
      successPolicyMatch(rules({ succeededCount: 3 }, { succeededCount: 2 }), done),
      'Matched rules at index 1',
    );
    assert.equal(successPolicyMatch(rules({ succeededCount: 0 }), []), undefined);
  });
});

describe('counting', () => {
  it('notes uids first and makes them numbers when the finalizers are gone', () => {
    const pods = [...many(1, 'Succeeded'), ...many(2, 'Failed'), pod('r')];
    const one = job();
    const count = countPods(observe(one, pods), one.status!, undefined);
    assert.deepEqual(count.status.uncountedTerminatedPods, {
      succeeded: ['Succeeded0'],
      failed: ['Failed0', 'Failed1'],
    });
    assert.deepEqual(
      count.release.map(({ metadata }) => metadata.name),
      ['Succeeded0', 'Failed0', 'Failed1'],
    );
    assert.equal(count.status.succeeded, 0);

    const after = settle(count.status, (uid) => uid === 'Failed1');
    assert.deepEqual([after.succeeded, after.failed], [1, 1]);
    assert.deepEqual(after.uncountedTerminatedPods, { failed: ['Failed1'] });
  });

  it('counts no pod twice, whatever was written before', () => {
    const noted = job({}, { uncountedTerminatedPods: { failed: ['Failed0'] } });
    const again = countPods(observe(noted, many(1, 'Failed')), noted.status!, undefined);
    assert.deepEqual(again.status.uncountedTerminatedPods, { failed: ['Failed0'] });
    assert.equal(observe(noted, many(1, 'Failed')).failed, 1);
    const released = observeJob(noted, many(1, 'Failed'), new Set(['Failed0']));
    assert.equal(countPods(released, noted.status!, undefined).status.failed, 1);
    assert.deepEqual(countPods(released, noted.status!, undefined).release, []);
  });

  it('counts the rest as failed when the job has failed, not when it has succeeded', () => {
    const one = job();
    const count = (type: string) =>
      countPods(observe(one, [pod('r')]), one.status!, { type, status: 'True', reason: '', message: '' });
    assert.deepEqual(count('FailureTarget').status.uncountedTerminatedPods, { failed: ['r'] });
    assert.deepEqual(count('SuccessCriteriaMet').status.uncountedTerminatedPods, {});
    assert.equal(count('SuccessCriteriaMet').release.length, 1);
  });

  it('keeps the indexes of an Indexed job, and the last failed pod of one to be tried again', () => {
    const one = job({ completionMode: 'Indexed', backoffLimitPerIndex: 1 }, { completedIndexes: '0' });
    const pods = [pod('a', 'Succeeded', { index: 1 }), pod('b', 'Failed', { index: 2 })];
    const count = countPods(observe(one, pods), one.status!, undefined);
    assert.equal(count.status.completedIndexes, '0,1');
    assert.equal(count.status.succeeded, 2);
    assert.equal(count.status.failedIndexes, '');
    assert.deepEqual(
      count.release.map(({ metadata }) => metadata.name),
      ['a'],
    );
    const successor = newJobPod(one, 2, pods[1]);
    assert.equal(successor.metadata?.annotations?.['batch.kubernetes.io/job-index-failure-count'], '1');
  });
});

describe('a pod of a job', () => {
  it('is held until it is counted', () => {
    const made = newJobPod(job(), undefined, undefined);
    assert.deepEqual(made.metadata?.finalizers, [FINALIZER_TRACKING]);
    assert.equal(made.metadata?.generateName, 'j-');
  });

  it('of an index says which', () => {
    const made = newJobPod(job({ completionMode: 'Indexed' }), 7, undefined);
    assert.equal(made.metadata?.generateName, 'j-7-');
    assert.equal(made.spec?.hostname, 'j-7');
    assert.equal(made.metadata?.labels?.['batch.kubernetes.io/job-completion-index'], '7');
    assert.equal(made.metadata?.annotations?.['batch.kubernetes.io/job-completion-index'], '7');
    assert.deepEqual(made.spec?.containers[0]?.env, [
      {
        name: 'JOB_COMPLETION_INDEX',
        valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } },
      },
    ]);
    const long = newJobPod(job({}, {}, { name: 'x'.repeat(63) }), 7, undefined);
    assert.equal(long.metadata?.generateName?.length, 58);
  });
});
