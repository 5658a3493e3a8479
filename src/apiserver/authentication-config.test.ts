import assert from 'node:assert/strict';
import { it } from 'node:test';
import { configMaps } from '../kube/index.ts';
import { publishAuthenticationConfig } from './authentication-config.ts';
import { startRegistry } from './registry/testing.ts';

it('the client authority is published, and the one of a later start takes its place', async () => {
  const { registry } = await startRegistry();
  const data = () =>
    registry.get(configMaps, { namespace: 'kube-system', name: 'extension-apiserver-authentication' }).object
      .data;
  await publishAuthenticationConfig(registry, 'one');
  assert.deepEqual(data(), { 'client-ca-file': 'one' });
  await publishAuthenticationConfig(registry, 'two');
  assert.deepEqual(data(), { 'client-ca-file': 'two' });
});
