import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startCluster } from '../../src/cluster.ts';
import { cannotMount, EXAMPLE, kubectl, kubectlResult, waitGone } from '../support/command.ts';
import { scrub } from '../support/scrub.ts';

const DEPLOYMENT = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: idle, namespace: team}
spec:
  selector: {matchLabels: {app: idle}}
  template:
    metadata: {labels: {app: idle}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: busybox, command: [sleep, '1000']}]
`;

describe('components under identities of their own', { skip: cannotMount }, () => {
  it('do the whole job, are refused nothing, and so does somebody who may only edit', async () => {
    const complaints: string[] = [];
    const cluster = await startCluster({
      ephemeral: true,
      logLevel: 'warn',
      logSink: (line) => complaints.push(line),
    });
    const files = await mkdtemp(join(tmpdir(), 'stowage-identities-'));
    const { kubeconfig } = cluster;
    const ask = (...args: string[]) => kubectl(kubeconfig, args);
    // Impersonation: an editor of one namespace, by the role that the aggregation controller has put together.
    const editor = (...args: string[]) => ask(...args, '-n', 'team', '--as=erna', '--as-group=editors');
    try {
      await ask('apply', '-f', EXAMPLE);
      await ask('create', 'namespace', 'team');
      await ask('create', 'rolebinding', 'editors', '-n', 'team', '--clusterrole=edit', '--group=editors');
      await writeFile(join(files, 'deployment.yaml'), DEPLOYMENT);
      await editor('apply', '-f', join(files, 'deployment.yaml'));
      await editor('rollout', 'status', 'deployment', 'idle', '--timeout=60s');
      assert.match(await editor('get', 'pods,secrets,pvc'), /pod\/idle-/);
      const refused = await kubectlResult(kubeconfig, ['get', 'pods', '--as=erna', '--as-group=editors']);
      assert.match(
        refused.stderr,
        /User "erna" cannot list resource "pods" in API group "" in the namespace "default"/,
      );

      await ask('rollout', 'status', 'statefulset', 'web', '--timeout=60s');
      await ask('delete', 'pod', 'web-0');
      await ask('rollout', 'status', 'statefulset', 'web', '--timeout=60s');
      await ask('delete', 'namespace', 'team', '--timeout=60s');
      await ask('delete', 'statefulset', 'web');
      await waitGone(kubeconfig, 'pods');
      await ask('delete', 'pvc', '--all');
      await waitGone(kubeconfig, 'pv');
      assert.match(await ask('get', 'events', '-A'), /SuccessfulAttachVolume/);
      assert.deepEqual(
        // What a namespace refuses while it ends is no matter of who asks.
        complaints.filter((line) => line.includes('forbidden') && !line.includes('it is being terminated')),
        [],
      );
    } finally {
      await cluster.stop();
      await scrub(cluster.directory);
      await rm(files, { recursive: true });
    }
  });
});
