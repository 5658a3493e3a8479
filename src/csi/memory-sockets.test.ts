import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FakeClock, silentLogger } from '../base/index.ts';
import { connectCsi } from './client.ts';
import { memorySockets } from './memory-sockets.ts';
import { serveCsi } from './server/serve.ts';

const ENDPOINT = 'unix:///run/driver.sock';

describe('sockets in memory', () => {
  const setUp = () => {
    const placed = new Set<string>();
    const sockets = memorySockets({
      place: (path) => placed.add(path),
      remove: (path) => placed.delete(path),
    });
    const clock = new FakeClock();
    const serve = (name: string) =>
      serveCsi({
        endpoint: ENDPOINT,
        clock,
        log: silentLogger,
        sockets,
        identity: { name, vendorVersion: '1' },
      });
    const csi = connectCsi(ENDPOINT, { clock, sockets });
    const nameOf = async (options?: { waitForReady: boolean }) =>
      (await csi.identity.getPluginInfo({}, options)).name;
    return { placed, serve, nameOf };
  };

  it('lead to whoever serves on the endpoint now, and have a name in the file system so long', async () => {
    const { placed, serve, nameOf } = setUp();
    await assert.rejects(nameOf(), /the server is not running/);
    const server = await serve('first');
    assert.deepEqual([...placed], ['/run/driver.sock']);
    assert.equal(await nameOf(), 'first');
    await server.stop();
    assert.deepEqual([...placed], []);
    await assert.rejects(nameOf(), /the server is not running/);
  });

  it('let a call that is patient wait for the server', async () => {
    const { serve, nameOf } = setUp();
    const name = nameOf({ waitForReady: true });
    await serve('late');
    assert.equal(await name, 'late');
  });

  it('belong to the last who serves: the end of an earlier one takes nothing from him', async () => {
    const { placed, serve, nameOf } = setUp();
    const first = await serve('first');
    await serve('second');
    await first.stop();
    assert.deepEqual([...placed], ['/run/driver.sock']);
    assert.equal(await nameOf(), 'second');
  });
});
