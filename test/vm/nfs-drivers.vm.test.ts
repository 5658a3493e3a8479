import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Client } from '../../src/client/index.ts';
import { lifeOf, startDriver, temporaryDirectory, volumesIn } from '../../src/drivers/nas/test-support.ts';
import { specFromVolume } from '../../src/volume/index.ts';
import { FlexDriver } from '../../src/volume/plugins/flexvolume/driver.ts';
import { SUCCESS, writeDriver } from '../../src/volume/plugins/flexvolume/flexvolume.test-support.ts';
import { createFlexVolumePlugin } from '../../src/volume/plugins/flexvolume/index.ts';
import { type NfsServer, nfsServer } from './nfs-server.ts';
import { host, MachineScratch, mountOptionsAt, notInMachine, podNamed } from './support.ts';

describe('drivers that mount NFS', { skip: notInMachine }, () => {
  const { signal } = new AbortController();
  const scratch = new MachineScratch();
  let server: NfsServer;

  before(async () => {
    server = await nfsServer(scratch);
  });

  it('nas: a volume is a directory of the export, for pods of two nodes', async (test) => {
    const driver = await startDriver(test, { directory: temporaryDirectory(test) });
    const life = lifeOf(driver, 'v', { server: server.address, share: server.path, pathPattern: 'team/v' });
    await life.create();
    assert.deepEqual(volumesIn(server.directory), ['team']);
    await life.publish('one');
    await life.publish('two', { client: driver.n2 });
    await writeFile(join(life.target('one'), 'told'), 'by one');
    assert.equal(await readFile(join(life.target('two'), 'told'), 'utf8'), 'by one');
    assert.equal(await readFile(join(server.directory, 'team/v/told'), 'utf8'), 'by one');
    await life.publish('reader', { readonly: true });
    await assert.rejects(writeFile(join(life.target('reader'), 'x'), ''), { code: 'EROFS' });
    assert.equal((await life.stats('one')).volumeCondition?.abnormal, false);
    for (const pod of ['one', 'two', 'reader']) await life.unpublish(pod);
    await life.delete();
    assert.deepEqual(volumesIn(server.directory), [], 'the directory is gone, and its parent with it');
  });

  it('a FlexVolume driver that needs no attaching', async () => {
    const { address, path, directory } = server;
    const executable = join(scratch.directory, 'v~nfs/nfs');
    await mkdir(join(directory, 'flex'));
    await writeDriver(executable, {
      init: `echo '{"status":"Success","capabilities":{"attach":false}}'`,
      mount: `mount -t nfs ${address}:${path}/flex "$1" && ${SUCCESS}`,
      unmount: `umount "$1" && ${SUCCESS}`,
    });
    const driver = new FlexDriver({ host, name: 'v/nfs', executable });
    await driver.init({ signal });
    const client = {} as Client;
    const plugin = createFlexVolumePlugin(driver, {
      client,
      host,
      nodeRoot: join(scratch.directory, 'root'),
    });
    const spec = specFromVolume({ name: 'data', flexVolume: { driver: 'v/nfs' } });
    await plugin.mounter.setUp(spec, { pod: podNamed('a'), signal });
    const at = plugin.mounter.podPath(spec, 'a');
    await writeFile(join(at, 'told'), 'by a');
    assert.equal(await readFile(join(directory, 'flex/told'), 'utf8'), 'by a');
    await plugin.mounter.tearDown('data', 'a', signal);
    assert.deepEqual(await mountOptionsAt(at), []);
  });
});
