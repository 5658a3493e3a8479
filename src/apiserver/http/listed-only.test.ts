import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { listedOnlyDefinitions } from '../registry/definitions/listed-only.ts';
import { startTestServer, type TestServer } from './test-server.ts';

describe('kinds that are there for the informers of others', () => {
  let api: TestServer;
  before(async () => {
    api = await startTestServer();
  });
  after(() => api.close());

  const pathOf = ({ group, version, plural }: (typeof listedOnlyDefinitions)[number]) =>
    `${group === '' ? '/api' : `/apis/${group}`}/${version}/${plural}`;

  it('are listed and watched as Go clients ask, and empty', async () => {
    const headers = { Accept: 'application/vnd.kubernetes.protobuf,application/json' };
    const query =
      'watch=1&timeoutSeconds=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan';
    const check = async (definition: (typeof listedOnlyDefinitions)[number]) => {
      const path = pathOf(definition);
      const list = (await api.fetch(path, { headers })).json<{ kind: string; items: object[] }>();
      assert.equal(list.kind, `${definition.kind}List`);
      assert.deepEqual(list.items, []);
      const [first = ''] = (await api.fetch(`${path}?${query}`, { headers })).body.toString().split('\n');
      const { type, object } = JSON.parse(first) as {
        type: string;
        object: { metadata: { annotations: object } };
      };
      assert.equal(type, 'BOOKMARK');
      assert.deepEqual(object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
    };
    await Promise.all(listedOnlyDefinitions.map(check));
  });

  for (const definition of listedOnlyDefinitions)
    it(`${definition.kind}: what would have no effect cannot be made`, async () => {
      const body = JSON.stringify({ metadata: { name: 'a', namespace: 'default' } });
      const headers = { 'Content-Type': 'application/json' };
      const made = await api.fetch(pathOf(definition), { method: 'POST', headers, body });
      assert.equal(made.code, 405);
    });
});
