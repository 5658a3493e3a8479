import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { cannotMount, kubectlUntil, STOWAGE } from '../support/command.ts';
import { claimOf, DISK_CLASS, sleepingPod } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const TRACKED = '{"spec":{"storageCapacity":true}}';
const DRIVER = 'csidriver/disk.csi.stowage.dev';

describe('what of a driver’s capacity the scheduler knows', { skip: cannotMount }, () => {
  const cluster = suiteCluster();
  const { k, apply, gone } = cluster;

  it('is told once the driver’s object asks for it: a pod waits whose volume has no room', async () => {
    await apply(DISK_CLASS);
    assert.equal(await k('get', 'csistoragecapacities', '-A', '-o', 'name'), '');
    await k('patch', DRIVER, '--type=merge', '-p', TRACKED);
    await kubectlUntil(
      cluster.kubeconfig,
      [
        'get',
        'csistoragecapacities',
        '-n',
        'kube-system',
        '-w',
        '-o',
        'custom-columns=:.storageClassName,:.capacity',
      ],
      /^disk +\d+/m,
    );
    const labels =
      'csi.storage.k8s.io/drivername=disk.csi.stowage.dev,csi.storage.k8s.io/managed-by=external-provisioner';
    const own = ['-n', 'kube-system', '-l', labels];
    const name = (await k('get', 'csistoragecapacities', ...own, '-o', 'name')).trim();
    assert.match(name, /^csistoragecapacity\.storage\.k8s\.io\/csisc-\w+$/);

    await apply(
      claimOf('huge', '900Ti', { storageClassName: 'disk' }),
      claimOf('small', '16Mi', { storageClassName: 'disk' }),
      sleepingPod('waits', ['huge']),
      sleepingPod('runs', ['small']),
    );
    await kubectlUntil(
      cluster.kubeconfig,
      ['get', 'events', '-w', '--field-selector=involvedObject.name=waits'],
      /1 node\(s\) did not have enough free storage/,
    );
    await k('wait', '--for=condition=Ready', 'pod/runs', '--timeout=60s');
    assert.equal(await k('get', 'pvc/huge', '-o', 'jsonpath={.status.phase}'), 'Pending');
    await k('delete', 'pod/waits', 'pod/runs', 'pvc/huge', 'pvc/small', '--timeout=60s');
    await k('delete', 'storageclass/disk');
    await k('wait', '--for=delete', '-n', 'kube-system', name, '--timeout=60s');
    await gone('pv');
  });
});

describe('a provisioner by itself that tells the capacity', { skip: cannotMount }, () => {
  const cluster = suiteCluster(['--without', 'sidecars']);
  const { k, apply } = cluster;
  let provisioner: ChildProcess | undefined;
  after(async () => {
    if (!provisioner || provisioner.exitCode !== null) return;
    const ended = once(provisioner, 'exit');
    provisioner.kill('SIGTERM');
    await ended;
  });

  it('does so in its namespace, for as long as its pod is there', async () => {
    await apply(DISK_CLASS, sleepingPod('provisioner', []));
    const args = [
      ...['sidecar', 'provisioner', `--csi-address=${join(cluster.directory, 'data', 'disk.sock')}`],
      ...[`--kubeconfig=${cluster.kubeconfig}`, '--enable-capacity', '--capacity-ownerref-level=0'],
    ];
    const env = { ...process.env, NAMESPACE: 'default', POD_NAME: 'provisioner' };
    provisioner = spawn(process.execPath, [STOWAGE, ...args], {
      stdio: ['ignore', 'inherit', 'ignore'],
      env,
    });
    const columns =
      'custom-columns=:.storageClassName,:.metadata.ownerReferences[0].kind,:.metadata.ownerReferences[0].name';
    await kubectlUntil(
      cluster.kubeconfig,
      ['get', 'csistoragecapacities', '-w', '-o', columns],
      /^disk +Pod +provisioner$/m,
    );
    const ended = once(provisioner, 'exit');
    provisioner.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    await k('delete', 'pod/provisioner', '--timeout=60s');
    await cluster.gone('csistoragecapacities');
  });
});
