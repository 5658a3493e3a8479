import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { silentLogger, systemClock } from '../base/index.ts';
import { connectCsi } from './client.ts';
import { CsiError } from './error.ts';
import type { CsiServices } from './server/handlers.ts';
import { serveCsi } from './server/serve.ts';
import { placeSocket } from './server/socket.ts';
import { driver, gate, temporaryDirectory } from './test-support.ts';
import { waitForDriver } from './wait-for-driver.ts';

const clock = systemClock;
const DRIVER = driver({ node: { nodeGetInfo: () => ({ nodeId: 'n1' }) } });

async function serve(t: TestContext, endpoint: string, services: CsiServices = DRIVER) {
  const server = await serveCsi({ ...services, endpoint, clock, log: silentLogger });
  t.after(() => server.stop({ graceMs: 0 }));
  return server;
}

function connect(t: TestContext, endpoint: string) {
  const client = connectCsi(endpoint, { clock });
  t.after(() => client.close());
  return client;
}

describe('the socket of a driver', { timeout: 120_000 }, () => {
  it('belongs to its owner alone and is the only file in the directory', async (t) => {
    const directory = temporaryDirectory(t);
    const path = join(directory, 'csi.sock');
    const server = await serve(t, `unix://${path}`);
    assert.equal(server.endpoint, `unix://${path}`);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(directory), ['csi.sock']);
    await server.stop();
    assert.deepEqual(readdirSync(directory), []);
  });

  it('is bound in a private dot directory beside its place', async (t) => {
    const directory = temporaryDirectory(t);
    const listener = createServer();
    t.after(() => listener.close());
    let bound = '';
    await placeSocket(join(directory, 'csi.sock'), async (path) => {
      bound = path;
      assert.equal(statSync(dirname(path)).mode & 0o777, 0o700);
      await once(listener.listen(path), 'listening');
    });
    assert.equal(dirname(dirname(bound)), directory);
    assert.match(bound.slice(directory.length), /^\/\.\w{6}\/s$/);
  });

  it('leaves nothing behind when it cannot listen', async (t) => {
    const directory = temporaryDirectory(t);
    const fail = () => Promise.reject(new Error('no'));
    await assert.rejects(placeSocket(join(directory, 'csi.sock'), fail), /^Error: no$/);
    assert.deepEqual(readdirSync(directory), []);
  });

  it('takes the place of one that a killed process left', async (t) => {
    const path = join(temporaryDirectory(t), 'csi.sock');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('up'))`;
    const process_ = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(process_.stdout, 'data');
    process_.kill('SIGKILL');
    await once(process_, 'exit');
    assert(existsSync(path));
    await serve(t, path);
    assert.equal((await connect(t, path).node.nodeGetInfo()).nodeId, 'n1');
  });

  it('leaves one alone that somebody answers on, and a file that is no socket', async (t) => {
    const directory = temporaryDirectory(t);
    const path = join(directory, 'csi.sock');
    const other = createServer().listen(path);
    t.after(() => other.close());
    await once(other, 'listening');
    await assert.rejects(serve(t, path), /another process serves it/);
    assert(existsSync(path));
    const file = join(directory, 'data');
    writeFileSync(file, 'precious');
    await assert.rejects(serve(t, file), /something else is there/);
    assert.deepEqual(readdirSync(directory).sort(), ['csi.sock', 'data']);
  });

  it('needs its directory', async (t) => {
    await assert.rejects(serve(t, join(temporaryDirectory(t), 'no', 'csi.sock')), /ENOENT/);
  });

  it('is not removed by a server whose place another has taken', async (t) => {
    const path = join(temporaryDirectory(t), 'csi.sock');
    const first = await serve(t, path);
    unlinkSync(path);
    await serve(t, path);
    await first.stop();
    assert(existsSync(path));
  });
});

describe('stopping a server', { timeout: 120_000 }, () => {
  it('waits for running calls', async (t) => {
    const path = join(temporaryDirectory(t), 'csi.sock');
    const entered = gate();
    const release = gate();
    const node = {
      async nodeGetInfo() {
        entered.open();
        await release.opened;
        return { nodeId: 'late' };
      },
    };
    const server = await serve(t, path, driver({ node }));
    const call = connect(t, path).node.nodeGetInfo();
    await entered.opened;
    const stopped = server.stop({ graceMs: 10_000 });
    release.open();
    assert.equal((await call).nodeId, 'late');
    await stopped;
  });

  it('aborts them when the grace is over', async (t) => {
    const path = join(temporaryDirectory(t), 'csi.sock');
    const entered = gate();
    const aborted = gate();
    const node = {
      async nodeGetInfo(_request: unknown, { signal }: { signal: AbortSignal }) {
        signal.addEventListener('abort', () => aborted.open());
        entered.open();
        await aborted.opened;
        return {};
      },
    };
    const server = await serve(t, path, driver({ node }));
    const failed = assert.rejects(connect(t, path).node.nodeGetInfo(), CsiError);
    await entered.opened;
    await server.stop({ graceMs: 10 });
    await aborted.opened;
    await failed;
  });
});

describe('a client', { timeout: 120_000 }, () => {
  it('finds a driver again that restarts', async (t) => {
    const path = join(temporaryDirectory(t), 'csi.sock');
    const client = connect(t, path);
    for (let round = 0; round < 3; round++) {
      const server = await serve(t, path);
      assert.equal((await client.node.nodeGetInfo({}, { waitForReady: true })).nodeId, 'n1');
      await server.stop();
      await assert.rejects(client.node.nodeGetInfo(), {
        codeName: 'UNAVAILABLE',
        endpoint: `unix://${path}`,
      });
    }
  });

  it('waits for a driver that starts late, if asked to', async (t) => {
    const path = join(temporaryDirectory(t), 'csi.sock');
    const client = connect(t, path);
    await assert.rejects(client.node.nodeGetInfo(), { codeName: 'UNAVAILABLE' });
    const waiting = client.node.nodeGetInfo({}, { waitForReady: true });
    await serve(t, path);
    assert.equal((await waiting).nodeId, 'n1');
  });

  it('gives up waiting at the deadline', async (t) => {
    const client = connect(t, join(temporaryDirectory(t), 'csi.sock'));
    await assert.rejects(client.node.nodeGetInfo({}, { waitForReady: true, timeoutMs: 100 }), {
      codeName: 'DEADLINE_EXCEEDED',
    });
  });

  it('closed before its first call, calls nobody', async (t) => {
    const client = connect(t, join(temporaryDirectory(t), 'csi.sock'));
    client.close();
    await assert.rejects(client.node.nodeGetInfo(), { codeName: 'CANCELLED' });
  });
});

describe('waitForDriver', { timeout: 120_000 }, () => {
  it('waits until the driver is there and ready', async (t) => {
    const path = join(temporaryDirectory(t), 'csi.sock');
    let probes = 0;
    const waiting = waitForDriver(connect(t, path), { clock });
    const identity = { name: 'd', vendorVersion: '1', probe: () => ({ ready: ++probes === 3 }) };
    await serve(t, path, { identity });
    await waiting;
    assert.equal(probes, 3);
  });

  it('takes an answer without ready for ready', async (t) => {
    const path = join(temporaryDirectory(t), 'csi.sock');
    await serve(t, path, { identity: { name: 'd', vendorVersion: '1', probe: () => ({}) } });
    await waitForDriver(connect(t, path), { clock });
  });

  it('ends with the signal', async (t) => {
    const client = connect(t, join(temporaryDirectory(t), 'csi.sock'));
    const controller = new AbortController();
    const waiting = waitForDriver(client, { clock, signal: controller.signal });
    controller.abort(new Error('stopped'));
    await assert.rejects(waiting, /stopped/);
  });

  it('ends with an error that is no "not yet"', async (t) => {
    const path = join(temporaryDirectory(t), 'csi.sock');
    const probe = () => {
      throw new Error('no kernel module');
    };
    await serve(t, path, { identity: { name: 'd', vendorVersion: '1', probe } });
    await assert.rejects(waitForDriver(connect(t, path), { clock }), /INTERNAL: no kernel module/);
  });
});
