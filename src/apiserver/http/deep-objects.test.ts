import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { crds, versionOf, widgetCrd } from '../crd/fixtures.ts';
import { MAX_DEPTH } from '../registry/depth.ts';
import { PROTOBUF_TYPE, protobufOf } from './protobuf/index.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const DEEPS = '/apis/example.com/v1/namespaces/default/widgets';

/** An object whose objects and lists stand so many in one another; its own fields and `spec.x` are the first three. */
function objectOf(levels: number, name = 'deep'): string {
  const inner = levels - 3;
  const open = Array.from({ length: inner }, (_, level) => (level % 2 ? '[' : '{"a":')).join('');
  const close = Array.from({ length: inner }, (_, level) => ((inner - level) % 2 ? '}' : ']')).join('');
  return `{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"${name}"},"spec":{"x":{"y":${open}1${close}}}}`;
}

const JSON_TYPE = 'application/json';
const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';

describe('objects that nest deep', { timeout: 120_000 }, () => {
  let api: TestServer;
  before(async () => {
    api = await startTestServer();
    const spec = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    await api.client.create(crds, widgetCrd({ versions: [versionOf(spec)] }));
  });
  after(() => api?.close());

  const send = (method: string, path: string, type: string, body: string | Buffer) =>
    api.fetch(path, { method, headers: { 'Content-Type': type }, body });

  it('as deep as they may are written, patched, applied, listed, watched and deleted', async () => {
    const body = objectOf(MAX_DEPTH);
    const ok = async (code: number, ...asked: Parameters<typeof send>) => {
      const answer = await send(...asked);
      assert.equal(
        answer.code,
        code,
        `${asked.slice(0, 3).join(' ')}: ${answer.body.toString().slice(0, 300)}`,
      );
      return answer;
    };
    await ok(201, 'POST', DEEPS, JSON_TYPE, body);
    await ok(200, 'PATCH', `${DEEPS}/deep`, MERGE, body);
    await ok(200, 'PATCH', `${DEEPS}/deep?fieldManager=m&force=true`, APPLY, body);
    await ok(
      200,
      'PATCH',
      `${DEEPS}/deep`,
      'application/json-patch+json',
      '[{"op":"add","path":"/spec/b","value":1}]',
    );
    const { body: list } = await api.fetch(`${DEEPS}?limit=1`);
    assert.equal(list.toString().split('"a":').length - 1, (MAX_DEPTH - 2) / 2);
    const { body: events } = await api.fetch(`${DEEPS}?watch=1&timeoutSeconds=1`);
    assert.match(events.toString(), /^\{"type":"ADDED"/);
    const headers = { Accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    assert.equal((await api.fetch(DEEPS, { headers })).code, 200);
    await ok(200, 'DELETE', `${DEEPS}/deep`, JSON_TYPE, '');
  });

  it('deeper ones are refused in every form, and nothing changes', async () => {
    const held = await send('POST', DEEPS, JSON_TYPE, objectOf(10, 'held'));
    assert.equal(held.code, 201);
    const revision = api.registry.revision();
    for (const levels of [MAX_DEPTH + 1, 5_000, 9_999, 50_000]) {
      const body = objectOf(levels, 'held');
      for (const [method, path, type, sent] of [
        ['POST', DEEPS, JSON_TYPE, objectOf(levels)],
        ['POST', DEEPS, 'application/yaml', objectOf(levels)],
        ['POST', DEEPS, 'application/yaml', `# no JSON\n${objectOf(levels)}`],
        ['PUT', `${DEEPS}/held`, JSON_TYPE, body],
        ['PATCH', `${DEEPS}/held`, MERGE, body],
        ['PATCH', `${DEEPS}/held?fieldManager=m&force=true`, APPLY, body],
        ['PATCH', `${DEEPS}/new?fieldManager=m`, APPLY, objectOf(levels, 'new')],
        ['POST', '/api/v1/namespaces/default/configmaps', JSON_TYPE, objectOf(levels)],
      ] as const) {
        const answer = await send(method, path, type, sent);
        assert.equal(
          answer.code,
          400,
          `${method} ${path} ${levels}: ${answer.body.toString().slice(0, 300)}`,
        );
        assert.match(answer.json().message, /nested too deeply|exceeded max depth/);
      }
    }
    assert.equal(api.registry.revision(), revision);
  });

  it('deeper ones are refused in a protobuf message, which may have JSON in it', async () => {
    const path = '/apis/apps/v1/namespaces/default/controllerrevisions';
    // The revision is a level, and what it holds the next.
    const post = (levels: number) => {
      const data = JSON.parse(`${'{"a":'.repeat(levels - 1)}1${'}'.repeat(levels - 1)}`);
      const type = { apiVersion: 'apps/v1', kind: 'ControllerRevision' };
      const revision = { ...type, metadata: { name: 'r' }, revision: 1, data };
      return send('POST', path, PROTOBUF_TYPE, protobufOf(revision));
    };
    const refused = await post(MAX_DEPTH + 1);
    assert.equal(refused.code, 400);
    assert.match(refused.json().message, /nested too deeply/);
    assert.equal((await post(MAX_DEPTH)).code, 201);
  });

  it('operations of a JSON patch do not make a deeper one, one by one', async () => {
    const path = `${DEEPS}/grown`;
    assert.equal((await send('POST', DEEPS, JSON_TYPE, objectOf(10, 'grown'))).code, 201);
    const patch = (operations: object[]) =>
      send('PATCH', path, 'application/json-patch+json', JSON.stringify(operations));
    const below = (levels: number) => `/spec${'/x'.repeat(levels)}`;
    const added = (count: number) =>
      Array.from({ length: count }, (_, level) => ({ op: 'add', path: below(level + 1), value: {} }));
    assert.equal((await patch(added(MAX_DEPTH - 2))).code, 200);
    const revision = api.registry.revision();
    const { metadata } = (await api.fetch(path)).json<{ metadata: object }>();
    for (const operations of [
      added(MAX_DEPTH - 1),
      [{ op: 'copy', from: '/spec/x', path: `${below(300)}/y` }],
      [{ op: 'move', from: '/metadata/labels', path: below(600) }],
      [{ op: 'replace', path: `${below(300)}`, value: JSON.parse(objectOf(300)) }],
      [{ op: 'replace', path: '', value: { ...JSON.parse(objectOf(MAX_DEPTH + 1)), metadata } }],
    ])
      assert.equal((await patch(operations)).code, 422);
    assert.equal(api.registry.revision(), revision);
  });
});
