import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { silentLogger, systemClock } from '../base/index.ts';
import { connectRegistration, serveRegistration } from './registration.ts';
import { temporaryDirectory } from './test-support.ts';

const clock = systemClock;

async function register(t: TestContext, supportedVersions?: string[]) {
  const socketPath = join(temporaryDirectory(t), 'd-reg.sock');
  const statuses: { registered: boolean; error: string }[] = [];
  const server = await serveRegistration({
    socketPath,
    driverName: 'd.example.org',
    endpoint: 'unix:///var/lib/kubelet/plugins/d/csi.sock',
    supportedVersions,
    onStatus: (status) => statuses.push(status),
    clock,
    log: silentLogger,
  });
  const client = connectRegistration(socketPath, { clock });
  t.after(async () => {
    client.close();
    await server.stop({ graceMs: 0 });
  });
  return { client, statuses };
}

describe('plugin registration', () => {
  it('tells the kubelet type, name, versions and the path of the driver', async (t) => {
    const { client } = await register(t);
    const { type, name, endpoint, supportedVersions } = await client.getInfo();
    assert.deepEqual(
      { type, name, endpoint, supportedVersions },
      {
        type: 'CSIPlugin',
        name: 'd.example.org',
        endpoint: '/var/lib/kubelet/plugins/d/csi.sock',
        supportedVersions: ['1.0.0'],
      },
    );
  });

  it('hears the outcome', async (t) => {
    const { client, statuses } = await register(t, ['1.12.0']);
    await client.notifyRegistrationStatus({ pluginRegistered: false, error: 'no such version' });
    await client.notifyRegistrationStatus({ pluginRegistered: true });
    assert.deepEqual(statuses, [
      { registered: false, error: 'no such version' },
      { registered: true, error: '' },
    ]);
  });
});
