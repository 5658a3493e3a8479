import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../base/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import { isMountPoint } from '../mount/index.ts';
import { deviceReferences, mapBlockVolume, unmapBlockVolume } from './index.ts';

const host = createLinuxHost({ clock: systemClock });
const skip = process.getuid?.() !== 0 && 'mounts and loop devices need root';

async function start(test: TestContext) {
  const directory = await fs.realpath(await fs.mkdtemp(join(tmpdir(), 'block-')));
  const place = {
    globalMapPath: join(directory, 'plugins/volumeDevices/pv/dev'),
    podMapDirectory: join(directory, 'pods/uid/volumeDevices/plugin'),
    name: 'pv',
    podUid: 'uid',
  };
  const bound = join(place.globalMapPath, 'uid');
  const link = join(place.podMapDirectory, 'pv');
  const pins = async () => (await host.loops.list()).filter(({ backingFile }) => backingFile === bound);
  test.after(async () => {
    await unmapBlockVolume(host, place);
    for (const loop of await host.loops.list())
      if (loop.backingFile.startsWith(directory)) await host.loops.detach(loop.device);
    await host.files.removeTree(directory);
  });
  const disk = async (name: string) => {
    const image = join(directory, name);
    await host.files.allocate(image, 1n << 20n);
    return await host.loops.attach(image);
  };
  return { directory, place, bound, link, pins, disk };
}

describe('a volume that is mapped', { skip }, () => {
  it('is bound for the pod, pinned, and linked; once, however often it is asked for', async (test) => {
    const { place, bound, link, pins, disk } = await start(test);
    const device = await disk('image');
    for (let again = 0; again < 2; again++) {
      await mapBlockVolume(host, device, place, false);
      assert.equal(await fs.readlink(link), device);
      assert.equal((await host.files.stat(bound))?.rdev, (await host.files.stat(device))?.rdev);
      assert.equal((await pins()).length, 1);
      assert.equal((await host.mounts.list()).filter(({ target }) => target === bound).length, 1);
      assert.deepEqual(await deviceReferences(host, place.globalMapPath), [bound]);
    }
  });

  it('can be read and not written by a pod that may only read', async (test) => {
    const { place, link, pins, disk } = await start(test);
    const device = await disk('image');
    await fs.writeFile(device, 'content');
    await mapBlockVolume(host, device, place, true);
    assert.equal(await fs.readlink(link), (await pins())[0]!.device);
    const file = await fs.open(link, 'r');
    const { buffer } = await file.read(Buffer.alloc(7), 0, 7);
    await file.close();
    assert.equal(buffer.toString(), 'content');
    // The kernel lets a read-only loop device be opened for writing, and refuses the write.
    await assert.rejects(
      async () => {
        const writing = await fs.open(link, 'r+');
        try {
          await writing.write('changed', 0);
          await writing.sync();
        } finally {
          await writing.close();
        }
      },
      { code: /^(EPERM|EACCES|EROFS|EIO)$/ },
    );
  });

  it('is gone when it is unmapped, whatever of it was there', async (test) => {
    const { place, bound, link, pins, disk } = await start(test);
    await unmapBlockVolume(host, place);
    const device = await disk('image');
    await mapBlockVolume(host, device, place, false);
    await unmapBlockVolume(host, place);
    assert.equal(await isMountPoint(host, bound), false);
    for (const path of [bound, link]) assert.equal(await host.files.stat(path), undefined);
    assert.deepEqual(await pins(), []);
    assert.deepEqual(await deviceReferences(host, place.globalMapPath), []);
    // A crash after the bind: no pin, no link.
    await host.files.append(bound, '');
    await host.mounts.mount({ source: device, target: bound, options: ['bind'] });
    await unmapBlockVolume(host, place);
    assert.equal(await host.files.stat(bound), undefined);
  });

  it('is bound anew when it has another device now', async (test) => {
    const { place, bound, link, pins, disk } = await start(test);
    await mapBlockVolume(host, await disk('first'), place, false);
    const second = await disk('second');
    await mapBlockVolume(host, second, place, false);
    assert.equal((await host.files.stat(bound))?.rdev, (await host.files.stat(second))?.rdev);
    assert.equal(await fs.readlink(link), second);
    assert.equal((await pins()).length, 1);
  });

  it('has to be a block device', async (test) => {
    const { directory, place, bound } = await start(test);
    await fs.writeFile(join(directory, 'file'), '');
    for (const [name, what] of [
      ['file', 'a file'],
      ['absent', 'absent'],
      ['.', 'a directory'],
    ] as const) {
      await assert.rejects(mapBlockVolume(host, join(directory, name), place, false), {
        message: `${join(directory, name)} is ${what}, not a block device`,
      });
    }
    assert.equal(await host.files.stat(bound), undefined);
  });
});
