import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { FakeClock, systemRandom } from '../../base/index.ts';
import { configMaps } from '../../kube/index.ts';
import { openPki } from '../auth/index.ts';
import { createApiServer } from './server.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const json = { 'Content-Type': 'application/json' };
const configMap = (name: string, data: Record<string, string> = {}) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

describe('the API server', { timeout: 60_000 }, () => {
  let api: TestServer;
  before(async () => {
    api = await startTestServer();
  });
  after(() => api?.close());

  const post = (body: string, headers: Record<string, string> = json, query = '') =>
    api.fetch(CONFIG_MAPS + query, { method: 'POST', headers, body });

  describe('who may do what', () => {
    it('lets a client without a certificate read the public paths only', async () => {
      const answer = await api.fetch('/api/v1/pods', { as: null });
      assert.equal(answer.code, 403);
      assert.equal(
        answer.json().message,
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
      );
      for (const path of ['/healthz', '/livez', '/readyz', '/version'])
        assert.equal((await api.fetch(path, { as: null })).code, 200, path);
      assert.equal((await api.fetch('/healthz', { as: null, method: 'POST' })).code, 403);
    });
    it("knows nobody by another authority's certificate", async () => {
      const other = await openPki({ clock: new FakeClock(), random: systemRandom });
      assert.equal((await api.fetch('/api/v1/pods', { as: other.admin })).code, 401);
    });
    it('forbids a user of no group', async () => {
      const as = await api.pki.issue({ commonName: 'alice', usages: ['client'] });
      const answer = await api.fetch('/api/v1/namespaces/default/pods', { as });
      assert.equal(answer.code, 403);
      assert.equal(
        answer.json().message,
        'pods is forbidden: User "alice" cannot list resource "pods" in API group "" in the namespace "default"',
      );
    });
    it('does not take a server certificate for a user', async () => {
      assert.equal((await api.fetch('/api/v1/pods', { as: api.pki.serving })).code, 401);
    });
  });

  describe('what it refuses', () => {
    const cases: [string, () => ReturnType<TestServer['fetch']>, number, RegExp][] = [
      [
        'an unknown resource',
        () => api.fetch('/api/v1/nope'),
        404,
        /^the server could not find the requested resource$/,
      ],
      [
        'an unknown subresource',
        () => api.fetch(`${CONFIG_MAPS}/x/status`),
        404,
        /could not find the requested/,
      ],
      [
        'a media type that is a name of JavaScript',
        () => api.fetch(CONFIG_MAPS, { headers: { Accept: 'constructor' } }),
        406,
        /^406: Not Acceptable/,
      ],
      [
        'a namespace in another one',
        () => api.fetch('/api/v1/namespaces/default/namespaces/kube-system'),
        404,
        /could not find the requested/,
      ],
      [
        'namespaces in a namespace',
        () => api.fetch('/api/v1/namespaces/default/namespaces'),
        404,
        /could not find the requested/,
      ],
      [
        'the end of a namespace by the path of another',
        () => api.fetch('/api/v1/namespaces/default/namespaces/kube-system', { method: 'DELETE' }),
        404,
        /could not find the requested/,
      ],
      ['an object that is not there', () => api.fetch(`${CONFIG_MAPS}/x`), 404, /^configmaps "x" not found$/],
      [
        'a method without meaning',
        () => api.fetch(CONFIG_MAPS, { method: 'PUT', headers: json, body: '{}' }),
        405,
        /does not allow this method/,
      ],
      [
        'a create in all namespaces',
        () => api.fetch('/api/v1/configmaps', { method: 'POST', headers: json, body: configMap('a') }),
        405,
        /does not allow/,
      ],
      [
        'malformed JSON',
        () => post('{"a'),
        400,
        /^the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version\/kind; json parse error: .* \(\{"a\)$/,
      ],
      ['an empty body', () => post(''), 400, /\(<empty>\)$/],
      ['a list as a body', () => post('[]'), 400, /must be of type ConfigMap/],
      ['malformed YAML', () => post('a: [', { 'Content-Type': 'application/yaml' }), 400, /yaml: line 1: /],
      [
        'another kind',
        () => post('{"apiVersion":"v1","kind":"Pod"}'),
        400,
        /^Pod in version "v1" cannot be handled as a ConfigMap/,
      ],
      [
        'another version',
        () => post('{"apiVersion":"v2","kind":"ConfigMap"}'),
        400,
        /^ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2" in scheme /,
      ],
      [
        'another namespace',
        () => post('{"metadata":{"name":"a","namespace":"b"}}'),
        400,
        /^the namespace of the provided object does not match/,
      ],
      [
        'an unknown media type',
        () => post('x', { 'Content-Type': 'application/cbor' }),
        415,
        /^the body of the request was in an unknown format/,
      ],
      [
        'an unknown patch type',
        () => api.fetch(`${CONFIG_MAPS}/x`, { method: 'PATCH', headers: json, body: '{}' }),
        415,
        /^415: Unsupported Media Type$/,
      ],
      [
        'what it cannot write',
        () => api.fetch(CONFIG_MAPS, { headers: { Accept: 'text/html' } }),
        406,
        /^406: Not Acceptable/,
      ],
      [
        'a body over 3 MiB',
        () => post(configMap('big', { a: 'x'.repeat(3 << 20) })),
        413,
        /^Request entity too large: limit is 3145728$/,
      ],
      [
        'an unknown field',
        () => post('{"metadata":{"name":"a"},"dat":{}}', json, '?fieldValidation=Strict'),
        400,
        /unknown field "dat"/,
      ],
      ['a malformed limit', () => api.fetch(`${CONFIG_MAPS}?limit=x`), 400, /invalid syntax/],
      [
        'a malformed selector',
        () => api.fetch(`${CONFIG_MAPS}?labelSelector=%3D%3D`),
        400,
        /^found '=='|unable to parse requirement/,
      ],
    ];
    for (const [what, ask, code, message] of cases)
      it(`${what}: ${code}`, async () => {
        const answer = await ask();
        assert.equal(answer.code, code, answer.body.toString());
        const status = answer.json<{ kind: string; message: string; code: number }>();
        assert.equal(status.kind, 'Status');
        assert.equal(status.code, code);
        assert.match(status.message, message);
      });
    it('no selector for being long: one of ten thousand values', async () => {
      assert.equal((await post('{"metadata":{"name":"one","labels":{"n":"v9999"}}}')).code, 201);
      const values = Array.from({ length: 10_000 }, (_, n) => `v${n}`);
      const selector = encodeURIComponent(`n in (${values})`);
      const answer = await api.fetch(`${CONFIG_MAPS}?labelSelector=${selector}`);
      assert.equal(answer.code, 200, answer.body.toString());
      const { items } = answer.json<{ items: { metadata: { name: string } }[] }>();
      assert.deepEqual(
        items.map(({ metadata }) => metadata.name),
        ['one'],
      );
      await api.fetch(`${CONFIG_MAPS}/one`, { method: 'DELETE' });
    });
    it('a name in the body that is not the one of the path', async () => {
      const answer = await api.fetch(`${CONFIG_MAPS}/a`, {
        method: 'PUT',
        headers: json,
        body: configMap('b'),
      });
      assert.equal(answer.code, 400);
      assert.equal(
        answer.json().message,
        'the name of the object (b) does not match the name on the URL (a)',
      );
    });
  });

  describe('writes and reads', () => {
    it('creates with 201, also from YAML, and warns in the Warning header', async () => {
      const body = 'metadata:\n  name: from-yaml\ndata: {a: b}\nunknown: 1\n';
      const answer = await post(body, { 'Content-Type': 'application/yaml' }, '?fieldValidation=Warn');
      assert.equal(answer.code, 201, answer.body.toString());
      assert.equal(answer.json().kind, 'ConfigMap');
      assert.match(String(answer.headers.warning), /^299 - "unknown field \\"unknown\\""$/);
    });
    it('answers a dry run without keeping it', async () => {
      assert.equal((await post(configMap('dry'), json, '?dryRun=All')).code, 201);
      assert.equal((await api.fetch(`${CONFIG_MAPS}/dry`)).code, 404);
    });
    it('answers a finished delete with a Status for kinds where upstream does', async () => {
      await post(configMap('gone'));
      const answer = await api.fetch(`${CONFIG_MAPS}/gone`, { method: 'DELETE' });
      assert.equal(answer.code, 200);
      const status = answer.json<{ status: string; details: { kind: string; name: string } }>();
      assert.equal(status.status, 'Success');
      assert.equal(status.details.kind, 'configmaps');
    });
    it('deletes a collection', async () => {
      await post(JSON.stringify({ metadata: { name: 'c1', labels: { group: 'c' } } }));
      const answer = await api.fetch(`${CONFIG_MAPS}?labelSelector=group%3Dc`, { method: 'DELETE' });
      assert.equal(answer.json<{ items: object[] }>().items.length, 1);
    });
    it('lays JSON out for people', async () => {
      const answer = await api.fetch('/version', { headers: { 'User-Agent': 'curl/8' } });
      assert.match(answer.body.toString(), /^\{\n {2}"major": "1",/);
    });
    it('writes YAML', async () => {
      const answer = await api.fetch(`${CONFIG_MAPS}/from-yaml`, { headers: { Accept: 'application/yaml' } });
      assert.match(answer.body.toString(), /^kind: ConfigMap$/m);
    });
    it('compresses a large list for a client that takes gzip', async () => {
      for (let i = 0; i < 4; i++) await post(configMap(`large-${i}`, { a: 'x'.repeat(100_000) }));
      const plain = await api.fetch(CONFIG_MAPS);
      const zipped = await api.fetch(CONFIG_MAPS, { headers: { 'Accept-Encoding': 'gzip' } });
      assert.equal(zipped.headers['content-encoding'], 'gzip');
      assert.deepEqual(JSON.parse(gunzipSync(zipped.body).toString()), plain.json());
    });
  });

  describe('transforms', () => {
    it('makes a Table of a list', async () => {
      const answer = await api.fetch('/api/v1/namespaces', { headers: { Accept: TABLE } });
      const table = answer.json<{
        kind: string;
        columnDefinitions: { name: string }[];
        rows: { cells: unknown[]; object: { kind: string } }[];
      }>();
      assert.equal(table.kind, 'Table');
      assert.deepEqual(
        table.columnDefinitions.map((column) => column.name),
        ['Name', 'Status', 'Age'],
      );
      assert.equal(table.rows[0]?.cells[0], 'default');
      assert.equal(table.rows[0]?.object.kind, 'PartialObjectMetadata');
    });
    it('puts whole objects in the rows, or none', async () => {
      const rowsOf = async (include: string) =>
        (
          await api.fetch(`/api/v1/namespaces/default?includeObject=${include}`, {
            headers: { Accept: TABLE },
          })
        ).json<{
          rows: { object: { kind: string } | null }[];
        }>().rows;
      assert.equal((await rowsOf('Object'))[0]?.object?.kind, 'Namespace');
      assert.equal((await rowsOf('None'))[0]?.object, null);
    });
    it('makes a list of metadata', async () => {
      const answer = await api.fetch('/api/v1/namespaces', {
        headers: { Accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' },
      });
      assert.equal(answer.json().kind, 'PartialObjectMetadataList');
    });
  });

  describe('watches', () => {
    const open = (query: string, headers = {}): Promise<IncomingMessage> =>
      new Promise((resolve, reject) => {
        const outgoing = request(
          `${api.server.url}${CONFIG_MAPS}?watch=1&${query}`,
          { headers, ca: api.pki.ca, cert: api.pki.admin.cert, key: api.pki.admin.key, agent: false },
          resolve,
        );
        outgoing.on('error', reject);
        outgoing.end();
      });
    const events = async (response: IncomingMessage, count: number) => {
      const found: {
        type: string;
        object: { kind: string; metadata: { name: string; annotations?: object } };
      }[] = [];
      let text = '';
      for await (const chunk of response.iterator({ destroyOnReturn: false })) {
        text += chunk;
        const lines = text.split('\n');
        text = lines.pop()!;
        found.push(...lines.map((line) => JSON.parse(line)));
        if (found.length >= count) break;
      }
      return found;
    };

    it('begins with the present state, then sends what changes', async () => {
      await post(JSON.stringify({ metadata: { name: 'w1', labels: { w: '1' } } }));
      const response = await open('labelSelector=w%3D1');
      const first = await events(response, 1);
      assert.equal(first[0]?.type, 'ADDED');
      await api.fetch(`${CONFIG_MAPS}/w1`, { method: 'DELETE' });
      assert.equal((await events(response, 1))[0]?.type, 'DELETED');
      response.destroy();
    });
    it('marks the end of the present state in a streaming list', async () => {
      const response = await open(
        'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&labelSelector=w%3Dnone',
      );
      const [bookmark] = await events(response, 1);
      assert.equal(bookmark?.type, 'BOOKMARK');
      assert.deepEqual(bookmark?.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
      response.destroy();
    });
    it('sends Tables, with columns in the first only', async () => {
      await post(JSON.stringify({ metadata: { name: 't1', labels: { t: '1' } } }));
      await post(JSON.stringify({ metadata: { name: 't2', labels: { t: '1' } } }));
      const response = await open('labelSelector=t%3D1', { Accept: TABLE });
      const tables = (await events(response, 2)).map(
        (event) => event.object as never as { columnDefinitions: object[] | null },
      );
      assert.ok(tables[0]?.columnDefinitions);
      assert.equal(tables[1]?.columnDefinitions, null);
      response.destroy();
    });
    it('ends at its time limit', async () => {
      const response = await open('timeoutSeconds=1&labelSelector=w%3Dnone');
      response.resume();
      await once(response, 'end');
    });
    it('reports a version out of the window as an event of the stream, a bad selector as a failure', async () => {
      const bad = await open('labelSelector=%3D%3D');
      assert.equal(bad.statusCode, 400);
      bad.destroy();
    });
    it('does not hold up the server for a client that does not read', async () => {
      const response = await open('labelSelector=slow%3D1');
      response.pause();
      for (let i = 0; i < 40; i++)
        await post(
          JSON.stringify({
            metadata: { name: `slow-${i}`, labels: { slow: '1' } },
            data: { a: 'x'.repeat(100_000) },
          }),
        );
      const names = (await events(response, 40)).map((event) => event.object.metadata.name);
      assert.equal(names.length, 40);
      assert.equal(names.at(-1), 'slow-39');
      response.destroy();
    });
  });

  it('describes itself: discovery, aggregated and not, and OpenAPI', async () => {
    const groups = (await api.fetch('/apis')).json<{ groups: { name: string }[] }>();
    assert.ok(groups.groups.some((group) => group.name === 'storage.k8s.io'));
    const { paths } = (await api.fetch('/')).json<{ paths: readonly string[] }>();
    for (const path of ['/api/v1', '/apis/apps', '/apis/storage.k8s.io/v1', '/readyz'])
      assert.ok(paths.includes(path), path);
    const aggregated = await api.fetch('/apis', {
      headers: { Accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' },
    });
    assert.equal(aggregated.json().kind, 'APIGroupDiscoveryList');
    assert.match(String(aggregated.headers['content-type']), /as=APIGroupDiscoveryList/);
    const core = (await api.fetch('/api/v1')).json<{ resources: { name: string }[] }>();
    for (const name of ['pods', 'pods/log', 'persistentvolumeclaims/status'])
      assert.ok(
        core.resources.some((resource) => resource.name === name),
        name,
      );
    const v2 = (await api.fetch('/openapi/v2')).json<{
      definitions: Record<string, { properties: Record<string, object> }>;
    }>();
    assert.deepEqual(v2.definitions['io.k8s.api.core.v1.PodSpec']?.properties.containers, {
      ...v2.definitions['io.k8s.api.core.v1.PodSpec']?.properties.containers,
      type: 'array',
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'name',
    });
    const v3 = (await api.fetch('/openapi/v3')).json<{
      paths: Record<string, { serverRelativeURL: string }>;
    }>();
    const spec = await api.fetch(v3.paths['apis/storage.k8s.io/v1']!.serverRelativeURL);
    assert.equal(spec.code, 200);
    const again = await api.fetch('/openapi/v3/api/v1', {
      headers: { 'If-None-Match': (await api.fetch('/openapi/v3/api/v1')).headers.etag },
    });
    assert.equal(again.code, 304);
  });
});

describe('closing and opening', { timeout: 120_000 }, () => {
  it('ends watches cleanly and closes at once', async () => {
    const api = await startTestServer();
    const seen: string[] = [];
    const watching = (async () => {
      for await (const event of api.client.watch(configMaps, { namespace: 'default', resourceVersion: '0' }))
        seen.push(event.type);
    })();
    await api.client.create(configMaps, { metadata: { name: 'a', namespace: 'default' } });
    await api.server.close();
    await watching;
    await api.close();
  });
  it('names the port that is taken', async () => {
    const api = await startTestServer();
    const { clock, random, logger } = {
      clock: new FakeClock(),
      random: systemRandom,
      logger: (await import('../../base/index.ts')).silentLogger,
    };
    await assert.rejects(
      createApiServer({ registry: api.registry, pki: api.pki, clock, random, logger, port: api.server.port }),
      {
        message: `API server cannot listen on 127.0.0.1:${api.server.port}: the port is taken; choose another`,
      },
    );
    await api.close();
  });
});
