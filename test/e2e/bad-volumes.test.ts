import assert from 'node:assert/strict';
import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { systemClock } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { imageOf, SIGNATURES } from '../../src/volume/mount/signatures.test-support.ts';
import { cannotMount, kubectlUntil } from '../support/command.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, DISK_CLASS, scriptPod, storageClass, volumeOf } from '../support/manifests.ts';
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

  it('a config map, a key or a secret that a container’s environment names, and is missing: the same', async () => {
    const { k, apply } = cluster;
    const withEnv = (name: string, container: object) => pod(name, { emptyDir: {} }, container);
    const ofKey = (kind: string, name: string) => ({
      env: [{ name: 'A', valueFrom: { [kind]: { name, key: 'two' } } }],
    });
    await apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' }, data: { one: '1' } },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'one' }, stringData: { one: '1' } },
      withEnv('env-map', { envFrom: [{ configMapRef: { name: 'absent' } }] }),
      withEnv('env-secret', { envFrom: [{ secretRef: { name: 'absent' } }] }),
      withEnv('env-map-key', ofKey('configMapKeyRef', 'one')),
      withEnv('env-secret-key', ofKey('secretKeyRef', 'one')),
    );
    const messages = {
      'env-map': 'configmap "absent" not found',
      'env-secret': 'secret "absent" not found',
      'env-map-key': "couldn't find key two in ConfigMap default/one",
      'env-secret-key': "couldn't find key two in Secret default/one",
    };
    for (const [name, message] of Object.entries(messages)) {
      await told(name, new RegExp(`^Warning Failed Error: ${message}$`));
      await k(
        'wait',
        `--for=jsonpath={.status.containerStatuses[0].state.waiting.message}=${message}`,
        `pod/${name}`,
        '--timeout=60s',
      );
      const reason = 'jsonpath={.status.containerStatuses[0].state.waiting.reason}';
      assert.equal(await k('get', 'pod', name, '-o', reason), 'CreateContainerConfigError');
    }
    await apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'absent' }, data: { a: 'b' } },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'absent' }, stringData: { a: 'b' } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' }, data: { two: '2' } },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'one' }, stringData: { two: '2' } },
    );
    for (const name of Object.keys(messages)) await runs(name);
    await k('delete', 'pods', '--all');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });

  it('a claim that is missing, of a pod that nobody had to schedule: the same', async () => {
    const { k, apply } = cluster;
    const onNode = { ...pod('no-claim', volumeOf('absent')) };
    await apply({ ...onNode, spec: { ...onNode.spec, nodeName: 'node-1' } }, pod('fine', { emptyDir: {} }));
    await told(
      'no-claim',
      new RegExp(
        '^Warning FailedMount Unable to attach or mount volumes: unmounted volumes=\\[v\\], unattached volumes=\\[\\], ' +
          'failed to process volumes=\\[v\\]: error processing PVC default/absent: ' +
          'failed to fetch PVC from API server: persistentvolumeclaims "absent" not found$',
      ),
    );
    await runs('fine');
    await apply(
      storageClass('at-once', 'disk.csi.stowage.dev'),
      claimOf('absent', '16Mi', { storageClassName: 'at-once' }),
    );
    await runs('no-claim');
    await k('delete', 'pods', '--all');
    await k('delete', 'pvc', 'absent');
    await cluster.gone('pv');
    assert.deepEqual(await leftOnMachine(cluster.directory), []);
  });

  describe('a device', () => {
    const images = () => join(cluster.directory, 'data', 'pool');
    const claimed = (name: string) => [DISK_CLASS, claimOf(name, '16Mi', { storageClassName: 'disk' })];

    it('that has vanished before it is mounted: the pod is told, others run, and all can be deleted', async () => {
      const { k, apply } = cluster;
      await apply(...claimed('lost'), pod('first', volumeOf('lost')));
      await runs('first');
      await k('delete', 'pod', 'first');
      await cluster.gone('volumeattachments');
      await vanish(images());
      await apply(pod('second', volumeOf('lost')), pod('fine', { emptyDir: {} }));
      await told('second', /^Warning (FailedMount|FailedAttachVolume) /);
      await runs('fine');
      assert.equal(await k('get', 'pod', 'second', '-o', 'jsonpath={.status.phase}'), 'Pending');
      await k('delete', 'pods', '--all', '--timeout=60s');
      await k('delete', 'pvc', 'lost');
      await cluster.gone('pv');
      assert.deepEqual(await leftOnMachine(cluster.directory), []);
    });

    it('that vanishes under a pod: the pod reads errors, others run, and all can be deleted', async () => {
      const { k, apply } = cluster;
      const reads =
        'until ! dd if=/v/file of=/dev/null iflag=direct 2>/dev/null; do sleep 0.2; done; echo lost it; exec sleep 3600';
      await apply(
        ...claimed('doomed'),
        pod('reader', volumeOf('doomed'), {
          command: ['sh', '-c', `head -c 4096 /dev/urandom > /v/file; sync; echo there; ${reads}`],
        }),
      );
      await runs('reader');
      await kubectlUntil(cluster.kubeconfig, ['logs', '-f', 'reader'], /^there/);
      await vanish(images());
      await kubectlUntil(cluster.kubeconfig, ['logs', '-f', 'reader'], /^lost it/, { limitMs: 60_000 });
      await apply(pod('fine', { emptyDir: {} }));
      await runs('fine');
      await k('delete', 'pods', '--all', '--timeout=60s');
      await k('delete', 'pvc', 'doomed');
      await cluster.gone('pv');
      assert.deepEqual(await leftOnMachine(cluster.directory), []);
    });
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

/** What is in the images of a pool is not there any more, as with a disk that was pulled out. */
async function vanish(pool: string): Promise<void> {
  const images = (await readdir(pool, { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isFile() && entry.name.endsWith('.img'),
  );
  assert.notEqual(images.length, 0);
  for (const { parentPath, name } of images) await truncate(join(parentPath, name), 0);
}
