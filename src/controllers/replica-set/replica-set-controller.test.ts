import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, rfc3339, turn } from '../../base/index.ts';
import { type Client, Informers } from '../../client/index.ts';
import { forbidden, type Pod, pods, type ReplicaSet, replicaSets } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createReplicaSetController } from './index.ts';

const SPEC: NonNullable<ReplicaSet['spec']> = {
  replicas: 3,
  selector: { matchLabels: { app: 'web' } },
  template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
};

async function world(test: TestContext, wrap?: (client: Client) => Client) {
  const clock = new FakeClock();
  const stack = await startStack(test, { clock, watch: [replicaSets, pods], wrap });
  const { client, context } = stack;
  const [podInformer, sets] = [context.informers.of(pods), context.informers.of(replicaSets)];
  stack.run(createReplicaSetController(context));
  const name = { namespace: 'default', name: 'web' };
  return {
    ...stack,
    clock,
    set: () => sets.get('web', 'default'),
    pods: () => [...podInformer.values()],
    create: (spec: Partial<NonNullable<ReplicaSet['spec']>> = {}) =>
      client.create<ReplicaSet>(replicaSets, {
        metadata: name,
        spec: { ...SPEC, ...spec },
      }),
    scale: (replicas: number) =>
      client.patch(replicaSets, name, { type: 'merge', body: { spec: { replicas } } }),
    ready: ({ metadata }: Pod) => {
      const condition = { type: 'Ready', status: 'True', lastTransitionTime: rfc3339(clock.now()) };
      const body = { status: { phase: 'Running', conditions: [condition] } };
      const pod = { namespace: metadata!.namespace, name: metadata!.name! };
      return client.patch(pods, pod, { type: 'merge', body }, { subresource: 'status' });
    },
    end: ({ metadata }: Pod) =>
      client.delete(
        pods,
        { namespace: metadata!.namespace, name: metadata!.name! },
        { gracePeriodSeconds: 0 },
      ),
  };
}

describe('ReplicaSet controller', () => {
  it('makes as many pods as are wanted, replaces those that go, and tells of it', async (test) => {
    const w = await world(test);
    const set = await w.create();
    await w.until('three pods', () => w.set()?.status?.replicas === 3);
    const [first] = w.pods();
    assert.match(first!.metadata.name, /^web-[a-z0-9]{5}$/);
    assert.equal(first!.metadata.ownerReferences?.[0]?.uid, set.metadata.uid);
    await w.end(first!);
    await w.until('a successor', () => w.pods().length === 3 && !w.pods().includes(first!));
    const made = (await w.events()).filter((text) => text.startsWith('SuccessfulCreate: Created pod: web-'));
    assert.equal(made.length, 4);
  });

  it('counts ready, available and going pods', async (test) => {
    const w = await world(test);
    await w.create({ replicas: 2, minReadySeconds: 10 });
    await w.until('two pods', () => w.pods().length === 2);
    for (const pod of w.pods()) await w.ready(pod);
    await w.until('both ready', () => w.set()?.status?.readyReplicas === 2);
    assert.equal(w.set()?.status?.availableReplicas ?? 0, 0);
    await w.clock.advance(10_000);
    const status = await w.until('both available', () => {
      const now = w.set()?.status;
      return now?.availableReplicas === 2 && now;
    });
    const counts = { replicas: 2, fullyLabeledReplicas: 2, readyReplicas: 2, availableReplicas: 2 };
    assert.deepEqual(status, { ...counts, terminatingReplicas: 0, observedGeneration: 1 });
  });

  it('takes the unready pods first when there are too many', async (test) => {
    const w = await world(test);
    await w.create();
    await w.until('three pods', () => w.pods().length === 3);
    const good = w.pods()[1]!;
    await w.ready(good);
    await w.until('one ready', () => w.set()?.status?.readyReplicas === 1);
    await w.scale(1);
    const left = () => w.pods().filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    await w.until('one left', () => left().length === 1);
    assert.equal(left()[0]?.metadata.uid, good.metadata.uid);
    await w.until('the status', () => w.set()?.status?.observedGeneration === 2);
    assert.equal(
      (await w.events()).filter((text) => text.startsWith('SuccessfulDelete: Deleted pod: web-')).length,
      2,
    );
  });

  it('adopts what it selects and lets go of what it does not any more', async (test) => {
    const w = await world(test);
    const orphan = await w.client.create(pods, {
      metadata: { name: 'orphan', namespace: 'default', labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    const set = await w.create({ replicas: 1 });
    const found = () => w.pods().find(({ metadata }) => metadata.uid === orphan.metadata.uid);
    await w.until('the adoption', () => found()?.metadata.ownerReferences?.[0]?.uid === set.metadata.uid);
    assert.equal(w.pods().length, 1);
    const body = { metadata: { labels: { app: 'other' } } };
    await w.client.patch(pods, { namespace: 'default', name: 'orphan' }, { type: 'merge', body });
    await w.until('the release', () => w.pods().length === 2 && !found()?.metadata.ownerReferences);
  });

  it('says that pods cannot be made, and takes it back when they can', async (test) => {
    let refuses = true;
    const w = await world(test, (client) => ({
      ...client,
      create: (resource, object, options) => {
        if (refuses && (resource as object) === pods) throw forbidden(pods, '', 'no more of them');
        return client.create(resource, object, options);
      },
    }));
    await w.create({ replicas: 2 });
    const condition = await w.until('the failure', () => w.set()?.status?.conditions?.[0]);
    assert.equal(`${condition.type} ${condition.reason}`, 'ReplicaFailure FailedCreate');
    assert.equal(condition.message, 'pods is forbidden: no more of them');
    assert.ok(
      (await w.events()).includes('FailedCreate: Error creating: pods is forbidden: no more of them'),
    );
    refuses = false;
    await w.clock.advance(60_000);
    await w.until('the pods', () => w.pods().length === 2 && !w.set()?.status?.conditions);
  });

  it('does not make a pod twice while its cache is behind', async (test) => {
    const { client, context, until, run } = await startStack(test, { watch: [replicaSets, pods] });
    let made = 0;
    const gate = Promise.withResolvers<void>();
    const late: Client = {
      ...client,
      create: (resource, object, options) => {
        if ((resource as object) === pods) made++;
        return client.create(resource, object, options);
      },
      async *watch(resource, options) {
        for await (const event of client.watch(resource, options)) {
          if ((resource as object) === pods) await gate.promise;
          yield event;
        }
      },
    };
    const informers = new Informers({ ...context, client: late });
    run({ name: 'late informers', start: (signal) => informers.start(signal) });
    run(createReplicaSetController({ ...context, client: late, informers }));
    const name = { namespace: 'default', name: 'web' };
    await client.create(replicaSets, { metadata: name, spec: SPEC });
    await until('the pods', () => made === 3);
    // Each change of the set makes the controller look again; its pods it cannot see yet.
    for (const label of ['a', 'b']) {
      await client.patch(replicaSets, name, {
        type: 'merge',
        body: { metadata: { labels: { [label]: '' } } },
      });
      for (let i = 0; i < 10; i++) await turn();
    }
    gate.resolve();
    const set = () => context.informers.of(replicaSets).get('web', 'default');
    await until('the status', () => set()?.status?.replicas === 3);
    assert.equal(made, 3);
  });
});
