import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Client } from '../../client/index.ts';
import {
  events,
  internalError,
  persistentVolumeClaims,
  pods,
  type StatefulSet,
  statefulSets,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createStatefulSetController } from './index.ts';

// The cases of stateful_set_control_test.go where the client fails, under their names, for ordered and parallel sets.

const REPLICAS = 3;

/** The set on a server that refuses some of the controller's writes, and a node that lets its pods run. */
async function world(test: TestContext, podManagementPolicy: string) {
  const failing = { what: '', left: 0, seen: 0 };
  const refuse = (what: string) => {
    if (failing.what !== what) return;
    failing.seen++;
    if (failing.left-- > 0) throw internalError('API server failed');
  };
  const wrap = (client: Client): Client => ({
    ...client,
    async create(resource, object, options) {
      refuse(`create ${resource.plural}`);
      return client.create(resource, object, options);
    },
    async update(resource, object, options) {
      refuse(`update ${resource.plural}${options?.subresource ? `/${options.subresource}` : ''}`);
      return client.update(resource, object, options);
    },
    async delete(resource, name, options) {
      refuse(`delete ${resource.plural}`);
      return client.delete(resource, name, options);
    },
  });
  const stack = await startStack(test, { watch: [statefulSets, pods, persistentVolumeClaims, events], wrap });
  const { client, context, until } = stack;
  const podInformer = context.informers.of(pods);
  const sets = context.informers.of(statefulSets);
  const name = { namespace: 'default', name: 'web' };
  const setPhase = (pod: string, phase: string) => {
    const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2020-01-01T00:00:00Z' }];
    const body = { status: { phase, conditions: phase === 'Running' ? conditions : [] } };
    const of = { namespace: 'default', name: pod };
    return client.patch(pods, of, { type: 'merge', body }, { subresource: 'status' });
  };
  let runs = true;
  // Nobody is there to run the pods: they run, and are gone, as soon as they are asked to.
  const live: Promise<unknown>[] = [];
  const stop = podInformer.on({
    added: ({ metadata }) => {
      if (runs) live.push(setPhase(metadata.name, 'Running').catch(() => undefined));
    },
    updated: ({ metadata }) => {
      if (metadata.deletionTimestamp === undefined) return;
      const gone = client.delete(
        pods,
        { namespace: 'default', name: metadata.name },
        { gracePeriodSeconds: 0 },
      );
      live.push(gone.catch(() => undefined));
    },
  });
  test.after(async () => {
    stop();
    await Promise.all(live);
  });
  await client.create<StatefulSet>(statefulSets, {
    metadata: name,
    spec: {
      replicas: REPLICAS,
      serviceName: 'nginx',
      podManagementPolicy,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'c', image: 'nginx' }] },
      },
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
        },
      ],
    },
  });
  return {
    ...stack,
    setPhase,
    run: () => stack.run(createStatefulSetController(context)),
    status: () => sets.get('web', 'default')?.status,
    pod: (ordinal: number) => podInformer.get(`web-${ordinal}`, 'default'),
    podCount: () => podInformer.size,
    patch: (spec: object) => client.patch(statefulSets, name, { type: 'merge', body: { spec } }),
    /** The next so many of the controller's writes of this kind fail. */
    fail: (what: string, count: number) => Object.assign(failing, { what, left: count, seen: 0 }),
    /** How many writes of that kind there were since. */
    seen: () => failing.seen,
    letPodsBe: () => {
      runs = false;
    },
    full: () =>
      until('all pods are ready', () => {
        const { replicas, readyReplicas, updatedReplicas } = sets.get('web', 'default')?.status ?? {};
        return replicas === REPLICAS && readyReplicas === REPLICAS && updatedReplicas === REPLICAS;
      }),
  };
}

for (const policy of ['OrderedReady', 'Parallel']) {
  describe(`a client that fails, ${policy}`, () => {
    for (const [name, what] of [
      ['CreatePodFailure', 'create pods'],
      ['a claim that cannot be made', 'create persistentvolumeclaims'],
      ['UpdateSetStatusFailure', 'update statefulsets/status'],
    ] as const) {
      it(name, async (test) => {
        const w = await world(test, policy);
        w.fail(what, 2);
        w.run();
        await w.full();
        assert.ok(w.seen() > 2, 'it was refused, and tried again');
      });
    }

    it('UpdatePodFailure', async (test) => {
      const w = await world(test, policy);
      w.run();
      await w.full();
      w.fail('update pods', 1);
      const body = { metadata: { labels: { 'statefulset.kubernetes.io/pod-name': 'goo-0' } } };
      await w.client.patch(pods, { namespace: 'default', name: 'web-0' }, { type: 'merge', body });
      await w.until('the identity is put right', () => {
        return w.seen() > 1 && w.pod(0)?.metadata.labels?.['statefulset.kubernetes.io/pod-name'] === 'web-0';
      });
      const told = () =>
        [...w.context.informers.of(events).values()]
          .filter(({ message }) => message?.startsWith('Update Pod web-0 in StatefulSet web'))
          .map(({ reason }) => reason)
          .sort();
      await w.until('failure and success are told', () => told().length === 2);
      assert.deepEqual(told(), ['FailedUpdate', 'SuccessfulUpdate']);
    });

    for (const phase of ['Failed', 'Succeeded']) {
      it(`Recreates${phase}PodWithDeleteFailure`, async (test) => {
        const w = await world(test, policy);
        w.run();
        await w.full();
        const before = w.pod(0)!.metadata.uid;
        w.fail('delete pods', 1);
        await w.setPhase('web-0', phase);
        await w.until('a successor', () => w.pod(0) && w.pod(0)?.metadata.uid !== before);
        assert.ok(w.seen() > 1, 'refused once, and tried again');
        await w.full();
      });
    }

    it('NewRevisionDeletePodFailure', async (test) => {
      const w = await world(test, policy);
      w.run();
      await w.full();
      w.fail('delete pods', Number.POSITIVE_INFINITY);
      const first = w.status()!.currentRevision;
      await w.patch({ template: { spec: { containers: [{ name: 'c', image: 'nginx-new' }] } } });
      await w.until('a new revision', () => w.seen() > 0 && w.status()?.updateRevision !== first);
      assert.equal(w.status()?.currentRevision, first);
      assert.equal(w.status()?.currentReplicas, REPLICAS, 'none of them is replaced');
      w.letPodsBe();
      w.fail('', 0);
      await w.until('one is replaced', () => w.status()?.currentReplicas === REPLICAS - 1);
    });

    it('ScaleDownDeleteError', async (test) => {
      const w = await world(test, policy);
      w.run();
      await w.full();
      w.fail('delete pods', 2);
      await w.patch({ replicas: 0 });
      await w.until('nothing is left', () => w.podCount() === 0 && w.status()?.replicas === 0);
      assert.ok(w.seen() > 2);
      const { readyReplicas = 0, updatedReplicas = 0 } = w.status()!;
      assert.deepEqual([readyReplicas, updatedReplicas], [0, 0]);
    });
  });
}
