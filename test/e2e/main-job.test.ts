import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cannotMount, EXAMPLE } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { processesNaming } from '../support/scrub.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

describe('the main job, by kubectl', { skip: cannotMount }, () => {
  const cluster = suiteCluster();
  const { k, gone, says, isBack } = cluster;

  it('applies the example and waits for its pods', async () => {
    assert.match(await k('apply', '-f', EXAMPLE), /statefulset.apps\/web created/);
    await k('rollout', 'status', 'statefulset/web', '--timeout=60s');
    assert.match(await k('get', 'pods'), /web-0\s+1\/1\s+Running\s+0[\s\S]*web-1\s+1\/1\s+Running\s+0/);
  });

  it('has bound the claims to volumes of their own, attached to the node', async () => {
    assert.match(await k('get', 'pvc'), /disk-pvc-web-0\s+Bound\s+pvc-\S+\s+64Mi\s+RWO\s+stowage-disk/);
    const volumes = (await k('get', 'pv', '-o', 'jsonpath={.items[*].status.phase}')).split(' ');
    assert.deepEqual(volumes, ['Bound', 'Bound']);
    // New nodes are tainted until they are seen to be ready.
    assert.equal(await k('get', 'nodes', '-o', 'jsonpath={.items[*].spec.taints}'), '');
    const attached = await k('get', 'volumeattachments', '-o', 'jsonpath={.items[*].status.attached}');
    assert.equal(attached, 'true true');
  });

  it('the pod itself sees a loop device with ext4 at /data', async () => {
    await says('web-0', /^\/dev\/loop\d+ on \/data type ext4 /);
  });

  it('describe tells the journey by upstream event reasons', async () => {
    const claim = await k('describe', 'pvc', 'disk-pvc-web-0');
    for (const reason of ['WaitForFirstConsumer', 'Provisioning', 'ProvisioningSucceeded'])
      assert.match(claim, new RegExp(reason));
    const pod = await k('describe', 'pod', 'web-0');
    for (const reason of ['Scheduled', 'SuccessfulAttachVolume', 'Created', 'Started'])
      assert.match(pod, new RegExp(reason));
  });

  it('a deleted pod comes back with what it wrote', async () => {
    const line = await says('web-0', /web-0 started$/);
    const uid = await k('get', 'pod', 'web-0', '-o', 'jsonpath={.metadata.uid}');
    await k('delete', 'pod', 'web-0');
    await isBack('web-0');
    assert.notEqual(await k('get', 'pod', 'web-0', '-o', 'jsonpath={.metadata.uid}'), uid);
    await k('rollout', 'status', 'statefulset/web', '--timeout=60s');
    // It says all that the volume holds.
    await says('web-0', new RegExp(`^${line}$`));
  });

  it('after everything is deleted nothing is left', async () => {
    await k('delete', 'statefulset', 'web');
    await gone('pods');
    await k('delete', 'pvc', '--all');
    await k('delete', 'storageclass', 'stowage-disk');
    await gone('pv');
    assert.equal(await k('get', 'pv,volumeattachments', '-o', 'name'), '');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });

  it('Ctrl-C ends it with exit code 0 and no process left', async () => {
    assert.equal(await cluster.stack.end('SIGINT'), 0, cluster.stack.output().stderr);
    assert.deepEqual(await processesNaming(cluster.directory), []);
  });
});
