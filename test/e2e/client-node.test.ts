import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import {
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node';
import { type KubectlSession, kubectlSession } from '../support/kubectl-session.ts';

const namespace = 'default';
const signal = AbortSignal.timeout(600_000);

describe('@kubernetes/client-node', { timeout: 600_000 }, () => {
  let session: KubectlSession;
  const config = new KubeConfig();
  let core: CoreV1Api;
  before(async () => {
    session = await kubectlSession();
    config.loadFromFile(session.kubeconfig);
    core = config.makeApiClient(CoreV1Api);
  });
  after(() => session?.end());
  const make = (name: string, data: Record<string, string> = {}) =>
    core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { app: 'x' } }, data } });

  it('informs of what is there and of what comes, changes and goes', async () => {
    await make('first');
    const informer = makeInformer<V1ConfigMap>(
      config,
      `/api/v1/namespaces/${namespace}/configmaps`,
      () => core.listNamespacedConfigMap({ namespace, labelSelector: 'app=x' }),
      'app=x',
    );
    const seen: string[] = [];
    const waiting = new EventTarget();
    for (const verb of ['add', 'update', 'delete'] as const)
      informer.on(verb, ({ metadata }) => {
        seen.push(`${verb} ${metadata?.name}`);
        waiting.dispatchEvent(new Event('seen'));
      });
    const until = async (what: string) => {
      while (!seen.includes(what)) await once(waiting, 'seen', { signal });
    };
    await informer.start();
    try {
      await until('add first');
      await make('second');
      await until('add second');
      await core.patchNamespacedConfigMap(
        { namespace, name: 'second', body: { data: { a: '1' } } },
        setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
      );
      await until('update second');
      assert.equal(informer.get('second', namespace)?.data?.a, '1');
      await core.deleteNamespacedConfigMap({ namespace, name: 'second' });
      await until('delete second');
      assert.equal(informer.get('second', namespace), undefined);
    } finally {
      await informer.stop();
    }
  });

  it('watches from a resourceVersion', async () => {
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    await make('third');
    const { promise, resolve } = Promise.withResolvers<string>();
    const controller = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion: metadata?.resourceVersion, fieldSelector: 'metadata.name=third' },
      (type, object: V1ConfigMap) => resolve(`${type} ${object.metadata?.name}`),
      () => resolve('ended'),
    );
    assert.equal(await promise, 'ADDED third');
    controller.abort();
  });

  it('patches in every way', async () => {
    await make('patched', { a: '1' });
    const patch = (body: object, strategy: string, more: object = {}) =>
      core.patchNamespacedConfigMap(
        { namespace, name: 'patched', body, ...more },
        setHeaderOptions('Content-Type', strategy),
      );
    await patch([{ op: 'add', path: '/data/b', value: '2' }], PatchStrategy.JsonPatch);
    await patch({ data: { c: '3' } }, PatchStrategy.StrategicMergePatch);
    await patch({ data: { a: null } }, PatchStrategy.MergePatch);
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'patched' }, data: { d: '4' } };
    const result = await patch(applied, PatchStrategy.ServerSideApply, { fieldManager: 'test', force: true });
    assert.deepEqual(result.data, { b: '2', c: '3', d: '4' });
  });

  it('reads and writes custom objects', async () => {
    const custom = config.makeApiClient(CustomObjectsApi);
    const kind = { group: 'snapshot.storage.k8s.io', version: 'v1', plural: 'volumesnapshotclasses' };
    const name = 'made';
    const body = {
      apiVersion: 'snapshot.storage.k8s.io/v1',
      kind: 'VolumeSnapshotClass',
      metadata: { name },
      driver: 'd.example.com',
      deletionPolicy: 'Delete',
    };
    await custom.createClusterCustomObject({ ...kind, body });
    const { items } = await custom.listClusterCustomObject(kind);
    assert.deepEqual(
      items.map((item: typeof body) => item.driver),
      ['d.example.com'],
    );
    await assert.rejects(
      custom.createClusterCustomObject({
        ...kind,
        body: { ...body, metadata: { name: 'bad' }, deletionPolicy: 'No' },
      }),
      { code: 422 },
    );
    await custom.deleteClusterCustomObject({ ...kind, name });
    await assert.rejects(custom.getClusterCustomObject({ ...kind, name }), { code: 404 });
  });
});
