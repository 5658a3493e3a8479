import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  configMaps,
  customResourceDefinitions,
  events,
  type KubeObject,
  persistentVolumeClaims,
  pods,
  type Resource,
  resourceQuotas,
  type StatusError,
} from '../../kube/index.ts';
import { startStack } from '../../testing/component-stack.ts';
import { createResourceQuotaController } from './index.ts';

async function start(test: TestContext, hard: Record<string, string>) {
  const stack = await startStack(test, { watch: [resourceQuotas] });
  const { context, client, run, until } = stack;
  await client.create(resourceQuotas, { metadata: { namespace: 'default', name: 'q' }, spec: { hard } });
  run(createResourceQuotaController(context));
  const quotas = context.informers.of(resourceQuotas);
  const used = (expected: Record<string, string>) =>
    until(`used ${JSON.stringify(expected)}`, () => {
      const now = quotas.get('q', 'default')?.status?.used;
      return now && Object.entries(expected).every(([name, value]) => now[name] === value);
    });
  return { ...stack, used };
}

const claim = (name: string, storage: string, storageClassName?: string) => ({
  metadata: { namespace: 'default', name, finalizers: [] },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } }, storageClassName },
});

describe('a storage quota', () => {
  it('is charged as claims come, refuses what exceeds it, and is given back', async (test) => {
    const { client, used } = await start(test, {
      'requests.storage': '10Gi',
      persistentvolumeclaims: '3',
      'gold.storageclass.storage.k8s.io/requests.storage': '5Gi',
      'count/configmaps': '1',
    });
    await used({ 'requests.storage': '0', persistentvolumeclaims: '0', 'count/configmaps': '0' });
    await client.create(persistentVolumeClaims, claim('a', '4Gi', 'gold'));
    await client.create(persistentVolumeClaims, claim('b', '5Gi'));
    await used({
      'requests.storage': '9Gi',
      persistentvolumeclaims: '2',
      'gold.storageclass.storage.k8s.io/requests.storage': '4Gi',
    });
    const refused = (what: Promise<unknown>, message: string) =>
      assert.rejects(what, (error: StatusError) => {
        assert.equal(error.message, message);
        return error.code === 403;
      });
    await refused(
      client.create(persistentVolumeClaims, claim('c', '2Gi')),
      'persistentvolumeclaims "c" is forbidden: exceeded quota: q, requested: requests.storage=2Gi, used: requests.storage=9Gi, limited: requests.storage=10Gi',
    );
    await client.create(configMaps, { metadata: { namespace: 'default', name: 'm' } });
    await refused(
      client.create(configMaps, { metadata: { namespace: 'default', name: 'n' } }),
      'configmaps "n" is forbidden: exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1',
    );
    await client.patch(
      persistentVolumeClaims,
      { namespace: 'default', name: 'b' },
      { type: 'merge', body: { metadata: { finalizers: null } } },
    );
    await client.delete(persistentVolumeClaims, { namespace: 'default', name: 'b' });
    await used({ 'requests.storage': '4Gi', persistentvolumeclaims: '1' });
    await client.create(persistentVolumeClaims, claim('c', '6Gi'));
    await used({ 'requests.storage': '10Gi', persistentvolumeclaims: '2' });
  });

  it('lets exactly as many of many at once through as there is room for', async (test) => {
    const { client, used } = await start(test, { persistentvolumeclaims: '5' });
    await used({ persistentvolumeclaims: '0' });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) =>
        client.create(persistentVolumeClaims, claim(`c${index}`, '1Gi')),
      ),
    );
    assert.equal(outcomes.filter((one) => one.status === 'fulfilled').length, 5);
    await used({ persistentvolumeclaims: '5' });
  });

  it('counts only pods that have not ended', async (test) => {
    const { client, used } = await start(test, { pods: '1', 'count/pods': '5' });
    await used({ pods: '0' });
    const pod = (name: string) => ({
      metadata: { namespace: 'default', name },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    await client.create(pods, pod('a'));
    await assert.rejects(client.create(pods, pod('b')), /exceeded quota: q, requested: pods=1/);
    await client.patch(
      pods,
      { namespace: 'default', name: 'a' },
      { type: 'merge', body: { status: { phase: 'Succeeded' } } },
      { subresource: 'status' },
    );
    await used({ pods: '0', 'count/pods': '1' });
    await client.create(pods, pod('b'));
    await used({ pods: '1', 'count/pods': '2' });
  });
});

describe('a quota of custom resources', () => {
  const widgets = {
    ...{ group: 'example.com', version: 'v1', kind: 'Widget', plural: 'widgets', singular: 'widget' },
    ...{ shortNames: [], categories: [], namespaced: true },
  } satisfies Resource;
  const definition = {
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      names: { kind: 'Widget', plural: 'widgets' },
      scope: 'Namespaced',
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
      ],
    },
  };
  const widget = (name: string): KubeObject => ({ metadata: { namespace: 'default', name } });

  it('counts them from when their kind comes, and refuses what exceeds it', async (test) => {
    const { client, used } = await start(test, { 'count/widgets.example.com': '1', pods: '1' });
    await used({ pods: '0' });
    await client.create(customResourceDefinitions, definition);
    await used({ 'count/widgets.example.com': '0' });
    await client.create(widgets, widget('a'));
    await assert.rejects(
      client.create(widgets, widget('b')),
      (error: StatusError) =>
        error.message ===
        'widgets.example.com "b" is forbidden: exceeded quota: q, requested: count/widgets.example.com=1, used: count/widgets.example.com=1, limited: count/widgets.example.com=1',
    );
    await client.delete(widgets, { namespace: 'default', name: 'a' });
    await used({ 'count/widgets.example.com': '0' });
    await client.create(widgets, widget('b'));
    await used({ 'count/widgets.example.com': '1' });
  });

  it('counts anew when the kind is defined again', async (test) => {
    const { client, used } = await start(test, { 'count/widgets.example.com': '2' });
    for (let round = 0; round < 2; round++) {
      await client.create(customResourceDefinitions, definition);
      await used({ 'count/widgets.example.com': '0' });
      await client.create(widgets, widget('a'));
      await used({ 'count/widgets.example.com': '1' });
      const gone = client.watch(customResourceDefinitions, {
        fieldSelector: 'metadata.name=widgets.example.com',
        timeoutSeconds: 5,
      });
      await client.delete(customResourceDefinitions, { name: 'widgets.example.com' });
      for await (const { type } of gone) if (type === 'DELETED') break;
    }
  });
});

describe('a quota of events', () => {
  it('is about nothing: events are let through', async (test) => {
    const { client, used } = await start(test, { 'count/events': '0', pods: '1' });
    await used({ pods: '0' });
    await client.create(events, {
      metadata: { namespace: 'default', name: 'e' },
      involvedObject: { namespace: 'default', kind: 'Pod', name: 'p' },
    });
  });
});
