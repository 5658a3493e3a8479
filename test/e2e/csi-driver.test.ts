import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { silentLogger, systemClock } from '../../src/base/index.ts';
import { type Cluster, startCluster } from '../../src/cluster.ts';
import { type ControllerService, type CsiServices, serveCsi } from '../../src/csi/index.ts';
import { createLinuxHost } from '../../src/host/index.ts';
import { cannotMount, kubectl, kubectlUntil, type Up, up, waitGone, watchOf } from '../support/command.ts';
import { type DiskDriverProcess, startDiskDriver } from '../support/disk-driver-process.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { listOf } from '../support/kubectl-session.ts';
import { claimOf, scriptPod, storageClass, volumeOf } from '../support/manifests.ts';
import { scrub } from '../support/scrub.ts';

/** A claim of a class and a pod that appends to its volume, and then says what it holds. */
const workload = (driver: string, name: string) =>
  listOf(
    storageClass('external', driver),
    claimOf('data', '16Mi', { storageClassName: 'external' }),
    scriptPod(
      name,
      `echo ${name} >> /data/log; cat /data/log; echo done; exec sleep infinity`,
      { data: volumeOf('data') },
      // A driver without topology does not say where its volumes can be used.
      { spec: { nodeSelector: { 'kubernetes.io/hostname': 'node-1' } } },
    ),
  );

const driversOfNode = [
  ...watchOf('csinode', 'node-1'),
  '-o',
  'jsonpath={"drivers: "}{.spec.drivers[*].name}{"\\n"}',
];

describe('stowage up --csi-driver with a driver that is a process of its own', { skip: cannotMount }, () => {
  const NAME = 'external.csi.example.com';
  let directory: string;
  let stack: Up;
  let driver: DiskDriverProcess | undefined;
  const { k, says } = kubectlOf(() => stack.kubeconfig);
  const apply = (list: object) =>
    kubectl(stack.kubeconfig, ['apply', '-f', '-'], { input: JSON.stringify(list) });
  const done = async (pod: string) => {
    await k('wait', '--for=condition=Ready', `pod/${pod}`, '--timeout=60s');
    await says(pod, /^done$/);
  };
  const startDriver = () =>
    startDiskDriver([
      ...['--endpoint', `unix://${join(directory, 'csi.sock')}`, '--pool', join(directory, 'pool')],
      ...['--node-id', 'node-1', '--driver-name', NAME],
    ]);

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-csi-'));
    stack = await up(directory, ['--csi-driver', `unix://${join(directory, 'csi.sock')}`]);
  });
  after(async () => {
    await stack?.end('SIGTERM');
    await driver?.end('SIGKILL');
    await scrub(directory);
  });

  it('a driver that starts late is registered and served; one that dies is gone until it is back', async () => {
    driver = await startDriver();
    await kubectlUntil(stack.kubeconfig, driversOfNode, /external\.csi/);
    assert.equal(
      await k('get', 'csidriver', NAME, '-o', 'jsonpath={.spec.attachRequired} {.spec.volumeLifecycleModes}'),
      'true ["Persistent"]',
    );
    await apply(workload(NAME, 'first'));
    await done('first');

    await driver.end('SIGKILL');
    await kubectlUntil(stack.kubeconfig, driversOfNode, /^drivers: disk\.csi\.stowage\.dev$/);
    driver = await startDriver();
    await kubectlUntil(stack.kubeconfig, driversOfNode, /external\.csi/);

    await k('delete', 'pod', 'first');
    await apply(workload(NAME, 'second'));
    await done('second');
    assert.equal(await k('logs', 'second'), 'first\nsecond\ndone\n');
    await k('delete', 'pod/second', 'pvc/data', 'storageclass/external');
    for (const kind of ['pv', 'volumeattachments']) await waitGone(stack.kubeconfig, kind);
    assert.deepEqual(await readdir(join(directory, 'pool')), []);
  });
});

describe('a CSI driver in a few lines, plugged into a cluster', { skip: cannotMount }, () => {
  const NAME = 'tiny.csi.example.com';
  const host = createLinuxHost({ clock: systemClock });
  let directory: string;
  let cluster: Cluster;
  const volume = (id: string) => join(directory, 'volumes', id);

  /** Volumes are directories, and nothing is attached. */
  const controller: ControllerService = {
    async createVolume({ name, capacityRange }) {
      await mkdir(volume(name), { recursive: true });
      return { volume: { volumeId: name, capacityBytes: capacityRange?.requiredBytes ?? 0n } };
    },
    async deleteVolume({ volumeId }) {
      await rm(volume(volumeId), { recursive: true, force: true });
      return {};
    },
  };
  const services: CsiServices = {
    identity: { name: NAME, vendorVersion: '1' },
    node: {
      nodeGetInfo: () => ({ nodeId: 'here' }),
      async nodePublishVolume({ volumeId, targetPath }) {
        if ((await host.mounts.list()).some(({ target }) => target === targetPath)) return {};
        await mkdir(targetPath, { recursive: true });
        await host.mounts.mount({ source: volume(volumeId), target: targetPath, options: ['bind'] });
        return {};
      },
      async nodeUnpublishVolume({ targetPath }) {
        if ((await host.mounts.list()).some(({ target }) => target === targetPath))
          await host.mounts.unmount(targetPath);
        await rmdir(targetPath).catch(() => undefined);
        return {};
      },
    },
  };
  const serve = (also: Partial<CsiServices> = {}) =>
    serveCsi({
      endpoint: join(directory, 'tiny.sock'),
      clock: systemClock,
      log: silentLogger,
      ...services,
      ...also,
    });
  const { k, says } = kubectlOf(() => cluster.kubeconfig);

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-tiny-'));
    cluster = await startCluster({
      dataDir: join(directory, 'data'),
      nodes: 2,
      logLevel: 'silent',
      csiDrivers: [{ endpoint: `unix://${join(directory, 'tiny.sock')}`, node: 'node-1' }],
    });
  });
  after(async () => {
    await cluster?.stop();
    await scrub(directory);
  });

  it('comes back as one that can do more, and gets the sidecars for it; a CSIDriver object is left as it is', async () => {
    const withoutController = await serve();
    await kubectlUntil(cluster.kubeconfig, driversOfNode, /tiny\.csi/);
    const modes = [
      'get',
      'csidriver',
      NAME,
      '-o',
      'jsonpath={.spec.attachRequired} {.spec.volumeLifecycleModes}',
    ];
    assert.equal(await k(...modes), 'false ["Persistent","Ephemeral"]');
    assert.equal(
      await k('get', 'csinode', 'node-2', '-o', 'jsonpath={.spec.drivers[*].name}'),
      'disk.csi.stowage.dev',
    );
    const manifest = JSON.stringify(workload(NAME, 'user'));
    await kubectl(cluster.kubeconfig, ['apply', '-f', '-'], { input: manifest });
    await withoutController.stop();
    await kubectlUntil(cluster.kubeconfig, driversOfNode, /^drivers: disk\.csi\.stowage\.dev$/);

    const complete = await serve({ controller, snapshotMetadata: {} });
    try {
      await k('wait', '--for=condition=Ready', 'pod/user', '--timeout=60s');
      await says('user', /^done$/);
      assert.equal(await k('logs', 'user'), 'user\ndone\n');
      assert.equal(await k(...modes), 'false ["Persistent","Ephemeral"]');
      assert.equal(await k('get', 'volumeattachments', '-o', 'name'), '');
      await k('wait', '--for=create', `snapshotmetadataservice/${NAME}`, '--timeout=60s');
      await k('delete', 'pod/user', 'pvc/data');
      await waitGone(cluster.kubeconfig, 'pv');
      assert.deepEqual(await readdir(join(directory, 'volumes')), []);
    } finally {
      await complete.stop();
    }
  });
});
