import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Code } from '../../csi/index.ts';
import type { Host, MountEntry, MountRequest } from '../../host/index.ts';
import { failsWith, host } from '../shared/test-support.ts';
import {
  cannotMount,
  everybody,
  lifeOf,
  ownIn,
  startDriver,
  temporaryDirectory,
  volumesIn,
} from './test-support.ts';

/** A machine that mounts NFS: what an export holds is a directory here, and each mount of one is recorded. */
function withServer(served: string) {
  const requests: MountRequest[] = [];
  const sources = new Map<string, string>();
  let isUp = true;
  const unmounts: unknown[] = [];
  const machine: Host = {
    ...host,
    mounts: {
      ...host.mounts,
      async list() {
        const table = await host.mounts.list();
        return table.map((entry): MountEntry => {
          const source = sources.get(entry.target);
          return source === undefined ? entry : { ...entry, source, fsType: 'nfs4', root: '/' };
        });
      },
      async mount(request) {
        if (request.fsType !== 'nfs') return host.mounts.mount(request);
        if (!isUp) throw new Error(`mount ${request.source}: mount.nfs: Connection refused`);
        requests.push(request);
        const path = request.source.replace(/^.*?:\//, '/').replace(/^\/export/, served);
        const isReader = request.options?.includes('ro');
        await host.mounts.mount({
          source: path,
          target: request.target,
          options: ['bind', ...(isReader ? ['ro'] : [])],
        });
        sources.set(request.target, request.source);
      },
      async unmount(target, options) {
        unmounts.push([sources.get(target), options]);
        await host.mounts.unmount(target);
        sources.delete(target);
      },
    },
  };
  return {
    machine,
    requests,
    unmounts,
    set isUp(value: boolean) {
      isUp = value;
    },
  };
}

const EXPORT = { server: 'nfs.example.com', share: '/export' };

describe('volumes of the nas driver on an NFS export', { skip: cannotMount(), timeout: 300_000 }, () => {
  it('are directories of the export, which the controller mounts for itself and a node for a pod', async (t) => {
    const directory = temporaryDirectory(t);
    const served = join(directory, 'served');
    mkdirSync(served);
    const server = withServer(served);
    const driver = await startDriver(t, { directory, machine: server.machine });
    const life = lifeOf(driver, 'v', { ...EXPORT, pathPattern: 'team/v' });
    const { volume } = await life.create();
    assert.deepEqual(volume?.volumeContext, { ...EXPORT, subDir: 'team/v', volumeId: 'v' });
    assert.deepEqual(volumesIn(served), ['team']);
    assert.deepEqual(volumesIn(driver.share), []);
    assert.equal(server.requests[0]?.source, 'nfs.example.com:/export');
    assert.equal(server.requests[0]?.target.startsWith(`${driver.share}/.stowage/mounts/`), true);

    const volumeCapability = everybody(['nfsvers=4.1', 'hard']);
    await life.publish('pod', { volumeCapability });
    await life.publish('pod', { volumeCapability });
    await life.publish('reader', { volumeCapability, readonly: true });
    assert.deepEqual(server.requests.slice(1), [
      {
        source: 'nfs.example.com:/export/team/v',
        target: life.target('pod'),
        fsType: 'nfs',
        options: ['nfsvers=4.1', 'hard'],
      },
      {
        source: 'nfs.example.com:/export/team/v',
        target: life.target('reader'),
        fsType: 'nfs',
        options: ['nfsvers=4.1', 'hard', 'ro'],
      },
    ]);
    await assert.rejects(
      life.publish('other', { volumeCapability: everybody(['bind']) }),
      failsWith(Code.INVALID_ARGUMENT, /mount option "bind"/),
    );
    writeFileSync(join(life.target('pod'), 'file'), 'data');
    assert.equal(readFileSync(join(served, 'team/v/file'), 'utf8'), 'data');
    assert.equal((await life.stats()).volumeCondition?.abnormal, false);
    await assert.rejects(
      life.delete(),
      failsWith(Code.FAILED_PRECONDITION, /still mounted at .*pod-v, .*reader-v/),
    );

    await driver.n1.controller.createSnapshot({ name: 'snap', sourceVolumeId: 'v' });
    assert.equal(readFileSync(join(served, '.stowage/content/snap/file'), 'utf8'), 'data');
    const source = { type: { case: 'snapshot' as const, value: { snapshotId: 'snap' } } };
    await lifeOf(driver, 'here').create({ volumeContentSource: source });
    assert.equal(readFileSync(join(driver.share, 'here/file'), 'utf8'), 'data', 'from there to here');

    await life.unpublish('pod');
    await life.unpublish('reader');
    assert.deepEqual(server.unmounts, [
      ['nfs.example.com:/export/team/v', { timeoutMs: 30_000 }],
      ['nfs.example.com:/export/team/v', { timeoutMs: 30_000 }],
    ]);
    await life.delete();
    await driver.n1.controller.deleteSnapshot({ snapshotId: 'snap' });
    await lifeOf(driver, 'here').delete();
    assert.deepEqual(readdirSync(served), ['.stowage']);
    assert.deepEqual(ownIn(served), []);
    assert.deepEqual(ownIn(driver.share), []);
  });

  it('wait for a server that is gone, and what was cut short is finished when it is back', async (t) => {
    const directory = temporaryDirectory(t);
    const served = join(directory, 'served');
    mkdirSync(served);
    const server = withServer(served);
    const driver = await startDriver(t, { directory, machine: server.machine });
    const life = lifeOf(driver, 'v', EXPORT);
    server.isUp = false;
    await assert.rejects(life.create(), failsWith(Code.INTERNAL, /Connection refused/));
    assert.deepEqual(ownIn(driver.share), []);
    server.isUp = true;
    await life.create();
    writeFileSync(join(served, 'v/file'), 'data');
    // The last process had come as far as the record.
    const record = join(driver.share, '.stowage/volumes/v.json');
    writeFileSync(record, readFileSync(record, 'utf8').replace('"ready"', '"deleting"'));
    await server.machine.mounts.unmount(server.requests[0]!.target);
    server.isUp = false;
    await driver.restart();
    assert.deepEqual((await driver.n1.controller.listVolumes()).entries, []);
    assert.ok(existsSync(join(served, 'v/file')));
    await assert.rejects(life.delete(), /Connection refused/);
    server.isUp = true;
    await lifeOf(driver, 'w', EXPORT).create();
    assert.deepEqual(volumesIn(served), ['w']);
    await life.delete();
    await lifeOf(driver, 'w', EXPORT).delete();
    assert.deepEqual([volumesIn(served), ownIn(driver.share)], [[], []]);
  });

  it('may be written into a PersistentVolume as those of csi-driver-nfs: all of an export, or a directory of it', async (t) => {
    const directory = temporaryDirectory(t);
    const served = join(directory, 'served');
    mkdirSync(join(served, 'sub'), { recursive: true });
    const server = withServer(served);
    const driver = await startDriver(t, { directory, machine: server.machine });
    for (const [volumeContext, source] of [
      [EXPORT, 'nfs.example.com:/export'],
      [{ ...EXPORT, subDir: 'sub' }, 'nfs.example.com:/export/sub'],
      [{ server: 'fd00::1', share: '/export' }, '[fd00::1]:/export'],
    ] as const) {
      const request = { volumeId: source, targetPath: join(directory, 'pod') };
      await driver.n1.node.nodePublishVolume({ ...request, volumeContext, volumeCapability: everybody() });
      assert.equal(server.requests.at(-1)?.source, source);
      await driver.n1.node.nodeUnpublishVolume(request);
    }
  });
});
