import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cannotMount, kubectlResult, kubectlUntil, watchOf } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, scriptPod, storageClass, volumeOf } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/populator/', import.meta.url));

describe('a volume populator, by kubectl', { skip: cannotMount, timeout: 600_000 }, () => {
  const cluster = suiteCluster(['--nodes', '2']);
  const { k, apply, gone, says } = cluster;
  let stop: (() => Promise<number | null>) | undefined;
  const hello = (name: string, fileContents: string) => ({
    apiVersion: 'hello.example.com/v1alpha1',
    kind: 'Hello',
    metadata: { name },
    spec: { fileName: 'hello.txt', fileContents },
  });
  const filled = (name: string, more: object = {}) =>
    claimOf(name, '16Mi', {
      storageClassName: 'disk',
      dataSourceRef: { apiGroup: 'hello.example.com', kind: 'Hello', name },
      ...more,
    });
  /** Resolves once the populator has neither pods nor claims. */
  const nothingOfItsOwn = async () => {
    for (const deadline = performance.now() + 60_000; ; ) {
      const names = (await k('get', 'pods,pvc', '-n', 'hello', '-o', 'name')).split('\n').filter(Boolean);
      if (names.length === 0) return;
      assert.ok(performance.now() < deadline, `still there: ${names.join(' ')}`);
      const wait = ['wait', '--for=delete', ...names, '-n', 'hello', '--timeout=10s'];
      await kubectlResult(cluster.kubeconfig, wait);
    }
  };
  const ready = (pod: string) => k('wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=90s');

  before(async () => {
    await k('apply', '-f', `${EXAMPLES}hello.yaml`);
    const child = spawn(process.execPath, [`${EXAMPLES}hello-populator.ts`], {
      env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const exit = once(child, 'exit') as Promise<[number | null]>;
    stop = async () => {
      child.kill('SIGTERM');
      return (await exit)[0];
    };
  });
  after(() => stop?.());

  it('fills a claim before its pod starts, on the node of that, and leaves nothing of its own', async () => {
    await k('apply', '-f', `${EXAMPLES}claim.yaml`);
    await ready('reader');
    await says('reader', /^Hello, world!$/);
    const args = ['get', 'events', '-w', '-o', 'custom-columns=R:.reason,M:.message'];
    for (const told of [/^PopulatorCreated +Populator started$/, /^PopulatorFinished +Populator finished$/])
      await kubectlUntil(cluster.kubeconfig, args, told);
    const path = '-o=jsonpath={.metadata.annotations.hello\\.example\\.com/populated-from}';
    const volume = await k('get', 'pvc', 'greeting', '-o', 'jsonpath={.spec.volumeName}');
    assert.equal(await k('get', 'pv', volume, path), 'default/world');
    await nothingOfItsOwn();
    assert.doesNotMatch(
      await k('get', 'pvc', 'greeting', '-o', 'jsonpath={.metadata.finalizers}'),
      /populate/,
    );
    await k('delete', '-f', `${EXAMPLES}claim.yaml`, '--timeout=60s');
    await gone('pv');
  });

  it('fills a block device, waits for its source, and tells that it is missing', async () => {
    await apply(storageClass('disk', 'disk.csi.stowage.dev'), filled('raw', { volumeMode: 'Block' }));
    await kubectlUntil(
      cluster.kubeconfig,
      ['get', 'events', '-w'],
      /PopulatorDataSourceNotFound.*Data source default\/raw not found/,
    );
    const container = { volumeMounts: null, volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] };
    const reader = scriptPod(
      'raw',
      'head -c 9 /dev/data; exec sleep 3600',
      { data: volumeOf('raw') },
      { container },
    );
    await apply(hello('raw', 'raw text'), reader);
    await ready('raw');
    await says('raw', /^raw text$/);
    await k('delete', 'pod/raw', 'pvc/raw', 'hello/raw', '--timeout=60s');
    await gone('pv');
  });

  it('lets a claim go whose source went before', async () => {
    // Nobody makes its volume, so that it is being filled for ever.
    await apply(
      storageClass('nobody', 'nobody.example.com'),
      hello('lost', 'x'),
      filled('lost', { storageClassName: 'nobody' }),
    );
    await kubectlUntil(
      cluster.kubeconfig,
      [...watchOf('pvc', 'lost'), '-o', 'custom-columns=F:.metadata.finalizers'],
      /populate-target-protection/,
    );
    await k('delete', 'hello/lost');
    await k('delete', 'pvc/lost', '--timeout=60s');
    await gone('pv');
    await nothingOfItsOwn();
  });

  it('ends when it is told to, and nothing is left on the machine', async () => {
    assert.equal(await stop?.(), 0);
    assert.deepEqual(await leftOnMachine(cluster.directory, 2), []);
  });
});
