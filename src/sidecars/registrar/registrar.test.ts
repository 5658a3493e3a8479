import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { silentLogger, systemClock, withDeadline } from '../../base/index.ts';
import { connectCsi, connectRegistration, serveCsi, serveRegistration } from '../../csi/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import { createRegistrar, registrarHealth } from './index.ts';

const NAME = 'reg.example.org';
const clock = systemClock;

async function registering(test: TestContext, options: { endWhenRefused?: boolean } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'stowage-registrar-'));
  const endpoint = `unix://${directory}/csi.sock`;
  const csi = connectCsi(endpoint, { clock });
  const driver = await serveCsi({
    endpoint,
    clock,
    log: silentLogger,
    identity: { name: NAME, vendorVersion: '1' },
  });
  const socket = join(directory, `${NAME}-reg.sock`);
  const stop = new AbortController();
  const files = createLinuxHost({ clock }).files;
  const start = () =>
    createRegistrar({
      csi,
      kubeletRegistrationPath: '/var/lib/kubelet/plugins/reg/csi.sock',
      pluginRegistrationPath: directory,
      clock,
      log: silentLogger,
      ...options,
    }).start(stop.signal);
  test.after(async () => {
    csi.close();
    await driver.stop();
    await rm(directory, { recursive: true });
  });
  return {
    socket,
    start,
    stop: () => stop.abort(),
    kubelet: () => connectRegistration(socket, { clock }),
    health: () => registrarHealth({ csi, clock, pluginRegistrationPath: directory, files, timeoutMs: 500 }),
  };
}

describe('node-driver-registrar', () => {
  it('offers the driver to the kubelet until it ends, and says so at /healthz', async (test) => {
    const { start, stop, socket, kubelet, health } = await registering(test);
    assert.deepEqual(await health(), { code: 404, body: 'registration socket does not exist' });
    const done = start();
    const registration = kubelet();
    test.after(() => registration.close());
    const { type, name, endpoint, supportedVersions } = await registration.getInfo(
      {},
      { waitForReady: true },
    );
    assert.deepEqual(
      [type, name, endpoint, supportedVersions],
      ['CSIPlugin', NAME, '/var/lib/kubelet/plugins/reg/csi.sock', ['1.0.0']],
    );
    assert.deepEqual(await health(), { code: 200, body: 'ok' });
    await registration.notifyRegistrationStatus({ pluginRegistered: false, error: 'not now' });
    assert.deepEqual(await health(), { code: 200, body: 'ok' });
    stop();
    await done;
    assert.equal(existsSync(socket), false);
  });

  it('is not well when its socket answers for another driver', async (test) => {
    const { socket, health } = await registering(test);
    const other = await serveRegistration({
      socketPath: socket,
      driverName: 'other.example.org',
      endpoint: '/x/csi.sock',
      clock,
      log: silentLogger,
      onStatus() {},
    });
    assert.deepEqual(await health(), { code: 500, body: 'invalid driver name other.example.org' });
    await other.stop();
  });

  it('as a process of its own ends when the kubelet refuses', async (test) => {
    const { start, kubelet } = await registering(test, { endWhenRefused: true });
    const done = assert.rejects(start(), /Registration process failed with error.*: version too old/);
    const registration = kubelet();
    test.after(() => registration.close());
    await registration.notifyRegistrationStatus(
      { pluginRegistered: false, error: 'version too old' },
      { waitForReady: true },
    );
    await withDeadline(clock, 30_000, 'the end of the registrar', done);
  });
});
