import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { PersistentVolume, Stored } from '../../src/kube/index.ts';
import { specFromPersistentVolume, specFromVolume } from '../../src/volume/index.ts';
import { createNfsPlugin } from '../../src/volume/plugins/nfs/index.ts';
import { type NfsServer, nfsServer } from './nfs-server.ts';
import { host, MachineScratch, mountOptionsAt, notInMachine, podNamed } from './support.ts';

describe('NFS volumes of the kernel’s server', { skip: notInMachine }, () => {
  const { signal } = new AbortController();
  const scratch = new MachineScratch();
  let server: NfsServer;

  before(async () => {
    server = await nfsServer(scratch);
  });

  const node = (name: string) => createNfsPlugin({ host, nodeRoot: join(scratch.directory, name) });
  const nfs = () => ({ server: server.address, path: server.path });
  const volume = (more: object = {}) => specFromVolume({ name: 'v', nfs: { ...nfs(), ...more } });
  const mounted = async (plugin: ReturnType<typeof node>, uid: string, spec = volume()) => {
    await plugin.mounter.setUp(spec, { pod: podNamed(uid), signal });
    return plugin.mounter.podPath(spec, uid);
  };

  it('are one volume for pods of two nodes', async () => {
    const [one, two] = [node('one'), node('two')];
    const [here, there] = [await mounted(one, 'a'), await mounted(two, 'b')];
    await writeFile(join(here, 'told'), 'by a');
    assert.equal(await readFile(join(there, 'told'), 'utf8'), 'by a');
    await one.mounter.tearDown('v', 'a', signal);
    assert.equal(await readFile(join(there, 'told'), 'utf8'), 'by a', 'the other pod keeps it');
    await two.mounter.tearDown('v', 'b', signal);
    assert.deepEqual(await mountOptionsAt(here), []);
    assert.equal(await readFile(join(server.directory, 'told'), 'utf8'), 'by a');
  });

  it('cannot be written when the pod may only read', async () => {
    const plugin = node('readers');
    const path = await mounted(plugin, 'a', volume({ readOnly: true }));
    await assert.rejects(writeFile(join(path, 'x'), ''), { code: 'EROFS' });
    await plugin.mounter.tearDown('v', 'a', signal);
  });

  it('have the mount options of their PersistentVolume', async () => {
    const plugin = node('options');
    const object = {
      metadata: { name: 'v' },
      spec: { nfs: nfs(), mountOptions: ['vers=4.1', 'rsize=4096', 'noatime'] },
    };
    const spec = specFromPersistentVolume(object as unknown as Stored<PersistentVolume>, false);
    const path = await mounted(plugin, 'a', spec);
    assert.ok((await mountOptionsAt(path)).includes('noatime'));
    const line = (await readFile('/proc/mounts', 'utf8'))
      .split('\n')
      .find((one) => one.includes(` ${path} `));
    assert.match(line ?? '', / nfs4 .*vers=4\.1,rsize=4096/);
    await plugin.mounter.tearDown('v', 'a', signal);
  });

  it('that the server does not have fail in its words, and leave nothing', async () => {
    const plugin = node('wrong');
    // Without a version others are tried for two minutes.
    const object = {
      metadata: { name: 'v' },
      spec: { nfs: { ...nfs(), path: '/nowhere' }, mountOptions: ['vers=4.2'] },
    };
    const spec = specFromPersistentVolume(object as unknown as Stored<PersistentVolume>, false);
    await assert.rejects(mounted(plugin, 'a', spec), /No such file or directory/);
    await assert.rejects(readdir(plugin.mounter.podPath(spec, 'a')), { code: 'ENOENT' });
  });

  it('are taken from pods although their server is gone, and are whole when it is back', async () => {
    const plugin = node('lost');
    const path = await mounted(plugin, 'a');
    await writeFile(join(path, 'kept'), 'before');
    await server.stop();
    await plugin.mounter.tearDown('v', 'a', signal);
    assert.deepEqual(await mountOptionsAt(path), []);
    await server.start();
    assert.equal(await readFile(join(await mounted(plugin, 'a'), 'kept'), 'utf8'), 'before');
    await plugin.mounter.tearDown('v', 'a', signal);
  });
});
