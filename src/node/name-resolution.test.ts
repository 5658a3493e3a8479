import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { skipReason } from '../host/linux/leftovers.test-support.ts';
import { pods } from '../kube/index.ts';
import { shellPod, stage } from './stage.test-support.ts';

it('containers see the names that their pod asks for', {
  skip: skipReason,
  timeout: 300_000,
}, async (test) => {
  const { start, client, when, directory } = await stage(test);
  await start();
  const script = 'hostname; cat /etc/hostname; tail -n 1 /etc/hosts; cat /etc/resolv.conf';
  const spec = { restartPolicy: 'Never' } as const;
  const own = {
    hostname: 'db',
    subdomain: 'net',
    setHostnameAsFQDN: true,
    hostAliases: [{ ip: '192.0.2.9', hostnames: ['elsewhere'] }],
    dnsPolicy: 'None',
    dnsConfig: {
      nameservers: ['192.0.2.1'],
      searches: ['my.example'],
      options: [{ name: 'ndots', value: '1' }],
    },
  };
  await client.create(pods, shellPod('own', script, { ...spec, ...own }));
  await client.create(
    pods,
    shellPod('shared', 'hostname; head -n 1 /etc/hosts', { ...spec, hostNetwork: true }),
  );
  const said = async (name: string) => {
    const { metadata } = await when(name, 'over', ({ status }) => status?.phase === 'Succeeded');
    const path = join(directory, `state/log/pods/default_${name}_${metadata.uid}/main/0.log`);
    return readFileSync(path, 'utf8')
      .replace(/^\S+ stdout F /gm, '')
      .split('\n')
      .slice(0, -1);
  };
  assert.deepEqual(await said('own'), [
    'db.net.default.svc.cluster.local',
    'db.net.default.svc.cluster.local',
    '192.0.2.9\telsewhere',
    'search my.example',
    'nameserver 192.0.2.1',
    'options ndots:1',
  ]);
  assert.deepEqual(await said('shared'), [hostname(), '# Kubernetes-managed hosts file (host network).']);
});
