import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  type ConfigMap,
  type CustomResourceDefinition,
  configMaps,
  customResourceDefinitions,
  type KubeObject,
  type OwnerReference,
  type Resource,
  resourcesOfDefinition,
  type Stored,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createGarbageCollector } from './index.ts';

const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
const definition = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      { name: 'v1', served: true, storage: true, schema },
      { name: 'v1beta1', served: true, storage: false, schema },
    ],
  },
} as CustomResourceDefinition;
const established = { status: { conditions: [{ type: 'Established', status: 'True' }] } };
const [widgets] = resourcesOfDefinition({ ...definition, ...established } as never) as [Resource];

async function world(test: TestContext) {
  const watch = [configMaps, customResourceDefinitions];
  const stack = await startStack(test, { watch });
  const { client, context } = stack;
  const informer = context.informers.of(configMaps);
  const meta = (name: string, owners: OwnerReference[] = [], finalizers?: string[]) => ({
    metadata: { name, namespace: 'default', ownerReferences: owners, finalizers },
  });
  return {
    ...stack,
    start: () => stack.run(createGarbageCollector(context, { resources: watch })),
    map: (name: string, owner: OwnerReference, finalizers?: string[]) =>
      client.create<ConfigMap>(configMaps, meta(name, [owner], finalizers)),
    widget: (name: string, ...owners: OwnerReference[]) => client.create(widgets, meta(name, owners)),
    get: (name: string) => informer.get(name, 'default'),
    remove: (name: string, propagationPolicy?: 'Orphan' | 'Background' | 'Foreground') =>
      client.delete(widgets, { namespace: 'default', name }, { propagationPolicy }),
    /** Resolves once a watch of widgets tells of one's end. */
    async ended(name: string): Promise<void> {
      const abort = AbortSignal.timeout(30_000);
      for await (const { type, object } of client.watch(widgets, { signal: abort }))
        if (type === 'DELETED' && object.metadata.name === name) return;
      throw new Error(`${name} is still there`);
    },
  };
}

const owns = (owner: Stored<KubeObject>, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  ...more,
});

describe('garbage collector and custom resources', () => {
  it('deletes what a custom resource of a kind made while it runs has owned, by any version', async (test) => {
    const w = await world(test);
    w.start();
    await w.client.create(customResourceDefinitions, definition);
    const owner = await w.widget('owner');
    await w.map('child', owns(owner));
    await w.map('other', owns(owner, { apiVersion: 'example.com/v1beta1' }));
    await w.until('children', () => w.get('child') && w.get('other'));
    await w.remove('owner');
    await w.until('the end of both', () => !w.get('child') && !w.get('other'));
  });

  it('deletes a custom resource whose owner was gone before the collector began', async (test) => {
    const w = await world(test);
    await w.client.create(customResourceDefinitions, definition);
    const owner = await w.widget('owner');
    await w.widget('child', owns(owner));
    await w.remove('owner');
    const ended = w.ended('child');
    w.start();
    await ended;
  });

  it('waits in the foreground for what blocks a custom resource', async (test) => {
    const w = await world(test);
    w.start();
    await w.client.create(customResourceDefinitions, definition);
    const owner = await w.widget('owner');
    await w.map('child', owns(owner, { blockOwnerDeletion: true }), ['example.com/held']);
    await w.until('the child', () => w.get('child'));
    await w.remove('owner', 'Foreground');
    await w.until('the child being deleted', () => w.get('child')?.metadata.deletionTimestamp);
    const { metadata } = await w.client.get(widgets, { namespace: 'default', name: 'owner' });
    assert.deepEqual(metadata.finalizers, ['foregroundDeletion']);
    const ended = w.ended('owner');
    await w.client.patch(
      configMaps,
      { namespace: 'default', name: 'child' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    );
    await ended;
  });

  it('orphans what a custom resource owned', async (test) => {
    const w = await world(test);
    w.start();
    await w.client.create(customResourceDefinitions, definition);
    await w.map('child', owns(await w.widget('owner')));
    const ended = w.ended('owner');
    await w.remove('owner', 'Orphan');
    await ended;
    await w.until('no owner', () => w.get('child') && !w.get('child')?.metadata.ownerReferences);
  });

  it('deletes what the objects of a definition owned when the definition goes', async (test) => {
    const w = await world(test);
    w.start();
    await w.client.create(customResourceDefinitions, definition);
    await w.map('child', owns(await w.widget('owner')));
    await w.until('the child', () => w.get('child'));
    await w.client.delete(customResourceDefinitions, { name: 'widgets.example.com' });
    await w.until('the end of the child', () => !w.get('child'));
  });
});
