import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '../../base/index.ts';
import {
  deployments,
  nodes,
  type OwnerReference,
  type PodDisruptionBudget,
  podDisruptionBudgets,
  pods,
  type Resource,
  replicaSets,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createDisruptionController } from './index.ts';

const TEMPLATE = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };

async function world(test: TestContext) {
  const clock = new FakeClock();
  const stack = await startStack(test, { clock, watch: [podDisruptionBudgets, pods] });
  const { client, context } = stack;
  stack.run(createDisruptionController(context));
  const status = () => context.informers.of(podDisruptionBudgets).get('b', 'default')?.status;
  return {
    ...stack,
    clock,
    status,
    create: (spec: object) =>
      client.create<PodDisruptionBudget>(podDisruptionBudgets, {
        metadata: { name: 'b', namespace: 'default' },
        spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
      }),
    /** A controller of so many pods, owned by `owner`. */
    async controller(resource: Resource, replicas: number, owner?: OwnerReference): Promise<OwnerReference> {
      const ownerReferences = owner ? [owner] : undefined;
      const spec = { replicas, selector: { matchLabels: { app: 'web' } }, template: TEMPLATE };
      const metadata = { name: 'web', namespace: 'default', ownerReferences };
      const {
        apiVersion,
        kind,
        metadata: made,
      } = await client.create(resource, { metadata, spec } as object);
      return { apiVersion, kind, name: made.name, uid: made.uid, controller: true };
    },
    async addPod(name: string, owner?: OwnerReference) {
      await client.create(pods, {
        metadata: {
          name,
          namespace: 'default',
          labels: { app: 'web' },
          ownerReferences: owner ? [owner] : undefined,
        },
        spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
      });
      const body = { status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] } };
      await client.patch(
        pods,
        { namespace: 'default', name },
        { type: 'merge', body },
        { subresource: 'status' },
      );
    },
    evict: (name: string) =>
      client.createSubresource(pods, { namespace: 'default', name }, 'eviction', {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name, namespace: 'default' },
      }),
  };
}

describe('disruption controller', () => {
  it('lets evictions through as long as enough pods are left', async (test) => {
    const w = await world(test);
    await w.create({ minAvailable: 1 });
    for (const name of ['a', 'b']) await w.addPod(name);
    await w.until('one to spare', () => w.status()?.disruptionsAllowed === 1);
    await w.evict('a');
    await w.until(
      'none to spare',
      () => w.status()?.disruptionsAllowed === 0 && w.status()?.currentHealthy === 1,
    );
    await assert.rejects(w.evict('b'), /Cannot evict pod as it would violate the pod's disruption budget/);
    assert.equal(w.status()?.conditions?.[0]?.reason, 'InsufficientPods');
  });

  it('counts against the size of the Deployment above', async (test) => {
    const w = await world(test);
    const deployment = await w.controller(deployments, 4);
    const set = await w.controller(replicaSets, 2, deployment);
    await w.create({ maxUnavailable: '25%' });
    for (const name of ['a', 'b']) await w.addPod(name, set);
    await w.until('the counts', () => w.status()?.currentHealthy === 2);
    assert.equal(w.status()?.expectedPods, 4);
    assert.equal(w.status()?.desiredHealthy, 3);
    assert.equal(w.status()?.disruptionsAllowed, 0);
  });

  it('allows nothing and says why when the controller has no size', async (test) => {
    const w = await world(test);
    const { metadata } = await w.client.create(nodes, { metadata: { name: 'n' } });
    await w.create({ maxUnavailable: 1 });
    await w.addPod('a', { apiVersion: 'v1', kind: 'Node', name: 'n', uid: metadata.uid, controller: true });
    const condition = await w.until('the failure', () => {
      const found = w.status()?.conditions?.[0];
      return found?.reason === 'SyncFailed' && found;
    });
    assert.equal(condition.message, 'nodes does not implement the scale subresource');
    const text = `CalculateExpectedPodCountFailed: Failed to calculate the number of expected pods: ${condition.message}`;
    assert.ok((await w.events()).includes(text));
  });

  it('tells of pods that nobody manages, and of those that two budgets want', async (test) => {
    const w = await world(test);
    await w.create({ maxUnavailable: 1 });
    await w.client.create(podDisruptionBudgets, {
      metadata: { name: 'c', namespace: 'default' },
      spec: { selector: {}, minAvailable: 1 },
    });
    await w.until('them seen', () => w.context.informers.of(podDisruptionBudgets).size === 2);
    await w.addPod('a');
    await w.until(
      'the count',
      () => w.context.informers.of(podDisruptionBudgets).get('c', 'default')?.status?.currentHealthy === 1,
    );
    const events = await w.events();
    assert.ok(
      events.some((text) =>
        text.startsWith(
          'UnmanagedPods: Pods selected by this PodDisruptionBudget (selector: &LabelSelector{',
        ),
      ),
    );
    assert.ok(
      events.some((text) => /^MultiplePodDisruptionBudgets: Pod "default"\/"a" matches multiple/.test(text)),
    );
  });

  it('takes a disruption back that did not come', async (test) => {
    const w = await world(test);
    await w.addPod('a');
    const since = new Date(w.clock.now()).toISOString();
    const condition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      lastTransitionTime: since,
    };
    const name = { namespace: 'default', name: 'a' };
    const body = { status: { conditions: [condition] } };
    await w.client.patch(pods, name, { type: 'strategic', body }, { subresource: 'status' });
    const found = () =>
      w.context.informers
        .of(pods)
        .get('a', 'default')
        ?.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
    await w.until('the condition', () => found()?.status === 'True');
    await w.clock.advance(119_000);
    assert.equal(found()?.status, 'True');
    await w.clock.advance(1_000);
    await w.until('it false', () => found()?.status === 'False');
  });
});
