import assert from 'node:assert/strict';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { waitUntil } from '../../src/client/index.ts';
import { type Cluster, startCluster } from '../../src/cluster.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { persistentVolumes, volumeAttachments } from '../../src/kube/index.ts';
import { cannotMount, kubectlUntil, watchOf } from '../support/command.ts';
import { eventTold } from '../support/event-told.ts';
import { FaultDriver } from '../support/fault-driver.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { claimOf, scriptPod, storageClass, volumeOf } from '../support/manifests.ts';
import { scrub } from '../support/scrub.ts';

const LIMIT_MS = 60_000;

const claim = (storageClassName: string, storage = '1Mi') => claimOf('data', storage, { storageClassName });

const pod = scriptPod('user', "trap 'exit 0' TERM; echo written >> /data/log; sleep infinity & wait", {
  data: volumeOf('data'),
});

describe('storage that goes wrong', { skip: cannotMount, timeout: 600_000 }, () => {
  let directory: string;
  let driver: FaultDriver;
  let cluster: Cluster;
  const { k, apply } = kubectlOf(() => cluster.kubeconfig);
  const running = () => k('wait', '--for=condition=Ready', 'pod/user', `--timeout=${LIMIT_MS / 1000}s`);
  const bound = () =>
    kubectlUntil(cluster.kubeconfig, [...watchOf('pvc', 'data'), '--no-headers'], /\bBound\b/, {
      limitMs: LIMIT_MS,
    });
  const phase = () => k('get', 'pvc', 'data', '-o', 'jsonpath={.status.phase}');

  const told = (object: string, reason: string, says: RegExp) =>
    eventTold(cluster, object, reason, says, LIMIT_MS);

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-faults-'));
    driver = await FaultDriver.create(join(directory, 'driver'));
    cluster = await startCluster({
      dataDir: join(directory, 'data'),
      logLevel: 'silent',
      csiDrivers: [{ endpoint: driver.endpoint }],
    });
    // Before the driver is there: two that make its object at one moment meet.
    await apply(
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'CSIDriver',
        metadata: { name: 'faults.csi.example.com' },
        spec: {},
      },
      storageClass('faulty', 'faults.csi.example.com'),
      storageClass('disk', 'disk.csi.stowage.dev'),
    );
    // The sidecars wait for their driver; the cluster does not.
    await driver.start();
    const names = 'jsonpath={.spec.drivers[*].name}{"\\n"}';
    await kubectlUntil(cluster.kubeconfig, [...watchOf('csinode', 'node-1'), '-o', names], /\S \S/);
  });

  after(async () => {
    await cluster?.stop();
    await driver?.stop();
    await scrub(directory);
  });

  /** After every test: the user deletes what he made, and nothing is left. Events go, so that the next test sees its own. */
  afterEach(async () => {
    await driver.fails({});
    await k('delete', 'pod,pvc', '--all', '--timeout=60s');
    const objects = [
      cluster.informers.of(persistentVolumes),
      cluster.informers.of(volumeAttachments),
    ] as const;
    await waitUntil(
      objects as never,
      () => objects.every((informer) => [...informer.values()].length === 0),
      {
        clock: cluster.clock,
        limitMs: LIMIT_MS,
        what: 'deletion of volumes and attachments',
      },
    );
    assert.deepEqual(await cluster.volumesLeft(), []);
    assert.deepEqual(await driver.volumes(), []);
    await k('delete', 'events', '--all');
  });

  it('a class that names no driver: claim and pod wait, and say for whom', async () => {
    await apply(storageClass('nobody', 'nobody.example.com'), claim('nobody'), pod);
    assert.equal(
      await told('PersistentVolumeClaim/data', 'ExternalProvisioning', /./),
      "Waiting for a volume to be created either by the external provisioner 'nobody.example.com' or manually by the " +
        'system administrator. If volume creation is delayed, please verify that the provisioner is running and ' +
        'correctly registered.',
    );
    assert.equal(
      await told('Pod/user', 'FailedScheduling', /./),
      '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found',
    );
    assert.equal(await phase(), 'Pending');
  });

  it('a class that does not exist: the claim says so, and binds once it does', async () => {
    await apply(claim('late'), pod);
    assert.equal(
      await told('PersistentVolumeClaim/data', 'ProvisioningFailed', /./),
      'storageclass.storage.k8s.io "late" not found',
    );
    await apply(storageClass('late', 'faults.csi.example.com'));
    await running();
  });

  it('a claim that does not exist: the pod says so, and runs once it does', async () => {
    await apply(pod);
    assert.match(
      await told('Pod/user', 'FailedScheduling', /./),
      /^0\/1 nodes are available: persistentvolumeclaim "data" not found\./,
    );
    await apply(claim('faulty'));
    await running();
  });

  it('parameters that the disk driver does not know: its words on the claim; a mended class lets it through', async () => {
    await apply(
      storageClass('typo', 'disk.csi.stowage.dev', { parameters: { colour: 'blue' } }),
      claim('typo'),
    );
    assert.equal(
      await told('PersistentVolumeClaim/data', 'ProvisioningFailed', /./),
      'Volume provisioning failed with infeasible error. Retries will be delayed. rpc error: code = InvalidArgument ' +
        'desc = unknown parameters in the StorageClass: colour; remove them',
    );
    assert.equal(await phase(), 'Pending');
    await k('delete', 'storageclass', 'typo');
    await apply(storageClass('typo', 'disk.csi.stowage.dev'));
    await bound();
  });

  it('CreateVolume refused for want of room: told, tried again, made', async () => {
    await driver.fails({ CreateVolume: { code: 'RESOURCE_EXHAUSTED', details: 'the array is full' } });
    await apply(claim('faulty'));
    assert.equal(
      await told('PersistentVolumeClaim/data', 'ProvisioningFailed', /./),
      'rpc error: code = ResourceExhausted desc = the array is full',
    );
    await driver.fails({});
    await bound();
    assert.equal((await driver.volumes()).length, 1);
  });

  it('the driver dies in the middle of CreateVolume: one volume, once it is back', async () => {
    await driver.fails({ CreateVolume: 'die' });
    const before = (await driver.calls('CreateVolume')).length;
    await apply(claim('faulty'), pod);
    await driver.died();
    await told('PersistentVolumeClaim/data', 'ProvisioningFailed', /code = Unavailable/);
    await driver.fails({});
    await driver.start();
    await running();
    const asked = (await driver.calls('CreateVolume')).slice(before);
    assert.ok(asked.length > 1, 'it was asked again');
    assert.equal(new Set(asked).size, 1, `under the same name: ${asked}`);
    assert.equal((await driver.volumes()).length, 1);
  });

  it('the claim is deleted after the driver died in the middle of CreateVolume: no volume stays', async () => {
    await driver.fails({ CreateVolume: 'die' });
    await apply(claim('faulty'));
    await driver.died();
    await told('PersistentVolumeClaim/data', 'ProvisioningFailed', /code = Unavailable/);
    assert.equal((await driver.volumes()).length, 1);
    await k('delete', 'pvc', 'data', '--timeout=30s');
    await driver.fails({});
    await driver.start();
    // It is called until the outcome is certain; the volume that then turns up has no claim, and goes.
    const volumes = cluster.informers.of(persistentVolumes);
    let seen = false;
    const cameAndWent = () => {
      const isThere = [...volumes.values()].length > 0;
      seen ||= isThere;
      return seen && !isThere;
    };
    await waitUntil([volumes] as never, cameAndWent, {
      clock: cluster.clock,
      limitMs: LIMIT_MS,
      what: 'the volume of a claim that is gone, and its deletion',
    });
  });

  it('the driver dies in the middle of NodeStageVolume: staged once, and the pod runs', async () => {
    await driver.fails({ NodeStageVolume: 'die' });
    const before = (await driver.calls('NodeStageVolume')).length;
    await apply(claim('faulty'), pod);
    await driver.died();
    await told(
      'Pod/user',
      'FailedMount',
      /^MountVolume\.MountDevice failed for volume "pvc-\S+" : rpc error: code = Unavailable/,
    );
    await driver.fails({});
    await driver.start();
    await running();
    assert.ok((await driver.calls('NodeStageVolume')).length > before + 1, 'it was asked again');
    const mounts = await createLinuxHost({ clock: cluster.clock }).mounts.list();
    const targets = mounts.map(({ target }) => target).filter((target) => target.startsWith(`${directory}/`));
    assert.equal(targets.filter((target) => target.endsWith('/globalmount')).length, 1, targets.join('\n'));
    assert.equal(targets.filter((target) => target.endsWith('/mount')).length, 1, targets.join('\n'));
  });

  it('the pod is deleted after the driver died in the middle of NodeStageVolume: no mount stays', async () => {
    await driver.fails({ NodeStageVolume: 'die' });
    await apply(claim('faulty'), pod);
    await driver.died();
    await told('Pod/user', 'FailedMount', /code = Unavailable/);
    await driver.fails({});
    await k('delete', 'pod', 'user', '--wait=false');
    await driver.start();
  });

  it('NodeStageVolume refused: told on the pod, tried again, mounted', async () => {
    await driver.fails({ NodeStageVolume: { code: 'INTERNAL', details: 'the disk clicks' } });
    await apply(claim('faulty'), pod);
    assert.match(
      await told('Pod/user', 'FailedMount', /./),
      /^MountVolume\.MountDevice failed for volume "pvc-\S+" : rpc error: code = Internal desc = the disk clicks$/,
    );
    await driver.fails({});
    await running();
  });

  it('NodePublishVolume refused: told on the pod, tried again, mounted', async () => {
    await driver.fails({ NodePublishVolume: { code: 'INTERNAL', details: 'no such luck' } });
    await apply(claim('faulty'), pod);
    assert.match(
      await told('Pod/user', 'FailedMount', /./),
      /^MountVolume\.SetUp failed for volume "pvc-\S+" : rpc error: code = Internal desc = no such luck$/,
    );
    await driver.fails({});
    await running();
  });

  it('ControllerPublishVolume refused: told on the pod, tried again, attached', async () => {
    await driver.fails({ ControllerPublishVolume: { code: 'INTERNAL', details: 'the node has no cable' } });
    await apply(claim('faulty'), pod);
    assert.match(
      await told('Pod/user', 'FailedAttachVolume', /./),
      /^AttachVolume\.Attach failed for volume "pvc-\S+" : rpc error: code = Internal desc = the node has no cable$/,
    );
    await driver.fails({});
    await running();
  });

  it('DeleteVolume refused: told on the volume, tried again, deleted', async () => {
    await apply(claim('faulty'));
    await bound();
    const name = await k('get', 'pvc', 'data', '-o', 'jsonpath={.spec.volumeName}');
    await driver.fails({ DeleteVolume: { code: 'INTERNAL', details: 'somebody holds it' } });
    await k('delete', 'pvc', 'data', '--timeout=30s');
    assert.match(
      await told(`PersistentVolume/${name}`, 'VolumeFailedDelete', /./),
      /rpc error: code = Internal desc = somebody holds it$/,
    );
    assert.equal((await driver.volumes()).length, 1);
  });
});
