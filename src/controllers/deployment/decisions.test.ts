import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Deployment, ReplicaSet, Stored } from '../../kube/index.ts';
import { lastRevision, maxRevision, newestAnnotations, rolledBackAnnotations } from './annotations.ts';
import { maxSurge, maxUnavailable, newestSize, replicasOf } from './fenceposts.ts';
import { isComplete, nextProgressCheck, rolloutStatus } from './progress.ts';
import { findNewest, isScalingEvent, setsToDelete } from './replica-sets.ts';
import { rescale, rollNewest, rollOld, type Scaling } from './scaling.ts';
import { newSet } from './set-writer.ts';
import { computeStatus, pausedCondition, withCondition } from './status.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const HISTORY = 'deployment.kubernetes.io/revision-history';
const NOW = '2026-01-01T12:00:00Z';

type Surge = number | string;

function deployment(
  replicas: number,
  surge: Surge = '25%',
  unavailable: Surge = '25%',
  more: Partial<Deployment> = {},
): Stored<Deployment> {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'd',
      namespace: 'default',
      uid: 'd',
      resourceVersion: '1',
      creationTimestamp: NOW,
      generation: 1,
      ...more.metadata,
    },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'a' } },
      template: template('new'),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } },
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 2,
      ...more.spec,
    } as Deployment['spec'],
    status: more.status,
  };
}

const template = (image: string) => ({
  metadata: { labels: { app: 'a' } },
  spec: { containers: [{ name: 'c', image }] },
});

interface SetOptions {
  readonly available?: number;
  readonly annotations?: Record<string, string>;
  readonly image?: string;
  readonly created?: string;
  readonly pods?: number;
}

/** All its pods are available unless said otherwise. */
function set(name: string, replicas: number, options: SetOptions = {}): Stored<ReplicaSet> {
  const { available = replicas, annotations, image = name, created = NOW, pods = replicas } = options;
  const metadata = {
    name,
    namespace: 'default',
    uid: name,
    resourceVersion: '1',
    creationTimestamp: created,
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { ...metadata, annotations },
    spec: { replicas, selector: {}, template: template(image) },
    status: { replicas: pods, readyReplicas: available, availableReplicas: available },
  };
}

const sized = (desired: number, max: number) => ({
  'deployment.kubernetes.io/desired-replicas': String(desired),
  'deployment.kubernetes.io/max-replicas': String(max),
});

const texts = (scalings: readonly Scaling[]) =>
  scalings.map(({ set, to }) => `${set.metadata.name} ${to}`).join();

describe('the fenceposts of a rolling update', () => {
  const cases: [number, Surge, Surge, number, number][] = [
    [10, '25%', '25%', 3, 2],
    [1, '25%', '25%', 1, 0],
    [2, '0%', '1%', 0, 1],
    [10, 0, '1%', 0, 1],
    [4, 2, 10, 2, 4],
    [0, '25%', '25%', 0, 0],
    [3, 1, 0, 1, 0],
  ];
  for (const [replicas, surge, unavailable, most, least] of cases) {
    it(`${replicas} pods, surge ${surge}, unavailable ${unavailable}: ${most} and ${least}`, () => {
      const one = deployment(replicas, surge, unavailable);
      assert.equal(maxSurge(one), most);
      assert.equal(maxUnavailable(one), least);
    });
  }

  it('are none when pods are recreated', () => {
    const one = deployment(3, 1, 1, { spec: { strategy: { type: 'Recreate' } } as Deployment['spec'] });
    assert.deepEqual([maxSurge(one), maxUnavailable(one), newestSize(one, [], 0)], [0, 0, 3]);
  });
});

describe('a step of a rolling update', () => {
  const up: [string, number, Surge, number, number, string][] = [
    ['begins with the surge', 10, 3, 10, 0, 'new 3'],
    ['is full', 10, 3, 10, 3, ''],
    ['goes on as old ones go', 10, 3, 8, 3, 'new 5'],
    ['is over', 10, 3, 0, 10, ''],
    ['does not exceed what is wanted', 10, 3, 1, 8, 'new 10'],
    ['shrinks when there are too many', 10, 3, 0, 12, 'new 10'],
  ];
  for (const [why, replicas, surge, old, size, expected] of up) {
    it(`new: ${why}`, () => {
      const [newest, others] = [set('new', size), set('old', old)];
      assert.equal(texts(rollNewest(deployment(replicas, surge), newest, [others, newest])), expected);
    });
  }

  const down: [string, Stored<ReplicaSet>[], Stored<ReplicaSet>, string][] = [
    ['as much as may be unavailable', [set('old', 10)], set('new', 3, { available: 0 }), 'old 8'],
    ['no more until new ones are available', [set('old', 8)], set('new', 5, { available: 0 }), ''],
    ['as new ones become available', [set('old', 8)], set('new', 5, { available: 5 }), 'old 3'],
    ['unhealthy ones first', [set('old', 10, { available: 4 })], set('new', 3), 'old 5'],
    [
      'the oldest set first',
      [set('old2', 5, { created: '2026-01-01T13:00:00Z' }), set('old1', 5)],
      set('new', 3, { available: 0 }),
      'old1 3',
    ],
    ['nothing left', [set('old', 0)], set('new', 10), ''],
  ];
  for (const [why, old, newest, expected] of down) {
    it(`old: ${why}`, () => assert.equal(texts(rollOld(deployment(10, 3, 2), newest, old)), expected));
  }

  it('never has fewer available or more in all than allowed, and comes to its end', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 0, max: 10 }),
        fc.integer({ min: 0, max: 10 }),
        (replicas, surge, unavailable) => {
          fc.pre(surge + unavailable > 0);
          const one = deployment(replicas, surge, unavailable);
          let [newest, old] = [set('new', 0), set('old', replicas)];
          for (let step = 0; replicasOf(newest) < replicas || replicasOf(old) > 0; step++) {
            assert.ok(step < 4 * replicas + 4, 'it goes on for ever');
            // Pods become available one step after they were made.
            const grown = rollNewest(one, newest, [old, newest]).at(-1)?.to ?? replicasOf(newest);
            const shrunk = grown === replicasOf(newest) ? rollOld(one, newest, [old]).at(-1)?.to : undefined;
            const available = Math.min(grown, replicasOf(newest));
            old = set('old', shrunk ?? replicasOf(old));
            newest = set('new', grown, { available });
            assert.ok(replicasOf(old) + grown <= replicas + surge);
            assert.ok(replicasOf(old) + available >= replicas - maxUnavailable(one));
          }
        },
      ),
    ));
});

describe('a deployment that is resized', () => {
  const cases: [string, number, Stored<ReplicaSet> | undefined, Stored<ReplicaSet>[], string][] = [
    ['resizes its only active set', 5, set('new', 3), [set('old', 0)], 'new 5'],
    ['resizes the newest when none is active', 5, set('new', 0), [set('old', 0)], 'new 5'],
    [
      'resizes the youngest old one when there is no new one',
      5,
      undefined,
      [set('old1', 0), set('old2', 0, { created: '2026-01-02T12:00:00Z' })],
      'old2 5',
    ],
    ['leaves what fits', 3, set('new', 3), [], ''],
    [
      'shrinks old sets of a saturated new one',
      3,
      set('new', 3, { annotations: sized(3, 4) }),
      [set('old', 2)],
      'old 0',
    ],
    [
      'grows in proportion',
      20,
      set('new', 5, { annotations: sized(10, 10) }),
      [set('old', 5, { annotations: sized(10, 10) })],
      'new 10,old 10',
    ],
    [
      'gives the rest to the largest',
      12,
      set('new', 3, { annotations: sized(10, 10) }),
      [set('old', 7, { annotations: sized(10, 10) })],
      'old 8,new 4',
    ],
    [
      'shrinks in proportion',
      5,
      set('new', 5, { annotations: sized(10, 10) }),
      [set('old', 5, { annotations: sized(10, 10), created: '2025-01-01T12:00:00Z' })],
      'old 2,new 3',
    ],
    [
      'to nothing',
      0,
      set('new', 5, { annotations: sized(10, 10) }),
      [set('old', 5, { annotations: sized(10, 10) })],
      'new 0,old 0',
    ],
  ];
  for (const [why, replicas, newest, old, expected] of cases) {
    it(why, () => {
      const got = rescale(deployment(replicas, 0, 1), newest, old);
      assert.equal(texts(got).split(',').sort().join(), expected.split(',').sort().join());
    });
  }

  it('has exactly the allowed number of pods afterwards', () =>
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 5 }),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 5 }),
        (sizes, wanted, surge) => {
          const before = sizes.reduce((a, b) => a + b);
          const sets = sizes.map((size, i) => set(`s${i}`, size, { annotations: sized(before, before) }));
          const scalings = rescale(deployment(wanted, surge, 1), sets[0], sets.slice(1));
          const after = scalings.reduce((total, { to }) => total + to, 0);
          assert.ok(scalings.every(({ to }) => to >= 0));
          assert.equal(after, wanted === 0 ? 0 : wanted + surge);
        },
      ),
    ));

  it('is one by what its sets remember', () => {
    assert.equal(isScalingEvent(deployment(3), [set('new', 2, { annotations: sized(2, 3) })]), true);
    assert.equal(isScalingEvent(deployment(3), [set('new', 2, { annotations: sized(3, 4) })]), false);
    assert.equal(isScalingEvent(deployment(3), [set('new', 0, { annotations: sized(2, 3) })]), false);
    assert.equal(isScalingEvent(deployment(3), [set('new', 2)]), false);
  });
});

describe('revisions', () => {
  it('are counted over the sets; what is no number is none', () => {
    const sets = ['2', '5', 'x', '3'].map((text, i) =>
      set(`s${i}`, 0, { annotations: { [REVISION]: text } }),
    );
    assert.equal(maxRevision(sets), 5);
    assert.equal(lastRevision(sets), 3);
    assert.equal(lastRevision([]), 0);
  });

  it('go into the history when a set becomes the newest again', () => {
    const one = deployment(1, 1, 1, { metadata: { annotations: { note: 'n', [REVISION]: '9' } } });
    assert.deepEqual(newestAnnotations(one, undefined, 1), { note: 'n', [REVISION]: '1' });
    assert.deepEqual(newestAnnotations(one, { [REVISION]: '1' }, 3), {
      note: 'n',
      [REVISION]: '3',
      [HISTORY]: '1',
    });
    const again = newestAnnotations(one, { [REVISION]: '3', [HISTORY]: '1' }, 5);
    assert.equal(again[HISTORY], '1,3');
    assert.equal(newestAnnotations(one, { [REVISION]: '7' }, 5)[REVISION], '7');
    const long = newestAnnotations(one, { [REVISION]: '3', [HISTORY]: `1,${'2'.repeat(1997)}` }, 5)[HISTORY];
    assert.equal(long, `${'2'.repeat(1997)},3`);
  });

  it('take the annotations of a rollback’s set, but for those of the deployment itself', () => {
    const one = deployment(1, 1, 1, { metadata: { annotations: { cause: 'edit', [REVISION]: '2' } } });
    const old = set('old', 0, { annotations: { cause: 'create', [REVISION]: '1', ...sized(1, 2) } });
    assert.deepEqual(rolledBackAnnotations(one, old), { cause: 'create', [REVISION]: '2' });
  });

  it('are kept up to the limit, lowest first, those with pods longer', () => {
    const old = [3, 1, 2, 4].map((revision) =>
      set(`s${revision}`, revision === 1 ? 1 : 0, { annotations: { [REVISION]: String(revision) } }),
    );
    assert.deepEqual(
      setsToDelete(deployment(1), old).map(({ metadata }) => metadata.name),
      ['s2'],
    );
  });
});

describe('the newest set', () => {
  it('is the oldest one with the template', () => {
    const young = set('young', 0, { image: 'new', created: '2026-01-02T12:00:00Z' });
    const old = set('old', 0, { image: 'new' });
    assert.equal(findNewest(deployment(1), [young, set('other', 1), old]), old);
  });

  it('is named by its template and the collisions, and selects by that', () => {
    const one = newSet(deployment(1), 4);
    const hash = one.metadata?.labels?.['pod-template-hash'];
    assert.equal(one.metadata?.name, `d-${hash}`);
    assert.deepEqual(one.spec?.selector.matchLabels, { app: 'a', 'pod-template-hash': hash });
    assert.equal(one.spec?.template?.metadata?.labels?.['pod-template-hash'], hash);
    assert.equal(one.metadata?.annotations?.[REVISION], '4');
    assert.equal(newSet(deployment(1), 5).metadata?.name, one.metadata?.name);
    assert.notEqual(newSet(deployment(1), 4, 1).metadata?.name, one.metadata?.name);
    const long = deployment(1, 1, 1, { metadata: { name: 'x'.repeat(253) } });
    assert.equal(newSet(long, 1).metadata?.name?.length, 253);
  });
});

describe('the status', () => {
  const at = (ms: number) => Date.parse(NOW) + ms;
  const progressing = (reason: string, status = 'True', since = NOW) => ({
    type: 'Progressing',
    status,
    reason,
    message: '',
    lastUpdateTime: since,
    lastTransitionTime: since,
  });
  function report(
    one: Stored<Deployment>,
    newest: Stored<ReplicaSet> | undefined,
    old: Stored<ReplicaSet>[] = [],
    nowMs = at(0),
  ) {
    const nowText = new Date(nowMs).toISOString();
    const conditions = one.status?.conditions ?? [];
    const input = { deployment: one, conditions, newest, old, collisionCount: undefined, nowText };
    const status = rolloutStatus(input, computeStatus(input), nowMs);
    const condition = (type: string) => status.conditions?.find((found) => found.type === type);
    return {
      status,
      condition,
      words: `${condition('Progressing')?.status} ${condition('Progressing')?.reason}`,
    };
  }

  it('counts', () => {
    const { status, condition } = report(deployment(10, 3, 2), set('new', 5, { available: 2, pods: 4 }), [
      set('old', 6),
    ]);
    const { conditions: _, ...counts } = status;
    assert.deepEqual(counts, {
      observedGeneration: 1,
      replicas: 10,
      updatedReplicas: 4,
      readyReplicas: 8,
      availableReplicas: 8,
      unavailableReplicas: 3,
      terminatingReplicas: 0,
      collisionCount: undefined,
    });
    assert.equal(condition('Available')?.reason, 'MinimumReplicasAvailable');
    assert.equal(
      report(deployment(10, 3, 1), set('new', 8)).condition('Available')?.reason,
      'MinimumReplicasUnavailable',
    );
  });

  it('tells of progress, of the end, and of none', () => {
    const status = { conditions: [progressing('NewReplicaSetCreated')] };
    const fresh = deployment(2, 1, 0, { status });
    const moving = report(fresh, set('new', 1, { available: 0 }));
    assert.equal(moving.words, 'True ReplicaSetUpdated');
    assert.equal(moving.condition('Progressing')?.message, 'ReplicaSet "new" is progressing.');
    const done = report(fresh, set('new', 2));
    assert.equal(done.words, 'True NewReplicaSetAvailable');
    assert.equal(done.condition('Progressing')?.message, 'ReplicaSet "new" has successfully progressed.');
    assert.ok(isComplete(fresh, done.status));

    const stuck = deployment(2, 1, 0, { status: moving.status });
    assert.equal(
      report(stuck, set('new', 1, { available: 0 }), [], at(600_000)).words,
      'True ReplicaSetUpdated',
    );
    const late = report(stuck, set('new', 1, { available: 0 }), [], at(600_001));
    assert.equal(late.words, 'False ProgressDeadlineExceeded');
    assert.equal(late.condition('Progressing')?.message, 'ReplicaSet "new" has timed out progressing.');
    assert.equal(nextProgressCheck(stuck, moving.status, at(100_000)), 501_000);
    assert.equal(nextProgressCheck(stuck, late.status, at(100_000)), undefined);
  });

  it('does not judge an update that is over, or that nobody has set a time for', () => {
    const over = deployment(2, 1, 0, {
      status: { conditions: [progressing('NewReplicaSetAvailable')], replicas: 2 },
    });
    assert.equal(
      report(over, set('new', 2, { available: 1 }), [], at(1e9)).words,
      'True NewReplicaSetAvailable',
    );
    const careless = deployment(2, 1, 0, {
      spec: { progressDeadlineSeconds: 2 ** 31 - 1 } as Deployment['spec'],
    });
    assert.equal(report(careless, set('new', 1)).condition('Progressing'), undefined);
  });

  it('says what its sets complain of', () => {
    const failed = {
      type: 'ReplicaFailure',
      status: 'True',
      reason: 'FailedCreate',
      message: 'quota',
      lastTransitionTime: NOW,
    };
    const newest = { ...set('new', 1, { available: 0 }), status: { replicas: 0, conditions: [failed] } };
    const one = report(deployment(2), newest);
    assert.deepEqual(one.condition('ReplicaFailure'), { ...failed, lastUpdateTime: NOW });
    assert.equal(
      report(deployment(2, 1, 1, { status: one.status }), set('new', 1)).condition('ReplicaFailure'),
      undefined,
    );
  });

  it('notes pauses', () => {
    const paused = deployment(1, 1, 1, { spec: { paused: true } as Deployment['spec'] });
    assert.equal(pausedCondition(paused, [])?.reason, 'DeploymentPaused');
    const conditions = withCondition([], pausedCondition(paused, [])!, NOW);
    assert.equal(pausedCondition(paused, conditions), undefined);
    assert.equal(pausedCondition(deployment(1), conditions)?.reason, 'DeploymentResumed');
    assert.equal(pausedCondition(paused, [progressing('ProgressDeadlineExceeded')]), undefined);
  });
});
