import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cannotMount, kubectlUntil, type Up, up, waitGone, watchOf } from '../support/command.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, scriptPod, storageClass } from '../support/manifests.ts';
import { scrub } from '../support/scrub.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/flexvolume', import.meta.url));

/** A driver of volumes in memory, which can grow anywhere: where the machine allows nobody to grow an ext4. */
const MEMORY_DRIVER = `#!/bin/sh
case $1 in
init) echo '{"status":"Success","capabilities":{"attach":false}}' ;;
mount) mount -t tmpfs -o size=1m,mode=777 tmpfs "$2" && echo '{"status":"Success"}' ;;
unmount) umount "$2" && echo '{"status":"Success"}' ;;
expandvolume) echo '{"status":"Success"}' ;;
expandfs) mount -o "remount,size=$5" "$4" && echo '{"status":"Success"}' ;;
*) echo '{"status":"Not supported"}' ;;
esac
`;

const pod = (name: string, script: string, volume: object) =>
  scriptPod(name, `${script}; echo done; exec sleep 3600`, { data: volume });

const persistent = (name: string, driver: string, size: string) => [
  storageClass(name, 'kubernetes.io/no-provisioner', { allowVolumeExpansion: true }),
  {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name },
    spec: {
      storageClassName: name,
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: size },
      flexVolume: { driver },
    },
  },
  claimOf(name, size, { storageClassName: name }),
];

describe('FlexVolumes, by kubectl', { skip: cannotMount }, () => {
  const directory = mkdtempSync(join(tmpdir(), 'stowage-flex-'));
  const drivers = join(directory, 'exec');
  const images = join(directory, 'images');
  let stack: Up;
  const start = () => up(directory, ['--volume-plugin-dir', drivers]);
  const { k, apply, says } = kubectlOf(() => stack.kubeconfig);
  const ready = (name: string) => k('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
  const remove = (...names: string[]) => k('delete', 'pod', ...names, '--timeout=60s');

  before(async () => {
    await requireKubectl();
    await cp(EXAMPLES, drivers, { recursive: true });
    await writeFile(join(drivers, 'example.com~disk/disk.conf'), `IMAGES=${images}\n`);
    await writeFile(join(drivers, 'example.com~share/share.conf'), `SHARES=${join(directory, 'shares')}\n`);
    stack = await start();
  });
  after(async () => {
    await stack?.end('SIGTERM');
    await scrub(directory);
  });

  it('attach the disk of the example, mount it, and keep its data from pod to pod', async () => {
    /** How often its pod has started, by what is on it. */
    const lines = async () => {
      await says('disk', /./);
      return (await k('exec', 'disk', '--', 'cat', '/data/starts')).trim().split('\n').length;
    };
    for (const starts of [1, 2]) {
      await k('apply', '-f', join(EXAMPLES, 'disk.yaml'));
      await ready('disk');
      assert.equal(await lines(), starts);
      const [attached] = JSON.parse(
        await k('get', 'node/node-1', '-o', 'jsonpath={.status.volumesAttached}'),
      );
      assert.equal(attached.name, 'example.com/disk/flex-disk-1');
      assert.match(attached.devicePath, /^\/dev\/loop/);
      await remove('disk');
      const columns = 'custom-columns=:.status.volumesAttached';
      await kubectlUntil(stack.kubeconfig, [...watchOf('node', 'node-1'), '-o', columns], /<none>/);
    }
  });

  it('mount the share of the example, written in the pods, for two at once', async () => {
    const share = { flexVolume: { driver: 'example.com/share', options: { share: 'team' } } };
    const reader = { flexVolume: { ...share.flexVolume, readOnly: true } };
    await apply(pod('writer', 'echo hello >/data/file', share));
    await ready('writer');
    await says('writer', /^done$/);
    await apply(pod('reader', 'cat /data/file; touch /data/more 2>&1', reader));
    await ready('reader');
    await says('reader', /^done$/);
    assert.match(await k('logs', 'reader'), /^hello\n.*Read-only file system/);
    await remove('writer', 'reader');
    assert.equal(await readFile(join(directory, 'shares/team/file'), 'utf8'), 'hello\n');
  });

  it('run as soon as their driver is dropped in, and grow while they are used', async () => {
    await apply(
      ...persistent('memory', 'example.com/memory', '1Mi'),
      pod('memory', 'echo', { persistentVolumeClaim: { claimName: 'memory' } }),
    );
    const events = ['get', 'events', '-w', '-o', 'custom-columns=:.reason,:.message'];
    await kubectlUntil(stack.kubeconfig, events, /FailedMount.*no volume plugin matched/);
    const hidden = join(drivers, '.memory');
    await mkdir(hidden);
    await writeFile(join(hidden, 'memory'), MEMORY_DRIVER);
    await chmod(join(hidden, 'memory'), 0o755);
    await rename(hidden, join(drivers, 'example.com~memory'));
    await ready('memory');

    const patch = { spec: { resources: { requests: { storage: '2Mi' } } } };
    await k('patch', 'pvc/memory', '-p', JSON.stringify(patch));
    await k('wait', '--for=jsonpath={.status.capacity.storage}=2Mi', 'pvc/memory', '--timeout=60s');
    assert.match(await k('exec', 'memory', '--', 'df', '-k', '/data'), /\s2048\s/);
    const claim = JSON.parse(await k('get', 'pvc/memory', '-o', 'json'));
    assert.equal(claim.metadata.annotations['volume.kubernetes.io/storage-resizer'], 'example.com/memory');
    assert.deepEqual(claim.status.conditions ?? [], []);
    assert.equal(claim.status.allocatedResourceStatuses, undefined);
    assert.equal(await k('get', 'pv/memory', '-o', 'jsonpath={.spec.capacity.storage}'), '2Mi');
    await kubectlUntil(
      stack.kubeconfig,
      events,
      /FileSystemResizeSuccessful\s+MountVolume.NodeExpandVolume succeeded for volume "memory" node-1/,
    );
    await remove('memory');
  });

  it('give the example’s disk its new size before a pod gets it', async () => {
    await k('patch', 'pvc/disk', '-p', '{"spec":{"resources":{"requests":{"storage":"96Mi"}}}}');
    await k('wait', '--for=jsonpath={.spec.capacity.storage}=96Mi', 'pv/flex-disk-1', '--timeout=60s');
    assert.equal((await readFile(join(images, 'flex-disk-1.img'))).length, 96 * 1024 * 1024);
    const pending = '{.status.conditions[?(@.type=="FileSystemResizePending")].status}';
    await k('wait', `--for=jsonpath=${pending}=True`, 'pvc/disk', '--timeout=60s');
  });

  it('are known again after a kill -9, left alone, and unmounted at last', async () => {
    await apply(
      pod('a', 'echo 1 >/data/file', { flexVolume: { driver: 'example.com/disk', fsType: 'ext4' } }),
    );
    await ready('a');
    await says('a', /^done$/);
    const root = join(directory, 'data/kubelet');
    const mounts = async () =>
      (await readFile('/proc/self/mountinfo', 'utf8'))
        .split('\n')
        .filter((line) => line.includes(root) && line.includes('example.com')).length;
    assert.equal(await mounts(), 2, 'the device’s and the pod’s');
    await stack.end('SIGKILL');
    stack = await start();
    // When this one runs, the node has looked at all that it had.
    await apply(pod('b', 'echo', { flexVolume: { driver: 'example.com/share', options: { share: 'b' } } }));
    await ready('b');
    assert.equal(await mounts(), 3);
    const global = join(root, 'plugins/kubernetes.io/flexvolume/example.com/disk/mounts/data');
    assert.equal(await readFile(join(global, 'file'), 'utf8'), '1\n');
    await stack.end('SIGKILL');
    stack = await start();
    await remove('a', 'b');
    await waitGone(stack.kubeconfig, 'pods');
    const columns = 'custom-columns=:.status.volumesAttached';
    await kubectlUntil(stack.kubeconfig, [...watchOf('node', 'node-1'), '-o', columns], /<none>/);
    assert.equal(await mounts(), 0);
    assert.deepEqual(await leftOnMachine(directory), []);
  });
});
