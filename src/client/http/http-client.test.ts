import assert from 'node:assert/strict';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FakeClock, systemClock, turn } from '../../base/index.ts';
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
  it('asks once more for a read when the server closes a kept connection; a write is not repeated', async () => {
    const requests: string[] = [];
    const usedBefore = new WeakSet<object>();
    const url = await serve(({ method = '', socket }, response) => {
      requests.push(method);
      if (usedBefore.has(socket)) socket.destroy();
      else response.end('{"metadata":{"name":"p"}}');
      usedBefore.add(socket);
    });
    const client = createHttpClient({ server: url, clock: systemClock, userAgent: 'me/1' });
    await client.get(pods, at);
    // A connection is kept for the next turn of the event loop: until then the server may close it.
    await turn();
    await client.get(pods, at);
    await turn();
    assert.deepEqual(requests.splice(0), ['GET', 'GET', 'GET']);
    await assert.rejects(
      client.create(pods, { metadata: at }),
      /^Error: POST http.*\/api\/v1\/namespaces\/ns\/pods: (other side closed|.*ECONNRESET|.*EPIPE)$/,
    );
    assert.deepEqual(requests, ['POST']);
  });
  it('says which watch broke off', async () => {
    const url = await serve((_, response) => {
      response.write('{"type":"ADDED","object":{"metadata":{"name":"p"}}}\n');
      response.write('{"type":', () => response.destroy());
    });
    const client = createHttpClient({ server: url, clock: systemClock, userAgent: 'me/1' });
    const seen: string[] = [];
    await assert.rejects(async () => {
      for await (const { object } of client.watch(pods)) seen.push(object.metadata.name);
    }, /^Error: GET http.*\/api\/v1\/pods\?watch=true: the answer broke off: /);
    assert.deepEqual(seen, ['p']);
  });
  it('ends a watch with its loop, and the request with it', async () => {
    const gone = Promise.withResolvers<void>();
    const url = await serve((_, response) => {
      response.once('close', gone.resolve);
      response.write('{"type":"ADDED","object":{"metadata":{"name":"p"}}}\n');
    });
    const client = createHttpClient({ server: url, clock: systemClock, userAgent: 'me/1' });
    for await (const _ of client.watch(pods)) break;
    await gone.promise;
  });
  it('holds the server up when nobody reads, and loses nothing', async () => {
    const line = `{"type":"ADDED","object":{"metadata":{"name":"${'p'.repeat(1_000_000)}"}}}\n`;
    const count = 50;
    const full = Promise.withResolvers<void>();
    const written: number[] = [];
    const url = await serve(async (_, response) => {
      for (let n = 0; n < count; n++) {
        written.push(n);
        if (response.write(line)) continue;
        full.resolve();
        await new Promise<void>((resolve) => response.once('drain', resolve));
      }
      response.end();
    });
    const client = createHttpClient({ server: url, clock: systemClock, userAgent: 'me/1' });
    let seen = 0;
    for await (const { object } of client.watch(pods)) {
      assert.equal(object.metadata.name.length, 1_000_000);
      if (seen++ > 0) continue;
      await full.promise;
      for (let n = 0; n < 20; n++) await turn();
      assert.ok(written.length < count, `${written.length} events are written`);
    }
    assert.equal(seen, count);
  });
  it('reads what is compressed', async () => {
    const url = await serve(({ headers }, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync(`{"metadata":{"name":"${headers.accept}"}}`));
    });
    const client = createHttpClient({ server: url, clock: systemClock, userAgent: 'me/1' });
    assert.equal((await client.get(pods, at)).metadata.name, 'application/json');
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
