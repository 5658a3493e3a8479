import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock, withDeadline } from '../../base/index.ts';
import type { ObjectName } from '../../client/index.ts';
import { configMaps } from '../../kube/index.ts';
import type { Limits } from './limits.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const DEADLINE_MS = 60_000;
const DRIP_MS = 20;
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

/** How often a server looks at its connections: soon enough for a test. */
const lookMs = 25;

// Each server has one short limit, the one that its test is about: a slow machine never runs into another.
describe('clients that take their time', { timeout: 300_000 }, () => {
  it('that never finish their handshake are dropped', async (t) => {
    const { server } = await serve(t, { handshakeMs: 100 });
    assert.equal(await restOf(dialPlain(t, server.port)), '');
  });

  it('that say nothing after it are dropped', async (t) => {
    const api = await serve(t, { headersMs: 100, lookMs });
    assert.match(await restOf(await dial(t, api)), /^(HTTP\/1\.1 408 |$)/);
  });

  it('whose head never ends get 408', async (t) => {
    const socket = await dial(t, await serve(t, { headersMs: 100, lookMs }));
    socket.write('GET /version HTTP/1.1\r\nHost: a\r\nX: ');
    drip(socket);
    assert.match(await restOf(socket), /^(HTTP\/1\.1 408 |$)/);
  });

  it('whose body never ends lose their connection, and nothing is written', async (t) => {
    const api = await serve(t, { requestMs: 200, lookMs });
    const revision = api.registry.revision();
    const socket = await dial(t, api);
    socket.write(
      `POST ${CONFIG_MAPS} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{`,
    );
    drip(socket);
    assert.match(await restOf(socket), /^(HTTP\/1\.1 408 |$)/);
    assert.equal(api.registry.revision(), revision);
  });

  it('that close their half after a request get its answer', async (t) => {
    const socket = await dial(t, await serve(t));
    socket.end('GET /version HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(await restOf(socket), /^HTTP\/1\.1 200 [\s\S]*"gitVersion"/);
  });

  for (const [where, text] of [
    ['a head', 'GET /version HTTP/1.1\r\nHo'],
    [
      'a body',
      `POST ${CONFIG_MAPS} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"metadata":{`,
    ],
  ] as const) {
    it(`that close their half in the middle of ${where} get none, and nothing is written`, async (t) => {
      const api = await serve(t);
      const revision = api.registry.revision();
      const socket = await dial(t, api);
      socket.end(text);
      assert.match(await restOf(socket), /^(HTTP\/1\.1 400 |$)/);
      assert.equal(api.registry.revision(), revision);
    });
  }

  it('that keep a connection without using it lose it', async (t) => {
    const socket = await dial(t, await serve(t, { keepAliveMs: 100, lookMs }));
    socket.write('GET /version HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(await restOf(socket), /^HTTP\/1\.1 200 /);
  });

  it('beyond the most that are served at a time are dropped, until one goes', async (t) => {
    const maxConnections = 4;
    const api = await serve(t, { maxConnections });
    const watches = await Promise.all(Array.from({ length: maxConnections }, () => dial(t, api)));
    for (const socket of watches) socket.write(`GET ${CONFIG_MAPS}?watch=1 HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.equal(await restOf(dialPlain(t, api.server.port)), '');
    for (const socket of watches) socket.destroy();
    await within('their connections to go', Promise.all(watches.map(gone)));
    // The server hears of it a turn later: as a client would, ask again.
    const again = async (): Promise<number> => api.fetch('/version').then(({ code }) => code, again);
    assert.equal(await within('room', again()), 200);
  });

  it('that never read a watch cost nothing that grows, and hear that they missed something', async (t) => {
    const api = await serve(t, {}, 50);
    const data = { text: 'x'.repeat(100_000) };
    await api.client.create(configMaps, { metadata: WATCHED, data });
    const socket = await dial(t, api);
    socket.pause();
    const from = api.registry.revision();
    socket.write(`GET ${CONFIG_MAPS}?watch=1&resourceVersion=${from} HTTP/1.1\r\nHost: a\r\n\r\n`);
    // The buffers of both sides are full after the first ones.
    await change(api, 150);
    const before = memory();
    await change(api, 300);
    const grown = memory() - before;
    assert.ok(
      grown < 8 * 2 ** 20,
      `${Math.round(grown / 2 ** 20)} MiB for 30 MB of changes that nobody reads`,
    );
    socket.resume();
    const told = new Promise<void>((resolve) => {
      let last = '';
      socket.on('data', (chunk) => {
        last = (last + chunk.toString('latin1')).slice(-2_000);
        if (last.includes('"type":"ERROR"') && last.includes('"code":410')) resolve();
      });
    });
    await within('410', told);
  });

  it('that take nothing of a watch for long lose it', async (t) => {
    const api = await serve(t, { unreadMs: 100 });
    await api.client.create(configMaps, { metadata: WATCHED, data: { text: 'x'.repeat(500_000) } });
    const socket = await dial(t, api);
    socket.pause();
    // Without what is there already: it would be unread before the watch is seen to run.
    const from = api.registry.revision();
    socket.write(`GET ${CONFIG_MAPS}?watch=1&resourceVersion=${from} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const watches = async () =>
      /^apiserver_longrunning_requests\{.*\} (\d+)$/m.exec(String((await api.fetch('/metrics')).body))?.[1];
    const until = async (count: string): Promise<void> =>
      (await watches()) === count ? undefined : until(count);
    await within('the watch', until('1'));
    await change(api, 40);
    await within('the end of the watch', until('0'));
    // What the kernel holds still comes.
    let received = 0;
    socket.on('data', ({ length }: Buffer) => {
      received += length;
    });
    const closed = gone(socket);
    socket.resume();
    await within('the end of the connection', closed);
    assert.ok(received < 40 * 500_000, `${received} bytes are all there is`);
  });
});

const WATCHED: ObjectName = { namespace: 'default', name: 'watched' };

async function serve(t: TestContext, limits?: Partial<Limits>, logCapacity?: number): Promise<TestServer> {
  const api = await startTestServer({ limits, ...(logCapacity !== undefined && { logCapacity }) });
  t.after(() => api.close());
  return api;
}

/** A connection of the administrator. */
async function dial(t: TestContext, { server, pki }: TestServer): Promise<TLSSocket> {
  const { cert, key } = pki.admin;
  const socket = connect({ port: server.port, host: '127.0.0.1', ca: pki.ca, cert, key });
  keep(t, socket);
  await within('a connection', once(socket, 'secureConnect'));
  return socket;
}

/** A connection on which nobody speaks TLS. */
function dialPlain(t: TestContext, port: number): Socket {
  const socket = connectPlain(port, '127.0.0.1');
  keep(t, socket);
  return socket;
}

function keep(t: TestContext, socket: Socket): void {
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
}

function within<T>(what: string, promise: Promise<T>): Promise<T> {
  return withDeadline(systemClock, DEADLINE_MS, what, promise);
}

/** All that comes until the server closes. */
function restOf(socket: Socket): Promise<string> {
  const all = new Promise<string>((resolve) => {
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    socket.once('close', () => resolve(text));
  });
  return within('the server to close the connection', all);
}

/** Sends a byte now and then, for as long as the connection lives: never silent, never done. */
function drip(socket: Socket): void {
  if (socket.destroyed || !socket.writable) return;
  socket.write('x');
  systemClock.after(DRIP_MS, () => drip(socket), { unref: true });
}

async function change({ registry }: TestServer, times: number): Promise<void> {
  for (let index = 0; index < times; index++) {
    const patch = { type: 'merge', body: { data: { index: String(index) } } } as const;
    await registry.patch(configMaps, WATCHED, patch, { user: { name: 'test', groups: [] } });
  }
}

async function gone(socket: Socket): Promise<void> {
  if (!socket.closed) await once(socket, 'close');
}

function memory(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
