import assert from 'node:assert/strict';
import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';
import { cannotMount, kubectl, kubectlUntil, up, waitGone } from '../support/command.ts';
import { inDirectory } from '../support/in-directory.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, DISK_CLASS, scriptPod } from '../support/manifests.ts';

const host = createLinuxHost({ clock: systemClock });
const claim = (name: string, more: object = {}) => claimOf(name, '16Mi', { volumeMode: 'Block', ...more });

/** Runs a script with the claim's device at /dev/disk, and stays. */
const pod = (name: string, claimName: string, script: string, readOnly = false) =>
  scriptPod(
    name,
    `${script}\nexec sleep 3600`,
    { disk: { persistentVolumeClaim: { claimName, readOnly } } },
    { container: { volumeMounts: [], volumeDevices: [{ name: 'disk', devicePath: '/dev/disk' }] } },
  );

/** Resolves once the pod's script has come to its end. */
async function done(kubeconfig: string, name: string): Promise<void> {
  const running = ['wait', '--for=jsonpath={.status.phase}=Running', `pod/${name}`, '--timeout=60s'];
  await kubectl(kubeconfig, running);
  await kubectlUntil(kubeconfig, ['logs', '-f', name], /^done$/);
}

describe('volumes that pods get as devices', { skip: cannotMount }, () => {
  it('of a CSI driver: what one pod writes the next one reads, also over a kill -9 of the node', () =>
    inDirectory(async (directory) => {
      await requireKubectl();
      const kubeconfig = join(directory, 'kubeconfig');
      const { k, apply } = kubectlOf(() => kubeconfig);
      let stack = await up(directory);
      await apply(DISK_CLASS, claim('data', { storageClassName: 'disk' }));
      await apply(
        pod('first', 'data', 'ls -l /dev/disk; printf hello | dd of=/dev/disk conv=fsync 2>&1; echo done'),
      );
      await done(kubeconfig, 'first');
      assert.match(await k('logs', 'first'), /^b[rw-]{9} .* 7, +\d+ .* \/dev\/disk$/m);

      const volume = await k('get', 'pvc', 'data', '-o', 'jsonpath={.spec.volumeName}');
      const uid = await k('get', 'pod', 'first', '-o', 'jsonpath={.metadata.uid}');
      const root = join(directory, 'data/kubelet');
      const devices = join(root, 'plugins/kubernetes.io/csi/volumeDevices');
      const published = join(devices, 'publish', volume, uid);
      const bound = join(devices, volume, 'dev', uid);
      assert.equal(
        await readlink(join(root, 'pods', uid, 'volumeDevices/kubernetes.io~csi', volume)),
        published,
      );
      const kinds = await Promise.all(
        [published, bound].map(async (path) => (await host.files.stat(path))?.kind),
      );
      assert.deepEqual(kinds, ['block', 'block']);
      assert.ok(await host.files.stat(join(devices, volume, 'data/vol_data.json')));
      const pins = async () => (await host.loops.list()).filter(({ backingFile }) => backingFile === bound);
      assert.equal((await pins()).length, 1, 'pinned');
      const events = await k(
        'get',
        'events',
        '-o',
        'jsonpath={range .items[*]}{.reason} {.message}{"\\n"}{end}',
      );
      assert.ok(
        events.includes(
          `SuccessfulMountVolume MapVolume.MapPodDevice succeeded for volume "${volume}" globalMapPath "${join(devices, volume, 'dev')}"`,
        ),
        events,
      );

      await stack.end('SIGKILL');
      stack = await up(directory);
      await apply(pod('second', 'data', 'head -c 5 /dev/disk; echo; echo done'));
      await done(kubeconfig, 'second');
      assert.match(await k('logs', 'second'), /^hello$/m);
      assert.equal((await pins()).length, 1, 'pinned once');
      assert.equal((await host.mounts.list()).filter(({ target }) => target === bound).length, 1);
      assert.equal(
        await k('get', 'pod', 'first', '-o', 'jsonpath={.status.phase} {..restartCount}'),
        'Running 0',
      );

      await k('delete', 'pod', 'first', 'second');
      await waitGone(kubeconfig, 'volumeattachments');
      assert.deepEqual(await pins(), []);
      await k('delete', 'pvc', 'data');
      await waitGone(kubeconfig, 'pv');
      assert.deepEqual(await leftOnMachine(directory), []);
      await stack.end('SIGTERM');
    }));

  it('of the local plugin: a disk of the node; and one that may only read cannot write', () =>
    inDirectory(async (directory) => {
      await requireKubectl();
      const kubeconfig = join(directory, 'kubeconfig');
      const { k, apply } = kubectlOf(() => kubeconfig);
      const image = join(directory, 'image');
      await host.files.allocate(image, 16n << 20n);
      const device = await host.loops.attach(image);
      const stack = await up(directory);
      try {
        await apply(
          {
            apiVersion: 'v1',
            kind: 'PersistentVolume',
            metadata: { name: 'local' },
            spec: {
              volumeMode: 'Block',
              capacity: { storage: '16Mi' },
              accessModes: ['ReadWriteOnce'],
              storageClassName: '',
              local: { path: device },
              nodeAffinity: {
                required: {
                  nodeSelectorTerms: [
                    {
                      matchExpressions: [
                        { key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] },
                      ],
                    },
                  ],
                },
              },
            },
          },
          claim('data', { storageClassName: '', volumeName: 'local' }),
          pod('writer', 'data', 'printf hello | dd of=/dev/disk conv=fsync 2>/dev/null; echo done'),
        );
        await done(kubeconfig, 'writer');
        await k('delete', 'pod', 'writer');
        const script =
          'head -c 5 /dev/disk; echo; dd if=/dev/zero of=/dev/disk count=1 conv=fsync 2>&1 || echo refused; echo done';
        await apply(pod('reader', 'data', script, true));
        await done(kubeconfig, 'reader');
        assert.match(await k('logs', 'reader'), /^hello\n(.*\n)*refused$/m);
        const uid = await k('get', 'pod', 'reader', '-o', 'jsonpath={.metadata.uid}');
        const bound = join(
          directory,
          'data/kubelet/plugins/kubernetes.io~local-volume/volumeDevices/local',
          uid,
        );
        assert.equal((await host.files.stat(bound))?.kind, 'block');
        await k('delete', 'pod', 'reader');
        await k('delete', 'pvc', 'data');
        await waitGone(kubeconfig, 'pods');
        assert.deepEqual(await leftOnMachine(directory), []);
      } finally {
        await stack.end('SIGTERM');
        await host.loops.detach(device);
      }
    }));
});
