import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../base/index.ts';
import { createHttpClient, loadKubeconfig } from '../../client/http/index.ts';
import {
  configMaps,
  isAlreadyExists,
  isConflict,
  isNotFound,
  pods,
  storageClasses,
} from '../../kube/index.ts';
import { writeKubeconfig } from '../auth/index.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const at = (name: string) => ({ namespace: 'default', name });
const configMap = (name: string, data: Record<string, string> = {}, labels = {}) => ({
  metadata: { ...at(name), labels },
  data,
});

describe('the HTTP client against the API server', { timeout: 60_000 }, () => {
  let api: TestServer;
  before(async () => {
    api = await startTestServer();
  });
  after(() => api?.close());

  it('creates, reads, updates, patches and deletes', async () => {
    const { client } = api;
    const made = await client.create(configMaps, configMap('a', { x: '1' }));
    assert.equal(made.kind, 'ConfigMap');
    assert.ok(Object.isFrozen(made.metadata));
    assert.deepEqual(await client.get(configMaps, at('a')), made);
    const updated = await client.update(configMaps, { ...made, data: { x: '2' } });
    assert.equal(updated.data?.x, '2');
    await assert.rejects(client.update(configMaps, { ...made, data: { x: '3' } }), isConflict);
    const merged = await client.patch(configMaps, at('a'), { type: 'merge', body: { data: { y: '1' } } });
    assert.deepEqual(merged.data, { x: '2', y: '1' });
    const patched = await client.patch(configMaps, at('a'), {
      type: 'json',
      body: [{ op: 'remove', path: '/data/y' }],
    });
    assert.deepEqual(patched.data, { x: '2' });
    const deleted = await client.delete(configMaps, at('a'));
    assert.equal(deleted.metadata.uid, made.metadata.uid);
    assert.equal(deleted.metadata.name, 'a');
    await assert.rejects(client.get(configMaps, at('a')), isNotFound);
  });

  it('rejects with what the server says', async () => {
    await api.client.create(configMaps, configMap('twice'));
    await assert.rejects(api.client.create(configMaps, configMap('twice')), isAlreadyExists);
  });

  it('lists in pages and deletes a collection', async () => {
    for (const name of ['p1', 'p2', 'p3'])
      await api.client.create(configMaps, configMap(name, {}, { page: 'y' }));
    const first = await api.client.list(configMaps, {
      namespace: 'default',
      labelSelector: 'page=y',
      limit: 2,
    });
    assert.equal(first.items.length, 2);
    const second = await api.client.list(configMaps, {
      namespace: 'default',
      labelSelector: 'page=y',
      limit: 2,
      continue: first.metadata.continue,
    });
    assert.deepEqual(
      second.items.map((item) => item.metadata.name),
      ['p3'],
    );
    await api.client.deleteCollection(configMaps, { namespace: 'default', labelSelector: 'page=y' });
    const rest = await api.client.list(configMaps, { namespace: 'default', labelSelector: 'page=y' });
    assert.equal(rest.items.length, 0);
  });

  it('watches until its signal', async () => {
    const stop = new AbortController();
    const types: string[] = [];
    const watching = (async () => {
      const options = { labelSelector: 'w=1', signal: stop.signal };
      for await (const event of api.client.watch(configMaps, options)) {
        types.push(event.type);
        assert.ok(Object.isFrozen(event.object));
        if (event.type === 'DELETED') stop.abort();
      }
    })();
    const made = await api.client.create(configMaps, configMap('w', {}, { w: '1' }));
    await api.client.update(configMaps, { ...made, data: { a: 'b' } });
    await api.client.delete(configMaps, at('w'));
    await watching;
    assert.equal(types.at(-1), 'DELETED');
  });

  it('writes a status apart from the rest, and binds a pod', async () => {
    const pod = await api.client.create(pods, {
      metadata: at('bound'),
      spec: { containers: [{ name: 'c', image: 'x' }] },
    });
    await api.client.createSubresource(pods, at('bound'), 'binding', {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: at('bound'),
      target: { apiVersion: 'v1', kind: 'Node', name: 'node-1' },
    });
    const bound = await api.client.get(pods, at('bound'));
    assert.equal(bound.spec?.nodeName, 'node-1');
    const next = { ...bound, status: { ...bound.status, phase: 'Running' } };
    const running = await api.client.update(pods, next, { subresource: 'status' });
    assert.equal(running.status?.phase, 'Running');
    assert.equal(running.metadata.uid, pod.metadata.uid);
  });

  it('works from a kubeconfig', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'stowage-kubeconfig-'));
    try {
      const file = join(directory, 'config');
      await writeKubeconfig(file, { server: api.server.url, ca: api.pki.ca, client: api.pki.admin });
      const connection = await loadKubeconfig(file);
      const client = createHttpClient({ ...connection, clock: systemClock, userAgent: 'test/0' });
      assert.deepEqual((await client.list(storageClasses)).items, []);
      client.close();
      await assert.rejects(loadKubeconfig(file, 'other'), /context "other" does not exist; it has: stowage/);
      await assert.rejects(loadKubeconfig(join(directory, 'none')), /load kubeconfig .*none/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('names the request when the server cannot be reached', async () => {
    const gone = await startTestServer();
    await gone.close();
    const client = createHttpClient({
      server: gone.server.url,
      ca: gone.pki.ca,
      clock: systemClock,
      userAgent: 'test/0',
    });
    await assert.rejects(client.get(configMaps, at('a')), (error: Error) => {
      assert.equal(error.name, 'Error');
      assert.match(
        error.message,
        /^GET https:\/\/127\.0\.0\.1:\d+\/api\/v1\/namespaces\/default\/configmaps\/a: .*ECONNREFUSED/,
      );
      return true;
    });
  });
});
