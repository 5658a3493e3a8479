import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock, withDeadline } from '../../base/index.ts';
import type { ObjectName } from '../../client/index.ts';
import { configMaps } from '../../kube/index.ts';
import type { Limits } from './limits.ts';
import { startTestServer, type TestServer } from './test-server.ts';

const LIMITS: Limits = {
  handshakeMs: 200,
  headersMs: 250,
  requestMs: 400,
  keepAliveMs: 150,
  unreadMs: 60_000,
  lookMs: 25,
  maxConnections: 12,
};
const DEADLINE_MS = 20_000;
const DRIP_MS = 20;
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

describe('clients that take their time', { timeout: 120_000 }, () => {
  let api: TestServer;
  const open = new Set<Socket>();
  before(async () => {
    api = await startTestServer({ limits: LIMITS, logCapacity: 50 });
  });
  after(() => {
    for (const socket of open) socket.destroy();
    return api?.close();
  });

  /** A connection of the administrator. */
  async function dial(): Promise<TLSSocket> {
    const { cert, key } = api.pki.admin;
    const socket = connect({ port: api.server.port, host: '127.0.0.1', ca: api.pki.ca, cert, key });
    keep(socket);
    await within('a connection', once(socket, 'secureConnect'));
    return socket;
  }

  function keep(socket: Socket): void {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
  }

  const within = <T>(what: string, promise: Promise<T>) =>
    withDeadline(systemClock, DEADLINE_MS, what, promise);

  /** All that comes until the server closes. */
  const restOf = (socket: Socket) =>
    within(
      'the server to close the connection',
      new Promise<string>((resolve) => {
        let text = '';
        socket.on('data', (data) => {
          text += data.toString('latin1');
        });
        socket.once('close', () => resolve(text));
      }),
    );

  /** Sends a byte now and then, for as long as the connection lives: never silent, never done. */
  function drip(socket: Socket): void {
    if (socket.destroyed || !socket.writable) return;
    socket.write('x');
    systemClock.after(DRIP_MS, () => drip(socket), { unref: true });
  }

  it('that never finish their handshake are dropped', async () => {
    const socket = connectPlain(api.server.port, '127.0.0.1');
    keep(socket);
    assert.equal(await restOf(socket), '');
  });

  it('that say nothing after it are dropped', async () => {
    assert.match(await restOf(await dial()), /^(HTTP\/1\.1 408 |$)/);
  });

  it('whose head never ends get 408', async () => {
    const socket = await dial();
    socket.write('GET /version HTTP/1.1\r\nHost: a\r\nX: ');
    drip(socket);
    assert.match(await restOf(socket), /^(HTTP\/1\.1 408 |$)/);
  });

  it('whose body never ends lose their connection, and nothing is written', async () => {
    const revision = api.registry.revision();
    const socket = await dial();
    socket.write(
      `POST ${CONFIG_MAPS} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{`,
    );
    drip(socket);
    assert.match(await restOf(socket), /^(HTTP\/1\.1 408 |$)/);
    assert.equal(api.registry.revision(), revision);
  });

  it('that close their half after a request get its answer', async () => {
    const socket = await dial();
    socket.end('GET /version HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(await restOf(socket), /^HTTP\/1\.1 200 [\s\S]*"gitVersion"/);
  });

  it('that close their half in the middle of one get none', async () => {
    const socket = await dial();
    socket.end('GET /version HTTP/1.1\r\nHo');
    assert.match(await restOf(socket), /^(HTTP\/1\.1 400 |$)/);
  });

  it('that keep a connection without using it lose it', async () => {
    const socket = await dial();
    socket.write('GET /version HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(await restOf(socket), /^HTTP\/1\.1 200 /);
  });

  it('beyond the most that are served at a time are dropped, until one goes', async () => {
    const watches = await Promise.all(Array.from({ length: LIMITS.maxConnections }, dial));
    for (const socket of watches) socket.write(`GET ${CONFIG_MAPS}?watch=1 HTTP/1.1\r\nHost: a\r\n\r\n`);
    const one = connectPlain(api.server.port, '127.0.0.1');
    keep(one);
    assert.equal(await restOf(one), '');
    for (const socket of watches) socket.destroy();
    await within('their connections to go', Promise.all(watches.map(gone)));
    // The server hears of it a turn later: as a client would, ask again.
    const again = async (): Promise<number> => api.fetch('/version').then(({ code }) => code, again);
    assert.equal(await within('room', again()), 200);
  });

  it('that never read a watch cost nothing that grows, and hear that they missed something', async () => {
    const data = { text: 'x'.repeat(100_000) };
    const name = { namespace: 'default', name: 'watched' };
    await api.client.create(configMaps, { metadata: name, data });
    const socket = await dial();
    socket.pause();
    const from = api.registry.revision();
    socket.write(`GET ${CONFIG_MAPS}?watch=1&resourceVersion=${from} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const write = async (times: number) => {
      for (let index = 0; index < times; index++) await change(api, name, index);
    };
    // The buffers of both sides are full after the first ones.
    await write(150);
    const before = memory();
    await write(300);
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
});

describe('a client that takes nothing', { timeout: 60_000 }, () => {
  it('loses its watch', async (t) => {
    const api = await startTestServer({ limits: { unreadMs: 100 } });
    t.after(() => api.close());
    const name = { namespace: 'default', name: 'watched' };
    const data = { text: 'x'.repeat(500_000) };
    await api.client.create(configMaps, { metadata: name, data });
    const { cert, key } = api.pki.admin;
    const socket = connect({ port: api.server.port, host: '127.0.0.1', ca: api.pki.ca, cert, key });
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    await once(socket, 'secureConnect');
    socket.pause();
    socket.write(`GET ${CONFIG_MAPS}?watch=1 HTTP/1.1\r\nHost: a\r\n\r\n`);
    for (let index = 0; index < 40; index++) await change(api, name, index);
    const closed = once(socket, 'close');
    let received = 0;
    socket.on('data', ({ length }: Buffer) => {
      received += length;
    });
    // The server's timer is of this process too, and due before. What the kernel holds still comes.
    const timer = systemClock.after(400, () => socket.resume());
    t.after(() => timer.cancel());
    await withDeadline(systemClock, DEADLINE_MS, 'the end of the watch', closed);
    assert.ok(received < 40 * 500_000, `${received} bytes are all there is`);
  });
});

async function change({ registry }: TestServer, name: ObjectName, index: number): Promise<void> {
  const patch = { type: 'merge', body: { data: { index: String(index) } } } as const;
  await registry.patch(configMaps, name, patch, { user: { name: 'test', groups: [] } });
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
