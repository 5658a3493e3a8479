import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { turn } from '../../base/index.ts';
import { type ConfigMap, configMaps, type OwnerReference, type Stored, secrets } from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createGarbageCollector } from './index.ts';

const watch = [configMaps, secrets];

async function world(test: TestContext) {
  const stack = await startStack(test, { watch });
  const { client, context } = stack;
  const informer = context.informers.of(configMaps);
  return {
    ...stack,
    start: () => stack.run(createGarbageCollector(context, { resources: [configMaps, secrets] })),
    get: (name: string) => informer.get(name, 'default'),
    gone: (name: string) => !informer.get(name, 'default'),
    make: (name: string, owners: OwnerReference[] = [], finalizers?: string[]) =>
      client.create<ConfigMap>(configMaps, {
        metadata: { name, namespace: 'default', ownerReferences: owners, finalizers },
      }),
    remove: (name: string, propagationPolicy?: 'Orphan' | 'Background' | 'Foreground') =>
      client.delete(configMaps, { namespace: 'default', name }, { propagationPolicy }),
    release: (name: string) =>
      client.patch(
        configMaps,
        { namespace: 'default', name },
        { type: 'merge', body: { metadata: { finalizers: null } } },
      ),
  };
}

const ownedBy = (object: Stored<ConfigMap>, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name: object.metadata.name,
  uid: object.metadata.uid,
  ...more,
});

describe('garbage collector', () => {
  it('deletes what depends on a deleted object, and what depends on that', async (test) => {
    const w = await world(test);
    w.start();
    const owner = await w.make('owner');
    const child = await w.make('child', [ownedBy(owner)]);
    await w.make('grandchild', [ownedBy(child)]);
    await w.make('stranger');
    await w.remove('owner', 'Background');
    await w.until('all gone', () => w.gone('child') && w.gone('grandchild'));
    assert.ok(w.get('stranger'));
  });

  it('keeps what has another owner, without the reference to the gone one', async (test) => {
    const w = await world(test);
    w.start();
    const [one, two] = [await w.make('one'), await w.make('two')];
    await w.make('child', [ownedBy(one), ownedBy(two)]);
    await w.remove('one');
    await w.until('one reference', () => w.get('child')?.metadata.ownerReferences?.length === 1);
    assert.equal(w.get('child')?.metadata.ownerReferences?.[0]?.name, 'two');
  });

  it('finds at its start what lost its owner before', async (test) => {
    const w = await world(test);
    const owner = await w.make('owner');
    await w.make('child', [ownedBy(owner)]);
    await w.remove('owner');
    w.start();
    await w.until('gone', () => w.context.informers.of(configMaps).hasSynced && w.gone('child'));
  });

  it('finds it, too, when the kinds of owners are listed after it', async (test) => {
    const w = await world(test);
    const name = { namespace: 'default', name: 'owner' };
    const { metadata } = await w.client.create(secrets, { metadata: name });
    await w.make('child', [{ apiVersion: 'v1', kind: 'Secret', name: 'owner', uid: metadata.uid }]);
    await w.client.delete(secrets, name);
    w.start();
    await w.until('gone', () => w.context.informers.of(configMaps).hasSynced && w.gone('child'));
  });

  for (const policy of ['Background', 'Foreground'] as const) {
    it(`deletes a circle of owners (${policy})`, async (test) => {
      const w = await world(test);
      w.start();
      const names = ['a', 'b', 'c'];
      const ring: Stored<ConfigMap>[] = [];
      for (const name of names) {
        const before = ring.at(-1);
        ring.push(await w.make(name, before && [ownedBy(before, { blockOwnerDeletion: true })]));
      }
      const ownerReferences = [ownedBy(ring.at(-1)!, { blockOwnerDeletion: true })];
      const body = { metadata: { ownerReferences } };
      await w.client.patch(configMaps, { namespace: 'default', name: 'a' }, { type: 'merge', body });
      await w.until('the circle', () => names.every(w.get) && w.get('a')?.metadata.ownerReferences);
      await w.remove('a', policy);
      await w.until('all gone', () => names.every(w.gone));
    });
  }

  it('takes another object of the same name for no owner', async (test) => {
    const w = await world(test);
    w.start();
    const owner = await w.make('owner');
    await w.make('child', [{ ...ownedBy(owner), uid: 'another' }]);
    await w.until('gone', () => w.get('owner') && w.gone('child'));
  });

  it('leaves alone what is owned by a kind that it does not watch', async (test) => {
    const w = await world(test);
    w.start();
    await w.make('child', [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 't', uid: 'u' }]);
    await w.until('seen', () => w.get('child'));
    await turn();
    assert.ok(await w.client.get(configMaps, { namespace: 'default', name: 'child' }));
  });

  it('deletes dependents before the owner in the foreground', async (test) => {
    const w = await world(test);
    w.start();
    const owner = await w.make('owner');
    await w.make('child', [ownedBy(owner, { blockOwnerDeletion: true })], ['example.com/held']);
    await w.remove('owner', 'Foreground');
    await w.until('the child being deleted', () => w.get('child')?.metadata.deletionTimestamp);
    assert.ok(w.get('owner')?.metadata.deletionTimestamp, 'the owner waits');
    await w.release('child');
    await w.until('both gone', () => w.gone('child') && w.gone('owner'));
  });

  it('does not wait for dependents that do not block', async (test) => {
    const w = await world(test);
    w.start();
    const owner = await w.make('owner');
    await w.make('child', [ownedBy(owner)], ['example.com/held']);
    await w.remove('owner', 'Foreground');
    await w.until('the owner gone', () => w.gone('owner') && w.get('child')?.metadata.deletionTimestamp);
    await w.release('child');
  });

  it('deletes a tree in the foreground from its leaves', async (test) => {
    const w = await world(test);
    w.start();
    const owner = await w.make('owner');
    const child = await w.make('child', [ownedBy(owner, { blockOwnerDeletion: true })]);
    await w.make('leaf', [ownedBy(child, { blockOwnerDeletion: true })], ['example.com/held']);
    await w.until('all seen', () => w.get('leaf'));
    await w.remove('owner', 'Foreground');
    await w.until('the leaf being deleted', () => w.get('leaf')?.metadata.deletionTimestamp);
    assert.ok(w.get('owner') && w.get('child'));
    await w.release('leaf');
    await w.until('all gone', () => w.gone('leaf') && w.gone('child') && w.gone('owner'));
  });

  it('orphans dependents', async (test) => {
    const w = await world(test);
    w.start();
    const owner = await w.make('owner');
    await w.make('child', [ownedBy(owner)]);
    await w.until('the child', () => w.get('child'));
    await w.remove('owner', 'Orphan');
    await w.until('the owner gone', () => w.gone('owner'));
    assert.equal(w.get('child')?.metadata.ownerReferences, undefined);
  });
});
