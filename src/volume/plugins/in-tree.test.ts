import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createLocalClient, createRegistry, openStore } from '../../apiserver/index.ts';
import { seededRandom, systemClock } from '../../base/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import { configMaps, type Pod, type Stored, secrets, type Volume } from '../../kube/index.ts';
import { type MountContext, specFromVolume, type VolumePlugin } from '../index.ts';
import { isMountPoint } from '../mount/index.ts';
import { createConfigMapPlugin } from './config-map/index.ts';
import { createEmptyDirPlugin } from './empty-dir/index.ts';
import { memoryVolumeSizeBytes, supportsNoSwap } from './empty-dir/tmpfs-size.ts';
import { createHostPathPlugin } from './host-path/index.ts';
import { createSecretPlugin } from './secret/index.ts';

const host = createLinuxHost({ clock: systemClock });
const unprivileged = process.getuid?.() !== 0 && 'mounting needs root';
const pod = {
  metadata: { name: 'p', namespace: 'default', uid: 'u-1' },
  spec: { containers: [{ name: 'c', resources: { limits: { memory: '64Mi' } } }] },
} as unknown as Stored<Pod>;

async function start(test: TestContext) {
  const nodeRoot = await fs.mkdtemp(join(tmpdir(), 'in-tree-'));
  const client = createLocalClient(
    await createRegistry({
      store: await openStore({ memory: true }),
      clock: systemClock,
      random: seededRandom(1),
    }),
  );
  const context: MountContext = { pod, signal: new AbortController().signal };
  const options = { host, nodeRoot, client, clock: systemClock };
  test.after(() => host.files.removeTree(nodeRoot));
  const up = async (plugin: VolumePlugin, volume: Volume, more: Partial<MountContext> = {}) => {
    const spec = specFromVolume(volume);
    assert.ok(plugin.canSupport(spec));
    await plugin.mounter.setUp(spec, { ...context, ...more });
    return plugin.mounter.podPath(spec, 'u-1');
  };
  return { nodeRoot, client, options, context, up };
}

describe('emptyDir', () => {
  it('is a directory that anybody may write, made once, removed with its content', async (test) => {
    const { options, up, context, nodeRoot } = await start(test);
    const plugin = createEmptyDirPlugin(options);
    const path = await up(plugin, { name: 'tmp', emptyDir: {} });
    assert.equal(path, join(nodeRoot, 'pods/u-1/volumes/kubernetes.io~empty-dir/tmp'));
    assert.equal((await fs.stat(path)).mode & 0o777, 0o777);
    await fs.writeFile(join(path, 'file'), 'x');
    await up(plugin, { name: 'tmp', emptyDir: {} });
    assert.equal(await fs.readFile(join(path, 'file'), 'utf8'), 'x', 'set up again: nothing lost');
    assert.equal((await plugin.mounter.reconstruct('tmp', 'u-1'))?.spec.name, 'tmp');
    await plugin.mounter.tearDown('tmp', 'u-1', context.signal);
    assert.equal(await host.files.stat(path), undefined);
    await plugin.mounter.tearDown('tmp', 'u-1', context.signal);
  });

  it('refuses a medium that it does not know', async (test) => {
    const { options, up } = await start(test);
    await assert.rejects(
      up(createEmptyDirPlugin(options), { name: 'tmp', emptyDir: { medium: 'Tape' } }),
      /unknown storage medium "Tape"/,
    );
  });

  it('is set up although the note of it cannot be written', async (test) => {
    const { options, up, context } = await start(test);
    const writeWhole = () => Promise.reject(new Error('EIO: i/o error'));
    const plugin = createEmptyDirPlugin({
      ...options,
      host: { ...host, files: { ...host.files, writeWhole } },
    });
    const path = await up(plugin, { name: 'tmp', emptyDir: {} });
    await fs.writeFile(join(path, 'file'), 'x');
    await up(plugin, { name: 'tmp', emptyDir: {} });
    assert.equal(await fs.readFile(join(path, 'file'), 'utf8'), 'x');
    await plugin.mounter.tearDown('tmp', 'u-1', context.signal);
    assert.equal(await host.files.stat(path), undefined);
  });

  it('in memory is a tmpfs of a certain size', { skip: unprivileged }, async (test) => {
    const { options, up, context } = await start(test);
    const plugin = createEmptyDirPlugin(options);
    const volume = { name: 'tmp', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } };
    const path = await up(plugin, volume);
    try {
      const { totalBytes } = await host.files.statFs(path);
      assert.equal(totalBytes, 1n << 20n);
      await up(plugin, volume);
      const entries = (await host.mounts.list()).filter((entry) => entry.target.endsWith(path));
      assert.equal(entries.length, 1, 'mounted once');
    } finally {
      await plugin.mounter.tearDown('tmp', 'u-1', context.signal);
    }
    assert.equal(await isMountPoint(host, path), false);
    assert.equal(await host.files.stat(path), undefined);
  });

  it('in memory has no more than pods may have of the node', { skip: unprivileged }, async (test) => {
    const { options, up, context } = await start(test);
    const plugin = createEmptyDirPlugin({ ...options, allocatable: () => ({ memory: '48Mi' }) });
    const path = await up(plugin, { name: 'tmp', emptyDir: { medium: 'Memory' } });
    try {
      assert.equal((await host.files.statFs(path)).totalBytes, 48n << 20n);
    } finally {
      await plugin.mounter.tearDown('tmp', 'u-1', context.signal);
    }
  });

  const node = 1000n;
  const limited = (...limits: string[]): Pod => ({
    spec: {
      containers: limits.map((memory) => ({ name: 'c', resources: memory ? { limits: { memory } } : {} })),
    },
  });
  const sizes: [string, Pod, string | undefined, bigint][] = [
    ['the node’s memory', limited(''), undefined, 1000n],
    ['what the pod may use', limited('100', '200'), undefined, 300n],
    [
      'a sidecar’s share too, as it runs beside the others',
      {
        spec: {
          ...limited('100').spec!,
          initContainers: [
            { name: 's', restartPolicy: 'Always', resources: { limits: { memory: '200' } } },
            { name: 'i', resources: { limits: { memory: '50' } } },
          ],
        },
      },
      undefined,
      300n,
    ],
    [
      'what the pod itself says',
      { spec: { ...limited('').spec!, resources: { limits: { memory: '70' } } } },
      undefined,
      70n,
    ],
    ['the pod is not limited when a container is not', limited('100', ''), undefined, 1000n],
    ['what the volume asks for', limited(''), '50', 50n],
    ['never more than the pod may use', limited('100'), '500', 100n],
    ['never more than the node has', limited('5000'), '9000', 1000n],
  ];
  for (const [what, object, limit, expected] of sizes)
    it(`size: ${what}`, () => assert.equal(memoryVolumeSizeBytes(node, object, limit), expected));

  it('does without swap where the kernel can', () => {
    assert.deepEqual(['6.3.9', '6.4.0', '6.12.1-generic', '5.10.0', '7.0'].map(supportsNoSwap), [
      false,
      true,
      true,
      false,
      true,
    ]);
  });
});

describe('hostPath', () => {
  it('checks what is there, and makes what may be made', async (test) => {
    const { nodeRoot, up } = await start(test);
    const plugin = createHostPathPlugin({ host });
    const at = (name: string) => join(nodeRoot, name);
    await fs.mkdir(at('dir'));
    await fs.writeFile(at('file'), 'x');
    await fs.symlink(at('dir'), at('link'));
    const server = createServer().listen(at('sock'));
    test.after(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    const cases: [string, string, RegExp | undefined][] = [
      ['dir', '', undefined],
      ['unset/new', '', undefined],
      ['unset/new', 'Directory', undefined],
      ['dir', 'Directory', undefined],
      ['link', 'Directory', undefined],
      ['file', 'Directory', /hostPath type check failed: .*file is not a directory$/],
      ['absent', 'Directory', /is not a directory$/],
      ['new/deep', 'DirectoryOrCreate', undefined],
      ['file', 'DirectoryOrCreate', /is not a directory$/],
      ['file', 'File', undefined],
      ['dir', 'File', /is not a file$/],
      ['made', 'FileOrCreate', undefined],
      ['sock', 'Socket', undefined],
      ['file', 'Socket', /is not a socket file$/],
      [
        '../dev/null',
        'CharDevice',
        /^Error: invalid HostPath `.*\/\.\.\/dev\/null`: must not contain '\.\.'$/,
      ],
      ['file', 'CharDevice', /is not a character device$/],
      ['file', 'BlockDevice', /is not a block device$/],
      ['file', 'Pipe', /Pipe is an invalid volume type/],
    ];
    for (const [name, type, failure] of cases) {
      const path = name.startsWith('..') ? `${nodeRoot}/${name}` : at(name);
      const setUp = up(plugin, { name: 'h', hostPath: { path, type } });
      if (failure) await assert.rejects(setUp, failure, `${name} as ${type}`);
      else assert.equal(await setUp, path);
    }
    assert.equal(
      await up(plugin, { name: 'h', hostPath: { path: '/dev/null', type: 'CharDevice' } }),
      '/dev/null',
    );
    assert.ok((await fs.stat(at('new/deep'))).isDirectory());
    assert.equal((await fs.readFile(at('made'))).length, 0);
  });
});

describe('configMap', () => {
  it('shows keys as files and follows changes', async (test) => {
    const { client, options, up, context } = await start(test);
    const plugin = createConfigMapPlugin(options);
    const volume = { name: 'conf', configMap: { name: 'settings', defaultMode: 0o440 } };
    await assert.rejects(up(plugin, volume), /^Error: configmap "settings" not found$/);
    const created = await client.create(configMaps, {
      metadata: { name: 'settings', namespace: 'default' },
      data: { color: 'red' },
      binaryData: { blob: Buffer.from([0xff, 0]).toString('base64') },
    });
    const path = await up(plugin, volume);
    assert.equal(await fs.readFile(join(path, 'color'), 'utf8'), 'red');
    assert.deepEqual(await fs.readFile(join(path, 'blob')), Buffer.from([0xff, 0]));
    assert.equal((await fs.stat(join(path, 'color'))).mode & 0o777, 0o440);
    await client.update(configMaps, { ...created, data: { color: 'blue' }, binaryData: undefined });
    await up(plugin, volume, { isRemount: true });
    assert.equal(await fs.readFile(join(path, 'color'), 'utf8'), 'blue');
    assert.deepEqual(
      (await fs.readdir(path)).filter((name) => !name.startsWith('..')),
      ['color'],
    );
    await client.delete(configMaps, { namespace: 'default', name: 'settings' });
    await assert.rejects(up(plugin, volume, { isRemount: true }), /not found/);
    assert.equal(await fs.readFile(join(path, 'color'), 'utf8'), 'blue', 'a running pod keeps what it has');
    await plugin.mounter.tearDown('conf', 'u-1', context.signal);
    assert.equal(await host.files.stat(path), undefined);
  });

  it('is read once when it never changes, for as long as a volume shows it', async (test) => {
    const { client, options, up, context } = await start(test);
    const plugin = createConfigMapPlugin(options);
    const make = (color: string) =>
      client.create(configMaps, {
        metadata: { name: 'settings', namespace: 'default' },
        data: { color },
        immutable: true,
      });
    const volume = { name: 'conf', configMap: { name: 'settings' } };
    const shade = { ...volume.configMap, items: [{ key: 'shade', path: 'shade' }] };
    const color = async (path: string) => await fs.readFile(join(path, 'color'), 'utf8');
    await make('red');
    await assert.rejects(up(plugin, { name: 'none', configMap: shade }), /non-existent config key: shade/);
    await client.delete(configMaps, { namespace: 'default', name: 'settings' });
    await make('green');
    const path = await up(plugin, volume);
    assert.equal(await color(path), 'green', 'what failed keeps nothing');
    await client.delete(configMaps, { namespace: 'default', name: 'settings' });
    await up(plugin, volume, { isRemount: true });
    await make('blue');
    await up(plugin, volume, { isRemount: true });
    assert.equal(await color(path), 'green');
    // Another volume of the same pod comes and goes.
    assert.equal(await color(await up(plugin, { ...volume, name: 'other' })), 'green');
    await plugin.mounter.tearDown('other', 'u-1', context.signal);
    await up(plugin, volume, { isRemount: true });
    assert.equal(await color(path), 'green');
    await plugin.mounter.tearDown('conf', 'u-1', context.signal);
    assert.equal(await color(await up(plugin, volume)), 'blue');
  });

  it('may be absent if optional', async (test) => {
    const { options, up } = await start(test);
    const volume = { name: 'conf', configMap: { name: 'settings', optional: true } };
    const path = await up(createConfigMapPlugin(options), volume);
    assert.deepEqual(
      (await fs.readdir(path)).filter((name) => !name.startsWith('..')),
      [],
    );
  });
});

describe('secret', () => {
  it('lies in memory, for the pod’s group', { skip: unprivileged }, async (test) => {
    const { client, options, up, context } = await start(test);
    await client.create(secrets, {
      metadata: { name: 'key', namespace: 'default' },
      data: { password: Buffer.from('hush').toString('base64') },
    });
    const plugin = createSecretPlugin(options);
    const items = [{ key: 'password', path: 'deep/pw', mode: 0o400 }];
    const path = await up(plugin, { name: 'key', secret: { secretName: 'key', items } }, { fsGroup: 4242 });
    try {
      assert.equal(await isMountPoint(host, path), true);
      assert.equal(await fs.readFile(join(path, 'deep/pw'), 'utf8'), 'hush');
      const stat = await fs.stat(join(path, 'deep/pw'));
      assert.deepEqual([stat.gid, stat.mode & 0o777], [4242, 0o440]);
    } finally {
      await plugin.mounter.tearDown('key', 'u-1', context.signal);
    }
    assert.equal(await host.files.stat(path), undefined);
  });
});
