import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { secrets } from '../../kube/index.ts';
import type { KeyPair } from '../auth/index.ts';
import { checkReport, healthReport } from './health.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

describe('what monitors read', { timeout: 120_000 }, () => {
  let api: TestServer;
  let monitor: KeyPair;
  before(async () => {
    api = await startTestServer();
    const organizations = ['system:monitoring'];
    monitor = await api.pki.issue({ commonName: 'prometheus', organizations, usages: ['client'] });
  });
  after(() => api?.close());

  const metrics = async (): Promise<string> => {
    const { code, body, headers } = await api.fetch('/metrics', { as: monitor });
    assert.equal(code, 200);
    assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    return body.toString();
  };
  /** The value of a metric with exactly these labels and those that are empty. */
  const figureOf = (text: string, name: string, labels: Record<string, string>) => {
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    const line = lines.find((one) => {
      const found = [...one.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!] as const);
      return found.every(([key, value]) => value === (labels[key] ?? ''));
    });
    return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
  };

  it('are requests by verb, resource, scope and code', async () => {
    const json = { 'Content-Type': 'application/json' };
    const map = (name: string) => JSON.stringify({ metadata: { name } });
    const send = async (method: string, path: string, body?: string, type = json['Content-Type']) =>
      (await api.fetch(path, { method, body, headers: { 'Content-Type': type } })).code;
    assert.equal(await send('POST', CONFIG_MAPS, map('a')), 201);
    assert.equal(await send('POST', CONFIG_MAPS, map('a')), 409);
    assert.equal(await send('POST', `${CONFIG_MAPS}?dryRun=All`, map('b')), 201);
    assert.equal(await send('GET', CONFIG_MAPS), 200);
    assert.equal(await send('GET', '/api/v1/configmaps'), 200);
    assert.equal(await send('GET', `${CONFIG_MAPS}/a`), 200);
    const applied = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}';
    const type = 'application/apply-patch+yaml';
    assert.equal(await send('PATCH', `${CONFIG_MAPS}/a?fieldManager=f`, applied, type), 200);
    assert.equal(await send('GET', '/api/v1/namespaces/default/nothings'), 404);
    assert.equal(await send('GET', '/api/v1/namespaces/default/pods/p/invented'), 404);
    const text = await metrics();
    const about = { component: 'apiserver', resource: 'configmaps', version: 'v1' };
    const total = (labels: Record<string, string>) =>
      figureOf(text, 'apiserver_request_total', { ...about, ...labels });
    const one = { scope: 'resource', verb: 'POST' };
    assert.equal(total({ ...one, code: '201' }), 1);
    assert.equal(total({ ...one, code: '409' }), 1);
    assert.equal(total({ ...one, code: '201', dry_run: 'All' }), 1);
    assert.equal(total({ scope: 'namespace', verb: 'LIST', code: '200' }), 1);
    assert.equal(total({ scope: 'cluster', verb: 'LIST', code: '200' }), 1);
    assert.equal(total({ scope: 'resource', verb: 'GET', code: '200' }), 1);
    assert.equal(total({ scope: 'resource', verb: 'APPLY', code: '200' }), 1);
    const count = 'apiserver_request_duration_seconds_count';
    assert.equal(figureOf(text, count, { ...about, ...one }), 2);
    assert.match(text, /^apiserver_request_duration_seconds_bucket\{.*le="0\.005"\} \d+$/m);
    assert.doesNotMatch(text, /nothings|invented/);
  });

  it('are the watches that are open', async () => {
    const abort = new AbortController();
    const seen = await api.client.create(secrets, { metadata: { namespace: 'default', name: 'seen' } });
    const { resourceVersion } = seen.metadata;
    await api.client.create(secrets, { metadata: { namespace: 'default', name: 'told' } });
    const watch = api.client.watch(secrets, { resourceVersion, signal: abort.signal });
    const events = watch[Symbol.asyncIterator]();
    await events.next();
    const open = async () =>
      figureOf(await metrics(), 'apiserver_longrunning_requests', {
        ...{ component: 'apiserver', resource: 'secrets', scope: 'cluster' },
        ...{ verb: 'WATCH', version: 'v1' },
      });
    assert.equal(await open(), 1);
    abort.abort();
    await events.return?.();
    // The server hears of it a moment later: each answer gives it its turn.
    for (let asked = 0; asked < 500 && (await open()) !== 0; asked++);
    assert.equal(await open(), 0);
  });

  it('are the stored objects, and the process', async () => {
    const text = await metrics();
    const group = 'rbac.authorization.k8s.io';
    const roles = figureOf(text, 'apiserver_resource_objects', { group, resource: 'clusterroles' });
    assert.ok(roles! > 50, `${roles} roles`);
    const same = figureOf(text, 'apiserver_storage_objects', { resource: `clusterroles.${group}` });
    assert.equal(same, roles);
    assert.match(text, /^# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total \d/m);
    assert.match(text, /^process_resident_memory_bytes \d{7,}$/m);
    assert.match(text, /^kubernetes_build_info\{.*major="1",minor="36".*\} 1$/m);
  });

  it('are closed to others', async () => {
    const anonymous = await api.fetch('/metrics', { as: null });
    assert.equal(anonymous.code, 403);
    assert.equal(anonymous.json().message, 'forbidden: User "system:anonymous" cannot get path "/metrics"');
    assert.equal((await api.fetch('/livez', { as: null })).code, 200);
    assert.equal((await api.fetch('/livez/ping', { as: null })).code, 403);
  });

  const probes: [path: string, code: number, text: string | RegExp][] = [
    ['/livez', 200, 'ok'],
    ['/livez/ping', 200, 'ok'],
    ['/healthz/ping', 200, 'ok'],
    ['/readyz/shutdown', 200, 'ok'],
    ['/readyz/ping?verbose', 200, 'ok'],
    ['/livez/ping?exclude=ping', 200, 'ok'],
    ['/livez/nope', 404, '404 page not found\n'],
    ['/livez?exclude=nope', 200, 'ok'],
    ['/livez?verbose', 200, '[+]ping ok\nlivez check passed\n'],
    ['/readyz?verbose&exclude=ping', 200, /^\[\+\]ping excluded: ok\n(.*\n)*readyz check passed\n$/],
    [
      '/livez?verbose&exclude=b&exclude=a',
      200,
      '[+]ping ok\nwarn: some health checks cannot be excluded: no matches for "a", "b"\nlivez check passed\n',
    ],
  ];
  for (const [path, code, text] of probes)
    it(`say that all is well: ${path}`, async () => {
      const answer = await api.fetch(path, { as: monitor });
      assert.equal(answer.code, code);
      const body = answer.body.toString();
      if (typeof text === 'string') assert.equal(body, text);
      else assert.match(body, text);
    });

  it('may be asked by any method', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'HEAD'])
      assert.equal((await api.fetch('/livez', { method })).code, 200);
  });
});

describe('a check that fails', () => {
  const broken = { name: 'store', check: () => 'the disk is full' };
  const well = { name: 'ping', check: () => undefined };

  it('fails the whole, which keeps why to itself', () => {
    assert.deepEqual(healthReport('/readyz', [well, broken], false, []), {
      ok: false,
      text: '[+]ping ok\n[-]store failed: reason withheld\nreadyz check failed\n',
    });
    assert.equal(healthReport('/readyz', [well, broken], false, ['store']).ok, true);
  });

  it('says why at its own path', () => {
    assert.deepEqual(checkReport(broken), {
      ok: false,
      text: 'internal server error: the disk is full\n',
    });
  });
});
