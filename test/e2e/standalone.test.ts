import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cannotMount, kubectlUntil, type Up, up, waitGone, watchOf } from '../support/command.ts';
import { startDiskDriver } from '../support/disk-driver-process.ts';
import { freePort } from '../support/free-port.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { claimOf, sleepingPod, storageClass } from '../support/manifests.ts';
import { type Part, startPart } from '../support/part.ts';
import { scrub } from '../support/scrub.ts';

const DRIVER = 'alone.csi.example.com';

describe('every part in a process of its own', { skip: cannotMount }, () => {
  let directory: string;
  let stack: Up;
  const parts: Part[] = [];
  const part = (...args: string[]) => {
    const one = startPart(args);
    parts.push(one);
    return one;
  };
  const { k, apply } = kubectlOf(() => stack.kubeconfig);
  const claim = (name: string) => claimOf(name, '16Mi', { storageClassName: 'alone' });
  const bound = (name: string) =>
    kubectlUntil(stack.kubeconfig, [...watchOf('pvc', name), '--no-headers'], /\bBound\b/);
  const address = () => `unix://${join(directory, 'csi.sock')}`;

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-alone-'));
    stack = await up(directory, ['--without', 'controllers,scheduler,sidecars']);
  });
  after(async () => {
    await stack?.end('SIGTERM');
    for (const one of parts) await one.end('SIGKILL');
    await scrub(directory);
  });

  it('a pod gets its volume; of two that want the same Leases one works, and the other when that is killed', async () => {
    const driver = await startDiskDriver([
      ...['--endpoint', address(), '--pool', join(directory, 'pool')],
      ...['--node-id', 'node-1', '--driver-name', DRIVER],
    ]);
    try {
      const { kubeconfig } = stack;
      const registry = join(directory, 'data', 'kubelet', 'plugins_registry');
      const registrarPort = await freePort();
      const controllers = part('controllers', '--kubeconfig', kubeconfig);
      const scheduler = part('scheduler', '--kubeconfig', kubeconfig);
      const registrar = part(
        ...['sidecar', 'registrar', `--csi-address=${address()}`, `--plugin-registration-path=${registry}`],
        ...[`--kubelet-registration-path=${join(directory, 'csi.sock')}`],
        `--http-endpoint=127.0.0.1:${registrarPort}`,
      );
      await registrar.says(/registered with the kubelet/);
      const healthy = await fetch(`http://127.0.0.1:${registrarPort}/healthz`);
      assert.equal(await healthy.text(), 'ok');
      assert.match(await k('get', 'csinode', 'node-1', '-o', 'yaml'), new RegExp(`name: ${DRIVER}`));
      await Promise.all([controllers, scheduler].map((one) => one.says(/"acquired the leader lease"/)));

      const sidecars = (port: number) =>
        part(
          ...[
            'sidecars',
            '--with=provisioner,attacher',
            `--kubeconfig=${kubeconfig}`,
            '--csi-address',
            address(),
          ],
          ...['--leader-election', '--leader-election-namespace=kube-system', '--leader-election-labels=a:b'],
          ...['--leader-election-lease-duration=6s', '--leader-election-renew-deadline=5s'],
          ...['--leader-election-retry-period=500ms', `--http-endpoint=127.0.0.1:${port}`],
          '--attacher-timeout=20s',
        );
      const ports = [await freePort(), await freePort()] as const;
      const first = sidecars(ports[0]);
      await first.says(/acquired the leader lease.*alone-csi-example-com/);
      await first.says(/acquired the leader lease.*external-attacher-leader-alone-csi-example-com/);
      const second = sidecars(ports[1]);
      await second.says(/"new leader".*external-attacher-leader/);
      await apply(
        { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name: DRIVER }, spec: {} },
        storageClass('alone', DRIVER),
        claim('one'),
        sleepingPod('user', ['one']),
      );
      await k('wait', '--for=condition=Ready', 'pod/user', '--timeout=60s');
      const metrics = async (port: number) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      const create = `csi_sidecar_operations_seconds_count{driver_name="${DRIVER}",method_name="/csi.v1.Controller/CreateVolume",grpc_status_code="OK"} 1`;
      assert.ok((await metrics(ports[0])).includes(create));
      assert.ok(!(await metrics(ports[1])).includes('CreateVolume'));
      for (const [port, line] of [
        [ports[0], 'leader_election_master_status{name="alone-csi-example-com"} 1'],
        [ports[1], 'leader_election_master_status{name="alone-csi-example-com"} 0'],
        [ports[0], 'controller_persistentvolumeclaim_provision_total{class="alone",source=""} 1'],
      ] as const)
        assert.ok((await metrics(port)).split('\n').includes(line), `${line}\n${await metrics(port)}`);
      assert.match(await metrics(ports[0]), /^process_start_time_seconds \d/m);
      for (const queue of ['claims', 'volumes', 'csi-attacher-va', 'csi-attacher-pv'])
        assert.match(
          await metrics(ports[0]),
          new RegExp(`^workqueue_adds_total\\{name="${queue}"\\} \\d`, 'm'),
        );
      const health = await fetch(`http://127.0.0.1:${ports[0]}/healthz/leader-election`);
      assert.deepEqual([health.status, await health.text()], [200, 'ok']);

      const holder = 'jsonpath={.metadata.labels.a} {.spec.holderIdentity}';
      const lease = ['get', 'lease', '-n', 'kube-system', 'alone-csi-example-com', '-o', holder];
      const before = await k(...lease);
      await first.end('SIGKILL');
      await second.says(/acquired the leader lease.*external-attacher-leader/);
      await apply(claim('two'));
      await bound('two');
      assert.notEqual(await k(...lease), before);
      assert.match(before, /^b \S+$/);
      assert.ok((await metrics(ports[1])).includes(create));

      await k('delete', 'pod/user', 'pvc/one', 'pvc/two');
      for (const kind of ['pv', 'volumeattachments']) await waitGone(kubeconfig, kind);
      assert.deepEqual(await readdir(join(directory, 'pool')), []);
      assert.equal(await second.end('SIGTERM'), 0);
      assert.equal(await registrar.end('SIGTERM'), 0);
      assert.equal(existsSync(join(registry, `${DRIVER}-reg.sock`)), false);
      assert.equal(await controllers.end('SIGTERM'), 0);
      assert.equal(
        await k('get', 'lease', '-n', 'kube-system', 'kube-controller-manager', '-o', holder),
        ' ',
      );
      assert.equal(await scheduler.end('SIGTERM'), 0);
    } finally {
      await driver.end('SIGTERM');
    }
  });
});
