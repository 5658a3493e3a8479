import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { imageOf, SIGNATURES } from '../../src/volume/mount/signatures.test-support.ts';
import { cannotMount, kubectlUntil } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, DISK_CLASS, scriptPod, volumeOf } from '../support/manifests.ts';
import { suiteCluster } from '../support/suite-cluster.ts';

const host = createLinuxHost({ clock: systemClock });

const pod = (name: string, volume: object, container: object = {}) =>
  scriptPod(name, 'exec sleep 3600', { v: volume }, { container });

describe('volumes that are not as they should be', { skip: cannotMount }, () => {
  const cluster = suiteCluster();

  /** Resolves with an event of the pod that says so. */
  const told = (name: string, says: RegExp) =>
    kubectlUntil(
      cluster.kubeconfig,
      [
        'get',
        'events',
        '-w',
        '--field-selector',
        `involvedObject.name=${name}`,
        '-o',
        'jsonpath={.type} {.reason} {.message}{"\\n"}',
      ],
      says,
    );
  const runs = (name: string) =>
    cluster.k('wait', '--for=jsonpath={.status.phase}=Running', `pod/${name}`, '--timeout=60s');

  it('a config map, a key or a secret that is missing: the pod is told, waits, and goes on once it is there', async () => {
    const { k, apply } = cluster;
    await apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'half' }, data: { one: '1' } },
      pod('no-map', { configMap: { name: 'none' } }),
      pod('no-key', { configMap: { name: 'half', items: [{ key: 'two', path: 'two' }] } }),
      pod('no-secret', { secret: { secretName: 'none' } }),
      pod('well', { emptyDir: {} }),
    );
    await runs('well');
    const failed = 'Warning FailedMount MountVolume.SetUp failed for volume "v" : ';
    await told('no-map', new RegExp(`^${failed}configmap "none" not found$`));
    await told('no-key', new RegExp(`^${failed}configmap references non-existent config key: two$`));
    await told('no-secret', new RegExp(`^${failed}secret "none" not found$`));
    assert.equal(await k('get', 'pod', 'no-map', '-o', 'jsonpath={.status.phase}'), 'Pending');
    await apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'none' }, data: { a: 'b' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'half' }, data: { two: '2' } },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'none' }, stringData: { a: 'b' } },
    );
    for (const name of ['no-map', 'no-key', 'no-secret']) await runs(name);
    await k('delete', 'pods', '--all');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });

  it('a mount that somebody else has taken away: the pod goes all the same, and leaves nothing', async () => {
    const { k, apply } = cluster;
    await apply(
      DISK_CLASS,
      claimOf('data', '16Mi', { storageClassName: 'disk' }),
      pod('robbed', volumeOf('data')),
    );
    await runs('robbed');
    const mounts = (await host.mounts.list()).map(({ target }) => target);
    for (const target of mounts.filter((path) => path.startsWith(cluster.directory)).reverse())
      if (/\/(globalmount|mount)$/.test(target)) await host.mounts.unmount(target);
    await k('delete', 'pod', 'robbed', '--timeout=60s');
    await k('delete', 'pvc', 'data');
    await cluster.gone('pv');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });

  describe('a disk that is something else', () => {
    let device: string;
    let image: string;
    const signature = SIGNATURES.find(({ name }) => name === 'PTTYPE gpt')!;
    before(async () => {
      image = join(cluster.directory, 'image');
      await writeFile(image, imageOf(signature));
      device = await host.loops.attach(image);
    });
    after(() => host.loops.detach(device));

    it('is neither formatted nor mounted, and the pod is told', async () => {
      const { k, apply } = cluster;
      const hostname = { key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] };
      await apply(
        {
          apiVersion: 'v1',
          kind: 'PersistentVolume',
          metadata: { name: 'partitioned' },
          spec: {
            capacity: { storage: '4Mi' },
            accessModes: ['ReadWriteOnce'],
            storageClassName: '',
            local: { path: device, fsType: 'ext4' },
            nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [hostname] }] } },
          },
        },
        claimOf('wrong', '4Mi', { storageClassName: '', volumeName: 'partitioned' }),
        pod('wrong', { persistentVolumeClaim: { claimName: 'wrong' } }),
      );
      await told(
        'wrong',
        /^Warning FailedMount MountVolume\.MountDevice failed for volume "partitioned" : local: failed to mount device .* \(the device holds unknown data, probably partitions, ext4 was asked for\)$/,
      );
      await k('delete', 'pod', 'wrong');
      await k('delete', 'pvc', 'wrong');
      await k('delete', 'pv', 'partitioned');
      assert.deepEqual(await readFile(image), imageOf(signature));
      assert.deepEqual(await leftOnMachine(cluster.directory), []);
    });
  });
});
