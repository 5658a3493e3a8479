import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cannotMount, kubectlUntil, run, STOWAGE, type Up, up } from '../support/command.ts';
import { requireKubectl } from '../support/kubectl.ts';
import { kubectlOf } from '../support/kubectl-of.ts';
import { leftOnMachine } from '../support/left.ts';
import { claimOf, scriptPod, storageClass, volumeOf } from '../support/manifests.ts';
import { scrub } from '../support/scrub.ts';

const classOf = (name: string) =>
  storageClass(name, 'kubernetes.io/no-provisioner', { volumeBindingMode: 'WaitForFirstConsumer' });
const claim = (name: string, storageClassName: string, more: object = {}) =>
  claimOf(name, '16Mi', { storageClassName, ...more });
const pod = (name: string, script: string, spec: object = {}) =>
  scriptPod(name, `${script}; echo done; exec sleep 3600`, { data: volumeOf(name) }, { spec });

describe('local volumes that are found, by kubectl', { skip: cannotMount, timeout: 600_000 }, () => {
  let directory: string;
  let stack: Up;
  const { k, apply, gone } = kubectlOf(() => stack.kubeconfig);
  const at = (...parts: string[]) => join(directory, ...parts);
  const config = async (name: string, keys: object) => {
    await writeFile(at(name), JSON.stringify(keys));
    return at(name);
  };
  const place = (name: string, more: object = {}) => ({ hostDir: at(name), mountDir: at(name), ...more });
  const fileSystem = async (...parts: string[]) => {
    await mkdir(at(...parts), { recursive: true });
    await run('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'local', at(...parts)]);
  };
  /** A disk, and the link to it in a discovery directory. */
  const disk = async (folder: string, name: string) => {
    await mkdir(at(folder), { recursive: true });
    const image = at(`${folder}-${name}.image`);
    await writeFile(image, '');
    await truncate(image, 24 << 20);
    const device = (await run('losetup', ['--find', '--show', image])).stdout.trim();
    await symlink(device, at(folder, name));
    return image;
  };
  /** Resolves to the volume of this class, once there is one that is free and another than `notUid`. */
  const free = async (className: string, notUid = 'none') => {
    const columns = 'NAME:.metadata.name,UID:.metadata.uid,CLASS:.spec.storageClassName,PHASE:.status.phase';
    const args = ['get', 'pv', '-w', '--no-headers', '-o', `custom-columns=${columns}`];
    const line = new RegExp(`^\\S+ +(?!${notUid} )\\S+ +${className} +Available`);
    const [name = '', uid = ''] = (
      await kubectlUntil(stack.kubeconfig, args, line, { limitMs: 60_000 })
    ).split(/ +/);
    return { name, uid };
  };
  const use = async (name: string, ...objects: object[]) => {
    await apply(...objects);
    await k('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
    await kubectlUntil(stack.kubeconfig, ['logs', '-f', name], /^done$/);
    return k('get', 'pod', name, '-o', 'jsonpath={.spec.nodeName}');
  };
  const giveBack = (name: string) => k('delete', `pod/${name}`, `pvc/${name}`, '--timeout=60s');

  before(async () => {
    await requireKubectl();
    directory = await mkdtemp(join(tmpdir(), 'stowage-e2e-'));
    await fileSystem('one', 'ssd');
    await fileSystem('two', 'ssd');
    await disk('disks', 'nvme0');
    await mkdir(at('jobs'));
    const nodeLabelsForPV = ['kubernetes.io/hostname'];
    const first = await config('one.yaml', {
      storageClassMap: { ssd: place('one'), disks: place('disks', { fsType: 'ext4' }) },
    });
    const second = await config('two.yaml', { nodeLabelsForPV, storageClassMap: { ssd: place('two') } });
    stack = await up(directory, [
      ...['--nodes', '2', '--local-provisioner', first, '--local-provisioner', `node-2=${second}`],
    ]);
    await apply(classOf('ssd'), classOf('disks'), classOf('by-job'));
  });
  after(async () => {
    const code = await stack?.end('SIGTERM');
    if (directory) await scrub(directory);
    assert.equal(code, 0, stack?.output().stderr);
  });

  it('are used where they are, wiped without following links, and offered again', async () => {
    const kept = at('precious');
    await writeFile(kept, 'not yours');
    const byNode = { nodeSelector: { 'kubernetes.io/hostname': 'node-2' } };
    const script = `echo mine > /data/file; mkdir -p /data/a/b; echo x > /data/a/b/c; ln -s ${directory} /data/a/out`;
    await free('ssd');
    assert.equal(await use('user', claim('user', 'ssd'), pod('user', script, byNode)), 'node-2');
    // The disk that is left is the other node's, and so is whoever takes it.
    assert.equal(await use('other', claim('other', 'ssd'), pod('other', 'true')), 'node-1');
    await giveBack('other');
    const name = await k('get', 'pvc', 'user', '-o', 'jsonpath={.spec.volumeName}');
    assert.match(name, /^local-pv-[0-9a-f]{1,8}$/);
    const [labels, uid, path] = (
      await k('get', 'pv', name, '-o', 'jsonpath={.metadata.labels}|{.metadata.uid}|{.spec.local.path}')
    ).split('|');
    assert.deepEqual(JSON.parse(labels!), { 'kubernetes.io/hostname': 'node-2' });
    assert.equal(path, at('two', 'ssd'));
    assert.deepEqual((await readdir(path)).sort(), ['a', 'file']);
    await giveBack('user');
    const columns = ['-o', 'custom-columns=UID:.metadata.uid,PHASE:.status.phase', '--no-headers'];
    const again = new RegExp(`^(?!${uid}).* Available`);
    const only = ['get', 'pv', '--field-selector', `metadata.name=${name}`, '-w', ...columns];
    await kubectlUntil(stack.kubeconfig, only, again, { limitMs: 60_000 });
    assert.deepEqual(await readdir(path), []);
    assert.equal(await readFile(kept, 'utf8'), 'not yours');
  });

  it('that are disks are formatted for their pod, and blank for the next one', async () => {
    const { uid, name } = await free('disks');
    await use('db', claim('db', 'disks'), pod('db', 'echo secret > /data/file'));
    assert.equal((await run('blkid', ['-p', at('disks-nvme0.image')])).code, 0, 'it has a file system');
    await giveBack('db');
    const next = await free('disks', uid);
    assert.equal(next.name, name, 'the same name for the same place');
    assert.equal((await run('blkid', ['-p', at('disks-nvme0.image')])).code, 2, 'nothing is known of it');
    await use('db', claim('db', 'disks'), pod('db', 'ls /data; cat /data/file || echo blank'));
    assert.match(await k('logs', 'db'), /^blank$/m);
    await giveBack('db');
    const told = `VolumeDelete.*Starting cleanup of Block PV "${name}", this may take a while`;
    await kubectlUntil(stack.kubeconfig, ['get', 'events', '-w'], new RegExp(told));
  });

  it('by a process of its own, whose disks Jobs wipe, and that follows its configuration', async () => {
    const image = await disk('jobs', 'sdb');
    const keys = {
      useNodeNameOnly: true,
      useJobForCleaning: true,
      storageClassMap: {
        'by-job': place('jobs', {
          volumeMode: 'Block',
          namePattern: 'none*',
          blockCleanerCommand: [
            '/bin/sh',
            '-c',
            'dd if=/dev/zero of="$LOCAL_PV_BLKDEVICE" bs=1M count=24 conv=fsync',
          ],
        }),
      },
    };
    const file = await config('jobs.yaml', keys);
    const args = [
      ...['local-provisioner', '--config', file, '--node', 'node-1', '--kubeconfig', stack.kubeconfig],
      ...['--discovery-period', '500ms', '--config-sync-period', '200ms', '--job-image', 'cleaner'],
    ];
    const child = spawn(process.execPath, [STOWAGE, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
    const exit = once(child, 'exit');
    try {
      const config = { ...keys.storageClassMap['by-job'], namePattern: 'sd?' };
      await writeFile(file, JSON.stringify({ ...keys, storageClassMap: { 'by-job': config } }));
      const { uid } = await free('by-job');
      const container = { volumeMounts: null, volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] };
      const writer = scriptPod(
        'raw',
        'echo secret > /dev/data; sync; echo done; exec sleep 3600',
        { data: volumeOf('raw') },
        { container },
      );
      await use('raw', claim('raw', 'by-job', { volumeMode: 'Block' }), writer);
      assert.ok((await readFile(image)).subarray(0, 6).equals(Buffer.from('secret')));
      await giveBack('raw');
      await free('by-job', uid);
      assert.ok(
        (await readFile(image)).every((byte) => byte === 0),
        'wiped',
      );
      await gone('job');
    } finally {
      child.kill('SIGTERM');
      const [code] = await exit;
      assert.equal(code, 0);
    }
  });

  it('are refused with what is wrong with their configuration', async () => {
    const file = await config('bad.yaml', {
      storageClassMap: { ssd: { hostDir: '/a', mountDirectory: '/a' } },
    });
    const common = ['local-provisioner', '--kubeconfig', stack.kubeconfig];
    const start = (...args: string[]) => run(process.execPath, [STOWAGE, ...common, ...args]);
    const bad = await start('--config', file, '--node', 'node-1');
    assert.equal(bad.code, 1);
    assert.match(
      bad.stderr,
      /bad\.yaml cannot be used: storageClassMap: ssd: there is no key "mountDirectory"/,
    );
    const nobody = await start('--config', at('one.yaml'));
    assert.match(nobody.stderr, /^stowage: which node is this\? Give --node, or set MY_NODE_NAME\n$/);
    const stranger = await start('--config', at('two.yaml'), '--node', 'node-9');
    assert.equal(stranger.code, 1);
    assert.match(stranger.stderr, /Could not get node information: nodes "node-9" not found/);
  });

  it('leave nothing on the machine', async () => {
    assert.deepEqual(await leftOnMachine(directory, 2), []);
  });
});
