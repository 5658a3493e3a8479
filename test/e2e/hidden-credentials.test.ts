import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { startCluster } from '../../src/cluster.ts';
import { skipReason } from '../../src/host/linux/leftovers.test-support.ts';
import { pods } from '../../src/kube/index.ts';

it('a pod cannot read the kubeconfig, wherever it was asked for', {
  skip: skipReason,
  timeout: 600_000,
}, async (test) => {
  // Where containers see the host's files, unlike in /tmp.
  const directory = mkdtempSync('/var/tmp/stowage-');
  test.after(() => rmSync(directory, { recursive: true }));
  const kubeconfig = join(directory, 'config');
  const cluster = await startCluster({ ephemeral: true, kubeconfig });
  test.after(() => cluster.stop());
  const script = `ls ${directory}; cat ${kubeconfig}; echo end; sleep 100`;
  const name = { namespace: 'default', name: 'reader' };
  await cluster.client.create(pods, {
    metadata: name,
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: 'example.com/app', command: ['sh', '-c', `exec 2>&1; ${script}`] }],
    },
  });
  await cluster.informers.of(pods).synced;
  const running = Promise.withResolvers<void>();
  cluster.informers.of(pods).on({
    updated: (pod) => {
      if (pod.status?.phase === 'Running') running.resolve();
    },
  });
  await running.promise;
  const lines: string[] = [];
  for await (const line of cluster.logs(name, { follow: true })) {
    if (line === 'end') break;
    lines.push(line);
  }
  assert.deepEqual(lines, [`cat: ${kubeconfig}: No such file or directory`]);
});
