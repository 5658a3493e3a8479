import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, rfc3339, turn } from '../../base/index.ts';
import {
  type Deployment,
  deployments,
  type Pod,
  pods,
  type ReplicaSet,
  replicaSets,
  type Stored,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createReplicaSetController } from '../replica-set/index.ts';
import { createDeploymentController } from './index.ts';

const REVISION = 'deployment.kubernetes.io/revision';

async function world(test: TestContext) {
  const clock = new FakeClock();
  const stack = await startStack(test, { clock, watch: [deployments, replicaSets, pods] });
  const { client, context, until } = stack;
  const podInformer = context.informers.of(pods);
  const found = context.informers.of(deployments);
  const sets = context.informers.of(replicaSets);
  /** Images whose pods become ready by themselves. */
  const good = new Set(['one', 'two']);
  /** Pods that are told to go do not before this. */
  let ending = Promise.resolve();

  // What nodes do: pods become ready, and go when they are told to.
  const act = (pod: Stored<Pod>) => {
    const name = { namespace: 'default', name: pod.metadata.name };
    if (pod.metadata.deletionTimestamp) {
      const end = () => client.delete(pods, name, { gracePeriodSeconds: 0 });
      void ending.then(end).catch(() => undefined);
    } else if (good.has(pod.spec?.containers[0]?.image ?? '') && pod.status?.phase === 'Pending') {
      const condition = { type: 'Ready', status: 'True', lastTransitionTime: rfc3339(clock.now()) };
      const body = { status: { phase: 'Running', conditions: [condition] } };
      void client
        .patch(pods, name, { type: 'merge', body }, { subresource: 'status' })
        .catch(() => undefined);
    }
  };
  podInformer.on({ added: act, updated: act });
  stack.run(createDeploymentController(context), createReplicaSetController(context));

  const deployment = () => found.get('web', 'default');
  const setOf = (image: string): ReplicaSet | undefined =>
    [...sets.values()].find(({ spec }) => spec?.template?.spec?.containers[0]?.image === image);
  return {
    ...stack,
    clock,
    good,
    holdEndingUntil: (promise: Promise<void>) => {
      ending = promise;
    },
    deployment,
    setOf,
    sets: () => [...sets.values()],
    images: () =>
      [...podInformer.values()]
        .map(({ spec }) => spec?.containers[0]?.image)
        .sort()
        .join(),
    condition: (type: string) => deployment()?.status?.conditions?.find((one) => one.type === type),
    create: (spec: object = {}) =>
      client.create<Deployment>(deployments, {
        metadata: { name: 'web', namespace: 'default', annotations: { note: 'first' } },
        spec: {
          replicas: 3,
          selector: { matchLabels: { app: 'web' } },
          template: {
            metadata: { labels: { app: 'web' } },
            // On a node: without one they would go at once.
            spec: { nodeName: 'n', containers: [{ name: 'c', image: 'one' }] },
          },
          ...spec,
        },
      }),
    patch: (spec: object) =>
      client.patch(deployments, { namespace: 'default', name: 'web' }, { type: 'merge', body: { spec } }),
    image: (image: string) =>
      client.patch(
        deployments,
        { namespace: 'default', name: 'web' },
        { type: 'merge', body: { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } } },
      ),
    /** As kubectl rollout status sees it. */
    rolledOut: (image: string) =>
      until(`${image} rolled out`, () => {
        const one = deployment();
        const { replicas, updatedReplicas, availableReplicas, observedGeneration } = one?.status ?? {};
        const wanted = one?.spec?.replicas;
        return (
          one?.spec?.template.spec?.containers[0]?.image === image &&
          observedGeneration === one.metadata.generation &&
          [replicas, updatedReplicas, availableReplicas].every((count) => count === wanted)
        );
      }),
  };
}

describe('Deployment controller', () => {
  it('rolls out, updates step by step, and goes back, with a set and a revision for each template', async (test) => {
    const w = await world(test);
    await w.create();
    await w.rolledOut('one');
    await w.until('the end', () => w.condition('Progressing')?.reason === 'NewReplicaSetAvailable');
    assert.equal(w.deployment()?.metadata.annotations?.[REVISION], '1');
    const first = w.setOf('one')!;
    assert.equal(first.metadata?.annotations?.note, 'first');
    assert.equal(first.metadata?.annotations?.['deployment.kubernetes.io/max-replicas'], '4');

    await w.image('two');
    await w.rolledOut('two');
    await w.until('no old pods', () => w.images() === 'two,two,two');
    await w.until('revision 2', () => w.deployment()?.metadata.annotations?.[REVISION] === '2');

    await w.image('one');
    await w.rolledOut('one');
    await w.until('revision 3', () => w.deployment()?.metadata.annotations?.[REVISION] === '3');
    assert.equal(w.sets().length, 2);
    assert.equal(w.setOf('one')?.metadata?.uid, first.metadata?.uid);
    assert.equal(w.setOf('one')?.metadata?.annotations?.['deployment.kubernetes.io/revision-history'], '1');
    const name = first.metadata?.name;
    const events = await w.events();
    for (const text of [`up replica set ${name} from 0 to 3`, `down replica set ${name} from 1 to 0`]) {
      assert.ok(events.includes(`ScalingReplicaSet: Scaled ${text}`), `${text} in ${events.join('\n')}`);
    }
  });

  it('stops at a bad template, says so after the deadline, and can be taken back', async (test) => {
    const w = await world(test);
    await w.create({ progressDeadlineSeconds: 60 });
    await w.rolledOut('one');
    await w.image('bad');
    await w.until('the surge', () => w.setOf('bad')?.status?.replicas === 1);
    await w.until('it told', () => w.deployment()?.status?.updatedReplicas === 1);
    assert.equal(w.images(), 'bad,one,one,one');
    assert.equal(w.condition('Available')?.status, 'True');
    await w.clock.advance(62_000);
    await w.until('the time-out', () => w.condition('Progressing')?.reason === 'ProgressDeadlineExceeded');
    await w.image('one');
    await w.rolledOut('one');
    await w.until('the bad gone', () => w.images() === 'one,one,one');
    await w.until('progress', () => w.condition('Progressing')?.reason === 'NewReplicaSetAvailable');
  });

  it('recreates: no new pod before the last old one is gone', async (test) => {
    const w = await world(test);
    await w.create({ strategy: { type: 'Recreate' } });
    await w.rolledOut('one');
    const gate = Promise.withResolvers<void>();
    w.holdEndingUntil(gate.promise);
    await w.image('two');
    await w.until('the old set without pods', () => w.setOf('one')?.status?.terminatingReplicas === 3);
    for (let i = 0; i < 10; i++) await turn();
    assert.equal(w.images(), 'one,one,one');
    assert.equal(w.setOf('two'), undefined);
    gate.resolve();
    await w.rolledOut('two');
    assert.equal(w.images(), 'two,two,two');
  });

  it('does nothing of an update while paused, but resizes', async (test) => {
    const w = await world(test);
    await w.create();
    await w.rolledOut('one');
    await w.patch({ paused: true });
    await w.until('the pause told', () => w.condition('Progressing')?.reason === 'DeploymentPaused');
    await w.image('two');
    await w.patch({ replicas: 5 });
    await w.until('five pods', () => w.setOf('one')?.status?.readyReplicas === 5);
    assert.equal(w.setOf('two'), undefined);
    await w.patch({ paused: false });
    await w.rolledOut('two');
    await w.until('all new', () => w.images() === 'two,two,two,two,two');
  });

  it('scales down to nothing, and keeps so many old sets', async (test) => {
    const w = await world(test);
    await w.create({ revisionHistoryLimit: 1 });
    await w.rolledOut('one');
    for (const image of ['two', 'three']) {
      w.good.add(image);
      await w.image(image);
      await w.rolledOut(image);
    }
    await w.until('one set less', () => w.sets().length === 2 && !w.setOf('one'));
    await w.patch({ replicas: 0 });
    await w.until('no pods', () => w.images() === '' && !w.deployment()?.status?.replicas);
  });

  it('goes back to a revision by the old annotation', async (test) => {
    const w = await world(test);
    await w.create();
    await w.rolledOut('one');
    await w.image('two');
    await w.rolledOut('two');
    await w.until('revision 2', () => w.deployment()?.metadata.annotations?.[REVISION] === '2');
    const annotations = { 'deprecated.deployment.rollback.to': '0' };
    const name = { namespace: 'default', name: 'web' };
    await w.client.patch(deployments, name, { type: 'merge', body: { metadata: { annotations } } });
    await w.rolledOut('one');
    assert.ok((await w.events()).includes('DeploymentRollback: Rolled back deployment "web" to revision 1'));
  });
});
