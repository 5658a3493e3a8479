import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CustomObjectsApi, KubeConfig } from '@kubernetes/client-node';
import { writeKubeconfig } from '../auth/index.ts';
import { crds, widgetCrd } from '../crd/fixtures.ts';
import { ensureSnapshotCrds } from '../crd/snapshots/index.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const kubectlVersion =
  spawnSync('kubectl', ['version', '--client', '-o', 'json'], { encoding: 'utf8' }).stdout ?? '';
const skip =
  kubectlVersion === ''
    ? 'kubectl is not on PATH'
    : /"minor": "2\d/.test(kubectlVersion) && 'kubectl is older than 1.30';

describe('custom resources over HTTP', { timeout: 60_000 }, () => {
  let api: TestServer;
  let home: string;
  before(async () => {
    api = await startTestServer();
    home = await mkdtemp(join(tmpdir(), 'stowage-custom-'));
    await writeKubeconfig(join(home, 'config'), {
      server: api.server.url,
      ca: api.pki.ca,
      client: api.pki.admin,
    });
    await writeFile(
      join(home, 'crd.json'),
      JSON.stringify({
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        ...widgetCrd(),
      }),
    );
    const one = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'one' },
      spec: { color: 'red' },
    };
    await writeFile(join(home, 'one.json'), JSON.stringify(one));
  });
  after(async () => {
    await api?.close();
    if (home) await rm(home, { recursive: true });
  });

  const kubectl = (...args: string[]) =>
    new Promise<{ out: string; err: string }>((resolve) => {
      const env = { ...process.env, HOME: home, KUBECONFIG: join(home, 'config') };
      execFile('kubectl', args, { cwd: home, env }, (_, out, err) => resolve({ out, err }));
    });

  it('come into discovery and OpenAPI, and go again', async () => {
    const apis = (headers = {}) => api.fetch('/apis', { headers: { Accept: AGGREGATED, ...headers } });
    const etag = (await apis()).headers.etag!;
    assert.equal((await apis({ 'If-None-Match': etag })).code, 304);
    assert.equal((await api.fetch('/apis/example.com')).code, 404);
    await api.client.create(crds, widgetCrd());
    assert.notEqual((await apis()).headers.etag, etag);
    assert.match((await apis()).body.toString(), /"resource":"widgets"/);
    const group = (await api.fetch('/apis/example.com')).json<{ preferredVersion: { version: string } }>();
    assert.equal(group.preferredVersion.version, 'v1');
    const { paths } = (await api.fetch('/openapi/v3')).json<{ paths: Record<string, unknown> }>();
    assert.ok(paths['apis/example.com/v1']);
    const { components } = (await api.fetch('/openapi/v3/apis/example.com/v1')).json<{
      components: { schemas: Record<string, { properties: { spec: { properties: object } } }> };
    }>();
    assert.ok('color' in components.schemas['com.example.v1.Widget']!.properties.spec.properties);
    const { definitions } = (await api.fetch('/openapi/v2')).json<{ definitions: object }>();
    assert.ok('com.example.v1beta1.WidgetList' in definitions);
    const { resourceVersion } = (await api.client.list(crds)).metadata;
    await api.client.delete(crds, { name: 'widgets.example.com' });
    // From before the deletion: it may be over by now.
    for await (const { type } of api.client.watch(crds, { resourceVersion })) if (type === 'DELETED') break;
    assert.equal((await api.fetch('/apis/example.com')).code, 404);
    assert.equal((await api.fetch('/openapi/v3/apis/example.com/v1')).code, 404);
  });

  it('work for CustomObjectsApi', async () => {
    await api.client.create(crds, widgetCrd());
    const config = new KubeConfig();
    config.loadFromFile(join(home, 'config'));
    const objects = config.makeApiClient(CustomObjectsApi);
    const where = { group: 'example.com', version: 'v1', namespace: 'default', plural: 'widgets' };
    const body = {
      apiVersion: 'example.com/v1',
      kind: 'Widget',
      metadata: { name: 'two' },
      spec: { color: 'green' },
    };
    await objects.createNamespacedCustomObject({ ...where, body });
    const listed = await objects.listNamespacedCustomObject(where);
    assert.deepEqual(listed.items[0].spec, { color: 'green', replicas: 1 });
    await objects.deleteNamespacedCustomObject({ ...where, name: 'two' });
    await api.client.delete(crds, { name: 'widgets.example.com' });
  });

  it('work with kubectl', { skip }, async () => {
    assert.match((await kubectl('apply', '-f', 'crd.json')).out, /widgets\.example\.com created/);
    assert.match(
      (await kubectl('wait', '--for=condition=Established', 'crd/widgets.example.com')).out,
      /condition met/,
    );
    assert.match((await kubectl('apply', '-f', 'one.json')).out, /widget\.example\.com\/one created/);
    assert.match((await kubectl('get', 'wd')).out, /^NAME +COLOR +AGE\none +red/);
    assert.match((await kubectl('get', 'gadgets')).out, /one +red/);
    assert.match((await kubectl('get', 'all')).out, /widget\.example\.com\/one +red/);
    assert.match((await kubectl('explain', 'wd.spec.color')).out, /FIELD: color <string>/);
    assert.match((await kubectl('scale', 'wd', 'one', '--replicas=2')).out, /one scaled/);
    assert.match((await kubectl('describe', 'wd', 'one')).out, /Replicas: +2/);
    const bad = await kubectl('patch', 'wd', 'one', '--type=merge', '-p', '{"spec":{"color":"blue"}}');
    assert.equal(
      bad.err.trim(),
      'The Widget "one" is invalid: spec.color: Unsupported value: "blue": supported values: "red", "green"',
    );
    const old = await kubectl('get', 'widgets.v1beta1.example.com', 'one', '-o', 'name');
    assert.match(old.err, /Warning: example\.com\/v1beta1 Widget is deprecated; use example\.com\/v1 Widget/);
    assert.match((await kubectl('delete', 'crd', 'widgets.example.com')).out, /deleted/);
    assert.match(
      (await kubectl('get', 'wd')).err,
      /the server (doesn't have a resource type "wd"|could not find the requested resource)/,
    );
  });

  it('of snapshots are there, with their rules', { skip }, async () => {
    await ensureSnapshotCrds(api.registry);
    assert.match((await kubectl('api-resources', '--api-group=snapshot.storage.k8s.io')).out, /vsc,vscs/);
    const snapshot = {
      apiVersion: 'snapshot.storage.k8s.io/v1',
      kind: 'VolumeSnapshot',
      metadata: { name: 'a' },
      spec: { source: {} },
    };
    await writeFile(join(home, 'snapshot.json'), JSON.stringify(snapshot));
    assert.match(
      (await kubectl('create', '-f', 'snapshot.json')).err,
      /spec\.source: Invalid value: exactly one of volumeSnapshotContentName and persistentVolumeClaimName must be set/,
    );
  });
});
