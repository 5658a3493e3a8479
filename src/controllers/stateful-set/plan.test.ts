import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeClaim, makePod, makeSet, NOW, type PodState, planFor, texts } from './fixtures.ts';

/** States of web-0, web-1, …; '-' for no pod; a state after ':' is of an old revision. */
type Pods = string;

function pods(set: ReturnType<typeof makeSet>, described: Pods) {
  return described.split(' ').flatMap((word, index) => {
    if (word === '-' || word === '') return [];
    const [state, old] = word.split(':');
    return [makePod(set, index, state as PodState, old ? 'web-old' : 'web-new')];
  });
}

describe('an ordered set', () => {
  const cases: [why: string, set: Parameters<typeof makeSet>[0], pods: Pods, actions: string[]][] = [
    ['begins with the first pod', {}, '', ['create-pod web-0']],
    ['waits for a pod that is pending', {}, 'pending', []],
    ['waits for a pod that runs but is not ready', {}, 'running', []],
    ['goes on when the pod is ready', {}, 'ready', ['create-pod web-1']],
    ['fills a gap before it goes on', {}, 'ready - ready', ['create-pod web-1']],
    ['waits for a pod that leaves', {}, 'ready leaving ready', []],
    ['rests when all are ready', {}, 'ready ready ready', []],
    ['makes a failed pod anew', {}, 'ready failed ready', ['delete-pod web-1']],
    ['makes a succeeded pod anew', {}, 'succeeded ready ready', ['delete-pod web-0']],
    ['scales down from the highest', { replicas: 1 }, 'ready ready ready', ['delete-pod web-2']],
    ['scales down one at a time', { replicas: 1 }, 'ready ready leaving', []],
    ['scales down only while what comes before is well', { replicas: 1 }, 'ready running running', []],
    ['scales down the unhealthy one itself', { replicas: 2 }, 'ready ready running', ['delete-pod web-2']],
    ['heals what stays before it scales down', { replicas: 2 }, 'ready running ready', []],
    ['scales down to nothing', { replicas: 0 }, 'ready', ['delete-pod web-0']],
    ['updates from the highest', {}, 'ready:old ready:old ready:old', ['delete-pod web-2']],
    ['updates the next when the last is ready', {}, 'ready:old ready:old ready', ['delete-pod web-1']],
    [
      'leaves pods below the partition',
      { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } },
      'ready:old ready:old ready',
      [],
    ],
    [
      'updates several at once if several may be unavailable',
      {
        updateStrategy: {
          type: 'RollingUpdate',
          rollingUpdate: { partition: 0, maxUnavailable: 2 as never },
        },
      },
      'ready:old ready:old ready:old',
      ['delete-pod web-2', 'delete-pod web-1'],
    ],
    [
      'updates nothing OnDelete',
      { updateStrategy: { type: 'OnDelete' } },
      'ready:old ready:old ready:old',
      [],
    ],
  ];
  for (const [why, spec, described, actions] of cases) {
    it(why, () => {
      const set = makeSet(spec);
      assert.deepEqual(texts(planFor(set, pods(set, described)).steps), actions);
    });
  }

  it('counts from its start ordinal', () => {
    const set = makeSet({ replicas: 2, ordinals: { start: 5 } });
    assert.deepEqual(texts(planFor(set, []).steps), ['create-pod web-5']);
    const present = [makePod(set, 5, 'ready'), makePod(set, 6, 'ready'), makePod(set, 4, 'ready')];
    assert.deepEqual(texts(planFor(set, present).steps), ['delete-pod web-4']);
  });

  it('waits until a pod has been ready for minReadySeconds', () => {
    const set = makeSet({ minReadySeconds: 3_600 });
    const pod = makePod(set, 0, 'ready');
    assert.deepEqual(texts(planFor(set, [pod], { nowMs: NOW - 1 }).steps), []);
    assert.deepEqual(texts(planFor(set, [pod]).steps), ['create-pod web-1']);
  });

  it('does nothing while it is being deleted', () => {
    const set = makeSet({}, { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });
    assert.deepEqual(texts(planFor({ ...set, metadata: { ...set.metadata, name: 'web' } }, []).steps), []);
  });

  it('makes pods below the partition at the current revision', () => {
    const set = makeSet({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } });
    const revision = (ordinal: number) => {
      const ready = Array.from({ length: ordinal }, (_, i) => makePod(set, i, 'ready'));
      const action = planFor(set, ready).steps.flat()[0];
      return action?.type === 'create-pod' && action.pod.metadata?.labels?.['controller-revision-hash'];
    };
    assert.equal(revision(0), 'web-old');
    assert.equal(revision(1), 'web-new');
  });
});

describe('a parallel set', () => {
  const parallel = { podManagementPolicy: 'Parallel' };
  const cases: [why: string, set: Parameters<typeof makeSet>[0], pods: Pods, actions: string[]][] = [
    ['makes all pods at once', {}, '', ['create-pod web-0', 'create-pod web-1', 'create-pod web-2']],
    ['does not wait for a leaving pod', {}, 'leaving', ['create-pod web-1', 'create-pod web-2']],
    [
      'deletes all that are too many',
      { replicas: 1 },
      'ready running ready',
      ['delete-pod web-2', 'delete-pod web-1'],
    ],
    ['updates one at a time', {}, 'ready:old ready:old ready:old', ['delete-pod web-2']],
    ['does not update beside an unavailable pod', {}, 'ready:old ready:old running', []],
  ];
  for (const [why, spec, described, actions] of cases) {
    it(why, () => {
      const set = makeSet({ ...parallel, ...spec });
      assert.deepEqual(texts(planFor(set, pods(set, described)).steps), actions);
    });
  }
});

describe('claims', () => {
  it('are made before their pod, named and labelled after the set', () => {
    const set = makeSet();
    const { steps } = planFor(set, [], { claim: () => undefined });
    assert.deepEqual(texts(steps), ['create-claims data-web-0', 'create-pod web-0']);
    const [made, pod] = steps.flat();
    assert.ok(made?.type === 'create-claims' && pod?.type === 'create-pod');
    assert.deepEqual(made.claims[0]!.metadata?.labels, { tier: 'db', app: 'web' });
    assert.deepEqual(pod.pod.spec?.volumes, [
      { name: 'data', persistentVolumeClaim: { claimName: 'data-web-0' } },
    ]);
  });

  it('are made anew for a pod that is pending', () => {
    const set = makeSet();
    const { steps } = planFor(set, [makePod(set, 0, 'pending')], { claim: () => undefined });
    assert.deepEqual(texts(steps), ['create-claims data-web-0']);
  });

  it('that are being deleted hold up their pod', () => {
    const claim = (name: string) => makeClaim(name, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    assert.deepEqual(texts(planFor(makeSet(), [], { claim }).steps), [
      'create-claims data-web-0 leaving',
      'create-pod web-0',
    ]);
  });

  const policy = (whenDeleted: string, whenScaled: string) => ({
    persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
    replicas: 1,
  });
  const owner = (kind: string, name: string, uid: string) => ({
    apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1',
    kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  });
  const bySet = owner('StatefulSet', 'web', 'set-uid');
  const byPod = owner('Pod', 'web-1', 'uid-1');
  const cases: [string, Parameters<typeof makeSet>[0], kept: object[], removed: object[], string[]][] = [
    ['Retain, Retain: nobody', policy('Retain', 'Retain'), [], [], ['delete-pod web-1']],
    [
      'Retain, Retain: lets go',
      policy('Retain', 'Retain'),
      [bySet],
      [byPod],
      ['own-claim data-web-0 nobody', 'update-pod web-0', 'own-claim data-web-1 nobody', 'delete-pod web-1'],
    ],
    [
      'Delete with the set',
      policy('Delete', 'Retain'),
      [],
      [],
      ['own-claim data-web-0 web', 'update-pod web-0', 'own-claim data-web-1 web', 'delete-pod web-1'],
    ],
    [
      'Delete when scaled',
      policy('Retain', 'Delete'),
      [],
      [],
      ['own-claim data-web-1 web-1', 'delete-pod web-1'],
    ],
    [
      'Delete both',
      policy('Delete', 'Delete'),
      [],
      [bySet],
      ['own-claim data-web-0 web', 'update-pod web-0', 'own-claim data-web-1 web-1', 'delete-pod web-1'],
    ],
    ['already right', policy('Delete', 'Delete'), [bySet], [byPod], ['delete-pod web-1']],
    [
      'of an earlier set of the name: untouched',
      policy('Delete', 'Delete'),
      [{ ...bySet, uid: 'earlier' }],
      [byPod],
      ['delete-pod web-1'],
    ],
    [
      'of another controller: untouched',
      policy('Delete', 'Delete'),
      [owner('Other', 'o', 'o')],
      [byPod],
      ['delete-pod web-1'],
    ],
    [
      'of another controller and the set: let go, and told',
      policy('Delete', 'Delete'),
      [owner('Other', 'o', 'o'), bySet],
      [byPod],
      ['claim-conflict data-web-0', 'own-claim data-web-0 o', 'update-pod web-0', 'delete-pod web-1'],
    ],
  ];
  for (const [why, spec, kept, removed, actions] of cases) {
    it(`have the owners of the retention policy: ${why}`, () => {
      const set = makeSet(spec);
      const claim = (name: string) =>
        makeClaim(name, { ownerReferences: (name === 'data-web-0' ? kept : removed) as never });
      const present = [makePod(set, 0, 'ready'), makePod(set, 1, 'ready')];
      assert.deepEqual(texts(planFor(set, present, { claim }).steps), actions);
    });
  }

  it('are made with the owner that they are to have', () => {
    const { steps } = planFor(makeSet(policy('Delete', 'Delete')), [], { claim: () => undefined });
    const made = steps.flat()[0];
    assert.ok(made?.type === 'create-claims');
    assert.deepEqual(made.claims[0]!.metadata?.ownerReferences, [bySet]);
  });

  it('that go with an earlier pod hold up the new one, where scaling deletes', () => {
    const claim = (name: string) => makeClaim(name, { ownerReferences: [owner('Pod', 'web-0', 'earlier')] });
    assert.deepEqual(texts(planFor(makeSet(policy('Retain', 'Delete')), [], { claim }).steps), []);
    assert.deepEqual(texts(planFor(makeSet(policy('Retain', 'Retain')), [], { claim }).steps), [
      'create-pod web-0',
    ]);
  });
});

describe('status', () => {
  it('counts pods by what they are', () => {
    const set = makeSet({ replicas: 4 });
    const present = pods(set, 'ready:old ready leaving pending');
    const { status } = planFor(set, present);
    assert.deepEqual(status, {
      observedGeneration: 1,
      replicas: 4,
      readyReplicas: 3,
      availableReplicas: 3,
      currentReplicas: 1,
      updatedReplicas: 2,
      currentRevision: 'web-old',
      updateRevision: 'web-new',
      collisionCount: 0,
    });
  });
});

describe('identity', () => {
  it('gives a pod its name, labels, host name and the set as controller', () => {
    const action = planFor(makeSet(), []).steps.flat()[0];
    assert.ok(action?.type === 'create-pod');
    const { metadata, spec } = action.pod;
    assert.equal(metadata?.name, 'web-0');
    assert.deepEqual(metadata?.labels, {
      app: 'web',
      'controller-revision-hash': 'web-new',
      'statefulset.kubernetes.io/pod-name': 'web-0',
      'apps.kubernetes.io/pod-index': '0',
    });
    assert.equal(spec?.hostname, 'web-0');
    assert.equal(spec?.subdomain, 'nginx');
    assert.equal(metadata?.ownerReferences?.[0]?.uid, 'set-uid');
  });

  it('is put right', () => {
    const set = makeSet({ replicas: 1 });
    const pod = makePod(set, 0, 'ready');
    const wrong = {
      ...pod,
      metadata: { ...pod.metadata, labels: { app: 'web', 'controller-revision-hash': 'web-new' } },
    };
    assert.deepEqual(texts(planFor(set, [wrong]).steps), ['update-pod web-0']);
  });
});
