import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock, turn } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import {
  configMaps,
  events,
  isNotFound,
  namespaces,
  pods,
  type Resource,
  StatusError,
  secrets,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createNamespaceController, type NamespaceControllerOptions } from './index.ts';

const NAMESPACE = 'doomed';
const pod = {
  spec: { nodeName: 'n', terminationGracePeriodSeconds: 30, containers: [{ name: 'c', image: 'i' }] },
};

async function start(
  test: TestContext,
  options: NamespaceControllerOptions & { wrap?: (client: Client) => Client; clock?: FakeClock } = {},
) {
  const { wrap, clock, ...controller } = options;
  const stack = await startStack(test, { clock, wrap, watch: [namespaces, configMaps, pods] });
  const { client } = stack;
  await client.create(namespaces, { metadata: { name: NAMESPACE } });
  for (const namespace of [NAMESPACE, 'default'])
    await client.create(configMaps, { metadata: { namespace, name: 'map', finalizers: undefined } });
  stack.run(createNamespaceController(stack.context, { gracePeriodMs: 0, ...controller }));
  const informer = stack.context.informers.of(namespaces);
  const condition = (type: string) =>
    informer.get(NAMESPACE)?.status?.conditions?.find((one) => one.type === type && one.status === 'True');
  const gone = () =>
    stack.until('the namespace to be gone', () => informer.hasSynced && !informer.get(NAMESPACE));
  await stack.until('the namespace', () => informer.get(NAMESPACE));
  return { ...stack, condition, gone, remove: () => client.delete(namespaces, { name: NAMESPACE }) };
}

describe('namespace controller', () => {
  it('empties a namespace that is deleted, its events too, and nothing else', async (test) => {
    const { client, gone, remove } = await start(test);
    await client.create(events, {
      metadata: { namespace: NAMESPACE, name: 'e' },
      involvedObject: { kind: 'Pod', namespace: NAMESPACE, name: 'p' },
    });
    await remove();
    await gone();
    for (const resource of [configMaps, events] as Resource[])
      assert.equal((await client.list(resource, { namespace: NAMESPACE })).items.length, 0);
    assert.ok(await client.get(configMaps, { namespace: 'default', name: 'map' }));
    await assert.rejects(client.get(namespaces, { name: NAMESPACE }), isNotFound);
  });

  it('lets pods go first, in their own time, and says that they remain', async (test) => {
    const { client, condition, gone, remove, until } = await start(test);
    await client.create(pods, { metadata: { namespace: NAMESPACE, name: 'p' }, ...pod });
    await remove();
    const remaining = await until('the condition', () => condition('NamespaceContentRemaining'));
    assert.equal(remaining.message, 'Some resources are remaining: pods. has 1 resource instances');
    const going = await client.get(pods, { namespace: NAMESPACE, name: 'p' });
    assert.equal(going.metadata.deletionGracePeriodSeconds, 30);
    assert.ok(
      await client.get(configMaps, { namespace: NAMESPACE, name: 'map' }),
      'the pod may still use it',
    );
    // What a kubelet does once the containers have ended.
    await client.delete(pods, { namespace: NAMESPACE, name: 'p' }, { gracePeriodSeconds: 0 });
    await gone();
  });

  it('waits for finalizers and names them', async (test) => {
    const { client, condition, gone, remove, until } = await start(test);
    const name = { namespace: NAMESPACE, name: 'kept' };
    await client.create(configMaps, { metadata: { ...name, finalizers: ['example.com/keep'] } });
    await remove();
    const held = await until('the condition', () => condition('NamespaceFinalizersRemaining'));
    assert.match(held.message!, /finalizers remaining: example.com\/keep in 1 resource instances$/);
    await client.patch(configMaps, name, { type: 'merge', body: { metadata: { finalizers: null } } });
    await gone();
  });

  it('goes on with the rest when a resource fails, and says so until it works', async (test) => {
    let refuses = true;
    const { client, condition, gone, remove, until } = await start(test, {
      wrap: (inner) => ({
        ...inner,
        async deleteCollection(resource, selection, options) {
          if (resource.plural === secrets.plural && refuses) throw new Error('no secrets today');
          return inner.deleteCollection(resource, selection, options);
        },
      }),
    });
    await remove();
    const failure = await until('the condition', () => condition('NamespaceDeletionContentFailure'));
    assert.match(failure.message!, /^Failed to delete all resource types, 1 remaining: no secrets today$/);
    assert.equal((await client.list(configMaps, { namespace: NAMESPACE })).items.length, 0);
    refuses = false;
    await gone();
  });

  it('deletes one by one where a collection cannot be deleted', async (test) => {
    const { gone, remove } = await start(test, {
      wrap: (inner) => ({
        ...inner,
        async deleteCollection(resource) {
          throw new StatusError({
            kind: 'Status',
            apiVersion: 'v1',
            metadata: {},
            status: 'Failure',
            reason: 'MethodNotAllowed',
            message: `no deletecollection of ${resource.plural}`,
            code: 405,
          });
        },
      }),
    });
    await remove();
    await gone();
  });

  it('waits out the grace that other API servers need', async (test) => {
    const clock = new FakeClock();
    const { client, gone, remove } = await start(test, { clock, gracePeriodMs: 5_000 });
    await remove();
    await turn();
    await clock.advance(4_900);
    assert.ok(await client.get(configMaps, { namespace: NAMESPACE, name: 'map' }));
    await clock.advance(200);
    await gone();
  });
});
