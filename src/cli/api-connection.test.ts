import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { inClusterConnection } from './api-connection.ts';

describe('the connection of a pod', () => {
  it('is to the address in its environment, with the token and the authority of its account', async (test) => {
    const account = await mkdtemp(join(tmpdir(), 'stowage-account-'));
    test.after(() => rm(account, { recursive: true }));
    await writeFile(join(account, 'token'), 'secret\n');
    await writeFile(join(account, 'ca.crt'), 'authority');
    const { token, ...rest } = await inClusterConnection(
      { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' },
      account,
    );
    assert.deepEqual(rest, { server: 'https://10.0.0.1:443', ca: 'authority' });
    assert.equal(await (token as () => Promise<string>)(), 'secret');
    const six = await inClusterConnection(
      { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '6443' },
      account,
    );
    assert.equal(six.server, 'https://[fd00::1]:6443');
  });

  it('is none outside of one: what to do instead is said', () =>
    assert.rejects(
      inClusterConnection({ KUBERNETES_SERVICE_HOST: 'x' }, '/nowhere'),
      /give --kubeconfig, or set KUBECONFIG; in a pod KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT/,
    ));

  it('is none without an account', () =>
    assert.rejects(
      inClusterConnection({ KUBERNETES_SERVICE_HOST: 'x', KUBERNETES_SERVICE_PORT: '1' }, '/nowhere'),
      /\/nowhere\/token/,
    ));
});
