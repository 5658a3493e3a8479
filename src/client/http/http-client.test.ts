import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { FakeClock, systemClock } from '../../base/index.ts';
import { isExpired, isNotFound, pods, StatusError } from '../../kube/index.ts';
import { createHttpClient } from './http-client.ts';
import { collectionPath, objectPath, queryText } from './paths.ts';
import { parseWatch } from './watch-stream.ts';

describe('paths', () => {
  it('addresses collections and objects', () => {
    assert.equal(collectionPath(pods), '/api/v1/pods');
    assert.equal(
      objectPath(pods, { namespace: 'ns', name: 'a/b' }, 'status'),
      '/api/v1/namespaces/ns/pods/a%2Fb/status',
    );
    assert.equal(queryText({ a: 1, b: undefined, c: false, d: 'x=y' }), '?a=1&d=x%3Dy');
  });
  it('refuses names that would address something else', () => {
    assert.throws(() => objectPath(pods, { namespace: 'ns', name: '' }), /name may not be empty/);
    assert.throws(() => objectPath(pods, { name: 'p' }), /empty namespace/);
  });
});

describe('parseWatch', () => {
  async function* chunks(...texts: string[]) {
    for (const text of texts) yield Buffer.from(text);
  }
  const collect = async (...texts: string[]) => {
    const names: string[] = [];
    for await (const event of parseWatch(chunks(...texts))) names.push(event.object.metadata.name);
    return names;
  };
  const line = (name: string) => `${JSON.stringify({ type: 'ADDED', object: { metadata: { name } } })}\n`;

  it('finds lines however they are cut, also within a character', async () => {
    const bytes = Buffer.from(line('é') + line('b'));
    async function* byteByByte() {
      for (const byte of bytes) yield Buffer.from([byte]);
    }
    const names: string[] = [];
    for await (const event of parseWatch(byteByByte())) names.push(event.object.metadata.name);
    assert.deepEqual(names, ['é', 'b']);
    assert.deepEqual(await collect(line('a') + line('b'), line('c')), ['a', 'b', 'c']);
  });
  it('drops a line that was cut off', async () => {
    assert.deepEqual(await collect(line('a'), '{"type":"ADD'), ['a']);
  });
  it('throws an ERROR event as a StatusError', async () => {
    const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
    await assert.rejects(collect(`${JSON.stringify({ type: 'ERROR', object: status })}\n`), isExpired);
  });
});

describe('createHttpClient', { timeout: 120_000 }, () => {
  const servers: Server[] = [];
  after(() => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  });
  const serve = async (listener: RequestListener) => {
    const server = createServer(listener);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const at = { namespace: 'ns', name: 'p' };

  it('sends who it is, and keeps a path before every request', async () => {
    let seen: object = {};
    const url = await serve((request, response) => {
      const { authorization, 'user-agent': agent } = request.headers;
      seen = { url: request.url, authorization, agent };
      response.end('{"metadata":{"name":"p"}}');
    });
    const client = createHttpClient({
      server: `${url}/prefix/`,
      token: 't',
      clock: systemClock,
      userAgent: 'me/1',
    });
    const pod = await client.get(pods, at);
    assert.deepEqual(seen, {
      url: '/prefix/api/v1/namespaces/ns/pods/p',
      authorization: 'Bearer t',
      agent: 'me/1',
    });
    assert.equal(pod.kind, 'Pod');
  });
  it('fills apiVersion and kind into the items of a list', async () => {
    const url = await serve((_, response) =>
      response.end(
        '{"kind":"PodList","metadata":{"resourceVersion":"5"},"items":[{"metadata":{"name":"p"}}]}',
      ),
    );
    const list = await createHttpClient({ server: url, clock: systemClock, userAgent: 'me/1' }).list(pods);
    assert.equal(list.items[0]?.apiVersion, 'v1');
    assert.ok(Object.isFrozen(list.items[0]?.metadata));
  });
  it('makes a StatusError of an answer without a Status', async () => {
    const url = await serve((_, response) => response.writeHead(404).end('404 page not found'));
    const client = createHttpClient({ server: url, clock: systemClock, userAgent: 'me/1' });
    await assert.rejects(client.get(pods, at), (error) => {
      assert.ok(isNotFound(error) && error instanceof StatusError);
      assert.equal(error.message, 'the server could not find the requested resource');
      return true;
    });
    await assert.rejects(async () => {
      for await (const _ of client.watch(pods)) assert.fail();
    }, isNotFound);
  });
  it('gives up at its time limit', async () => {
    const clock = new FakeClock();
    const url = await serve(() => void clock.advance(60_000));
    const client = createHttpClient({ server: url, clock, userAgent: 'me/1' });
    await assert.rejects(client.get(pods, at), /^TimeoutError: GET .*\/pods\/p: timed out after 60s$/);
  });
  it("rejects with the signal's reason", async () => {
    const stop = new AbortController();
    const url = await serve(() => stop.abort(new Error('enough')));
    const client = createHttpClient({ server: url, clock: systemClock, userAgent: 'me/1' });
    await assert.rejects(client.get(pods, at, { signal: stop.signal }), /^Error: enough$/);
  });
  it('does not show its token in an error', async () => {
    const client = createHttpClient({
      server: 'http://127.0.0.1:1',
      token: 'secret-token',
      clock: systemClock,
      userAgent: 'me/1',
    });
    await assert.rejects(
      client.list(pods),
      (error: Error) => !JSON.stringify([error.message, error.stack]).includes('secret-token'),
    );
  });
});
