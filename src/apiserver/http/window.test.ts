import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { configMaps } from '../../kube/index.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

interface ListAnswer {
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
  readonly metadata: { readonly continue: string; readonly resourceVersion: string };
}

interface EventAnswer {
  readonly type: string;
  readonly object: {
    readonly code?: number;
    readonly reason?: string;
    readonly message?: string;
    readonly metadata: { readonly name?: string; readonly annotations?: object };
  };
}

describe('the window of changes, over HTTP', () => {
  let api: TestServer;
  let page: ListAnswer;
  before(async () => {
    api = await startTestServer({ logCapacity: 2 });
    for (const name of ['a', 'b', 'c'])
      await api.client.create(configMaps, { metadata: { namespace: 'default', name } });
    page = (await api.fetch(`${CONFIG_MAPS}?limit=1`)).json<ListAnswer>();
    for (let index = 0; index < 6; index++)
      await api.client.patch(
        configMaps,
        { namespace: 'default', name: 'a' },
        { type: 'merge', body: { data: { index: String(index) } } },
      );
  });
  after(() => api?.close());

  const watchText = async (query: string): Promise<readonly EventAnswer[]> => {
    const { code, body } = await api.fetch(`${CONFIG_MAPS}?watch=1&timeoutSeconds=1&${query}`);
    assert.equal(code, 200);
    const lines = body.toString().split('\n').filter(Boolean);
    return lines.map((line) => JSON.parse(line));
  };

  it('a continued list that fell out gets 410 with a token that goes on in the present', async () => {
    const late = await api.fetch(`${CONFIG_MAPS}?limit=1&continue=${page.metadata.continue}`);
    assert.equal(late.code, 410);
    const status = late.json<{ reason: string; message: string; metadata: { continue: string } }>();
    assert.equal(status.reason, 'Expired');
    assert.match(status.message, /or use the continue token in this response to retrieve the remainder/);
    const next = await api.fetch(`${CONFIG_MAPS}?continue=${status.metadata.continue}`);
    const names = next.json<ListAnswer>().items.map(({ metadata }) => metadata.name);
    assert.deepEqual(names, ['b', 'c']);
  });

  it('a watch that fell out gets its 410 as an event of the stream', async () => {
    const [event, ...more] = await watchText(`resourceVersion=${page.metadata.resourceVersion}`);
    assert.equal(event?.type, 'ERROR');
    assert.equal(event?.object.code, 410);
    assert.match(event?.object.message ?? '', /^too old resource version: \d+ \(\d+\)$/);
    assert.deepEqual(more, []);
  });

  it('a watch from the future waits', async () => {
    assert.deepEqual(await watchText('resourceVersion=99999&allowWatchBookmarks=true'), []);
  });

  it('a list from the future waits; an exact one is refused at once', async () => {
    const ahead = api.registry.revision() + 1;
    const exact = await api.fetch(`${CONFIG_MAPS}?resourceVersion=${ahead}&resourceVersionMatch=Exact`);
    assert.equal(exact.code, 504);
    assert.match(exact.json().message, /^Timeout: Too large resource version: \d+, current: \d+$/);
    const listing = api.fetch(`${CONFIG_MAPS}?resourceVersion=${ahead}`);
    // Another request's answer comes after the list has begun to wait.
    await api.fetch(CONFIG_MAPS);
    await api.client.patch(
      configMaps,
      { namespace: 'default', name: 'a' },
      { type: 'merge', body: { data: { index: 'last' } } },
    );
    const { code, json } = await listing;
    assert.equal(code, 200);
    assert.equal(json<ListAnswer>().metadata.resourceVersion, String(ahead));
  });

  it('a streaming list takes any version up to the present one', async () => {
    for (const version of ['', '0', page.metadata.resourceVersion]) {
      const events = await watchText(
        `sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=${version}`,
      );
      assert.deepEqual(
        events.map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`.trim()),
        ['ADDED a', 'ADDED b', 'ADDED c', 'BOOKMARK'],
      );
      assert.deepEqual(events[3]?.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
    }
  });

  it('a watch of one object takes no selector of another', async () => {
    const query = 'watch=1&timeoutSeconds=1&fieldSelector=';
    const other = await api.fetch(`${CONFIG_MAPS}/a?${query}metadata.name%3Db`);
    assert.equal(other.code, 400);
    assert.equal(other.json().message, "fieldSelector metadata.name doesn't match requested name");
    const same = await api.fetch(`${CONFIG_MAPS}/a?${query}metadata.name%3Da`);
    assert.match(same.body.toString(), /^{"type":"ADDED".*"name":"a"/);
  });

  it('a continued list takes no version, and nonsense is no token', async () => {
    const message = async (query: string) => {
      const answer = await api.fetch(`${CONFIG_MAPS}?${query}`);
      assert.ok(answer.code === 400 || answer.code === 422, String(answer.code));
      return answer.json().message;
    };
    assert.equal(
      await message(`continue=${page.metadata.continue}&resourceVersion=5`),
      'specifying resource version is not allowed when using continue',
    );
    assert.match(await message('continue=abc'), /^invalid continue token: continue key is not valid/);
    assert.match(
      await message('watch=1&resourceVersionMatch=Exact&resourceVersion=1'),
      /resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided.*supported values: "NotOlderThan"/,
    );
  });
});
