import assert from 'node:assert/strict';
import { mkdtemp, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { cannotMount, kubectlUntil, run } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, scriptPod, storageClass, volumeOf } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const CLASS = storageClass('local', 'kubernetes.io/no-provisioner', {
  volumeBindingMode: 'WaitForFirstConsumer',
});
const spec = { storageClassName: 'local', accessModes: ['ReadWriteOnce'] };
const volume = (name: string, node: string, local: object) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name },
  spec: {
    ...spec,
    capacity: { storage: '16Mi' },
    persistentVolumeReclaimPolicy: 'Retain',
    local,
    nodeAffinity: {
      required: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
        ],
      },
    },
  },
});
const claim = (name: string) => claimOf(name, '16Mi', { storageClassName: 'local' });
const pod = (name: string, script: string, spec: object = {}) =>
  scriptPod(name, `${script}; echo done; exec sleep 3600`, { data: volumeOf(name) }, { spec });

describe('local volumes on two nodes, by kubectl', { skip: cannotMount }, () => {
  const cluster = suiteCluster(['--nodes', '2']);
  const { k, apply, gone, says } = cluster;
  /** Resolves to the node of a pod, once that has done what it is to do. */
  const runs = async (name: string) => {
    await k('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
    await says(name, /^done$/);
    return k('get', 'pod', name, '-o', 'jsonpath={.spec.nodeName}');
  };
  const stop = (name: string) => k('delete', `pod/${name}`, '--timeout=60s');
  const clear = async () => {
    await k('delete', 'pvc,pv', '--all', '--timeout=60s');
    await gone('pv');
  };
  const blankDisk = async (test: TestContext) => {
    const image = join(cluster.directory, `disk-${process.hrtime.bigint()}`);
    await writeFile(image, '');
    await truncate(image, 16 << 20);
    const { stdout } = await run('losetup', ['--find', '--show', image]);
    const device = stdout.trim();
    test.after(() => run('losetup', ['--detach', device]));
    return device;
  };

  it('puts a pod where its disk is, each time, with its data', async () => {
    const paths: Record<string, string> = {};
    for (const node of ['node-1', 'node-2']) paths[node] = await mkdtemp(join(cluster.directory, node));
    const volumes = Object.entries(paths).map(([node, path]) => volume(`on-${node}`, node, { path }));
    await apply(CLASS, ...volumes, claim('first'), claim('second'));
    // Not before a pod asks: the scheduler chooses for pod and volume at once.
    await kubectlUntil(cluster.kubeconfig, ['get', 'events', '-w'], /WaitForFirstConsumer.*claim\/first/);
    const byNode = { nodeSelector: { 'kubernetes.io/hostname': 'node-2' } };
    await apply(pod('first', 'echo one > /data/file', byNode));
    assert.equal(await runs('first'), 'node-2');
    // The other disk is the only one left, and so is its node.
    await apply(pod('second', 'echo two > /data/file'));
    assert.equal(await runs('second'), 'node-1');
    assert.equal(await k('get', 'pvc', 'second', '-o', 'jsonpath={.spec.volumeName}'), 'on-node-1');

    for (const name of ['first', 'second']) await stop(name);
    await apply(pod('first', 'cat /data/file'), pod('second', 'cat /data/file'));
    assert.deepEqual([await runs('first'), await runs('second')], ['node-2', 'node-1']);
    const logs = [await k('logs', 'first'), await k('logs', 'second')];
    assert.deepEqual(logs, ['one\ndone\n', 'two\ndone\n']);
    for (const name of ['first', 'second']) await stop(name);
    await clear();
    assert.equal(await readFile(join(paths['node-2']!, 'file'), 'utf8'), 'one\n', 'retained');
  });

  it('formats a blank disk for the first pod, and hands it with its data to the next', async (test) => {
    const device = await blankDisk(test);
    await apply(CLASS, volume('disk', 'node-2', { path: device, fsType: 'ext4' }), claim('db'));
    await apply(pod('db', 'echo kept > /data/file; stat -f -c %T /data'));
    assert.equal(await runs('db'), 'node-2');
    assert.match(await k('logs', 'db'), /^ext2\/ext3$/m);
    await stop('db');
    await apply(pod('db', 'cat /data/file'));
    await runs('db');
    assert.equal(await k('logs', 'db'), 'kept\ndone\n');
    await stop('db');
    await clear();
  });

  it('says why a disk that is not there cannot be mounted, and goes on once it is', async () => {
    const path = join(cluster.directory, 'late');
    await apply(CLASS, volume('late', 'node-1', { path }), claim('late'), pod('late', 'echo > /data/file'));
    const said = `MountVolume.NewMounter initialization failed for volume "late" : path "${path}" does not exist`;
    await kubectlUntil(cluster.kubeconfig, ['get', 'events', '-w'], new RegExp(`FailedMount.*${said}`));
    await run('mkdir', [path]);
    assert.equal(await runs('late'), 'node-1');
    await stop('late');
    await clear();
  });

  it('leaves nothing on the machine', async () => {
    assert.deepEqual(await leftOnMachine(cluster.directory, 2), []);
  });
});
