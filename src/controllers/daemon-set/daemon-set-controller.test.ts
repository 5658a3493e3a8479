import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, rfc3339 } from '../../base/index.ts';
import {
  controllerRevisions,
  type DaemonSet,
  daemonSets,
  nodes,
  type Pod,
  pods,
  type Stored,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { targetNode } from './daemon-pod.ts';
import { createDaemonSetController } from './index.ts';

async function world(test: TestContext) {
  const clock = new FakeClock();
  const stack = await startStack(test, { clock, watch: [daemonSets, pods, nodes, controllerRevisions] });
  const { client, context, until } = stack;
  const podInformer = context.informers.of(pods);
  const found = context.informers.of(daemonSets);
  // What scheduler and nodes do: pods become ready.
  const act = (pod: Stored<Pod>) => {
    if (pod.status?.phase !== 'Pending') return;
    const condition = { type: 'Ready', status: 'True', lastTransitionTime: rfc3339(clock.now()) };
    const body = { status: { phase: 'Running', conditions: [condition] } };
    const name = { namespace: 'default', name: pod.metadata.name };
    void client.patch(pods, name, { type: 'merge', body }, { subresource: 'status' }).catch(() => undefined);
  };
  podInformer.on({ added: act });
  for (const name of ['a', 'b']) await client.create(nodes, { metadata: { name } });
  stack.run(createDaemonSetController(context));
  const name = { namespace: 'default', name: 'agent' };
  /** What was written last; the cache may lag behind it. */
  let generation: number | undefined;
  const written = (set: Stored<DaemonSet>) => {
    generation = set.metadata.generation;
    return set;
  };
  return {
    ...stack,
    clock,
    set: () => found.get('agent', 'default'),
    revisions: () => [...context.informers.of(controllerRevisions).values()],
    where: () =>
      [...podInformer.values()]
        .map((pod) => `${targetNode(pod)}:${pod.spec?.containers[0]?.image}`)
        .sort()
        .join(' '),
    create: async (spec: object = {}) =>
      written(
        await client.create<DaemonSet>(daemonSets, {
          metadata: name,
          spec: {
            selector: { matchLabels: { app: 'agent' } },
            template: {
              metadata: { labels: { app: 'agent' } },
              spec: { containers: [{ name: 'c', image: 'one' }] },
            },
            ...spec,
          },
        }),
      ),
    image: async (image: string) =>
      written(
        await client.patch(daemonSets, name, {
          type: 'merge',
          body: { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } },
        }),
      ),
    rolledOut: () =>
      until('the roll-out', () => {
        const { status } = found.get('agent', 'default') ?? {};
        return (
          status?.observedGeneration === generation &&
          status?.desiredNumberScheduled === status?.numberAvailable &&
          status?.desiredNumberScheduled === status?.updatedNumberScheduled
        );
      }),
  };
}

describe('DaemonSet controller', () => {
  it('runs a pod on each node, also on one that comes, and not on one that goes', async (test) => {
    const w = await world(test);
    await w.create();
    await w.rolledOut();
    assert.equal(w.where(), 'a:one b:one');
    await w.client.create(nodes, { metadata: { name: 'c' } });
    await w.until('the third', () => w.where() === 'a:one b:one c:one');
    const spec = { taints: [{ key: 'x', effect: 'NoExecute' }] };
    await w.client.patch(nodes, { name: 'b' }, { type: 'merge', body: { spec } });
    await w.until('the second gone', () => w.where() === 'a:one c:one');
    await w.until('the status', () => w.set()?.status?.desiredNumberScheduled === 2);
    const made = (await w.events()).filter((text) =>
      text.startsWith('SuccessfulCreate: Created pod: agent-'),
    );
    assert.equal(made.length, 3);
  });

  it('updates node by node, and keeps a revision for each template', async (test) => {
    const w = await world(test);
    await w.create();
    await w.rolledOut();
    const first = w.revisions()[0]!.metadata.name;
    await w.image('two');
    await w.rolledOut();
    assert.equal(w.where(), 'a:two b:two');
    await w.image('one');
    await w.rolledOut();
    assert.equal(w.where(), 'a:one b:one');
    assert.equal(w.revisions().length, 2);
    const again = w.revisions().find(({ metadata }) => metadata.name === first);
    assert.equal(again?.revision, 3);
  });

  it('with OnDelete leaves old pods until they are deleted', async (test) => {
    const w = await world(test);
    await w.create({ updateStrategy: { type: 'OnDelete' } });
    await w.rolledOut();
    await w.image('two');
    await w.until(
      'it seen',
      () => w.set()?.status?.observedGeneration === 2 && !w.set()?.status?.updatedNumberScheduled,
    );
    assert.equal(w.where(), 'a:one b:one');
    const [pod] = [...w.context.informers.of(pods).values()];
    await w.client.delete(pods, { namespace: 'default', name: pod!.metadata.name });
    await w.until('one new', () => /one.*two|two.*one/.test(w.where()));
  });

  it('replaces a failed pod, later when it fails again', async (test) => {
    const w = await world(test);
    await w.create({
      template: {
        metadata: { labels: { app: 'agent' } },
        spec: { nodeSelector: { only: 'a' }, containers: [{ name: 'c', image: 'one' }] },
      },
    });
    await w.client.patch(
      nodes,
      { name: 'a' },
      { type: 'merge', body: { metadata: { labels: { only: 'a' } } } },
    );
    await w.until('the pod', () => w.where() === 'a:one');
    await w.rolledOut();
    const pod = () => [...w.context.informers.of(pods).values()][0]!;
    const fail = async () => {
      const { name, uid } = pod().metadata;
      const body = { status: { phase: 'Failed', conditions: null } };
      await w.client.patch(
        pods,
        { namespace: 'default', name },
        { type: 'merge', body },
        { subresource: 'status' },
      );
      return uid;
    };
    const first = await fail();
    await w.until(
      'a successor',
      () => pod() && pod().metadata.uid !== first && pod().status?.phase === 'Running',
    );
    const second = await fail();
    await w.until('the failure seen', () => w.set()?.status?.numberReady === 0);
    assert.equal(pod().metadata.uid, second);
    await w.clock.advance(1_000);
    await w.until('a successor', () => pod() && pod().metadata.uid !== second);
    assert.ok(
      (await w.events()).some((text) =>
        /^FailedDaemonPod: Found failed daemon pod default\/agent-\w+ on node a, will try to kill it$/.test(
          text,
        ),
      ),
    );
  });
});
