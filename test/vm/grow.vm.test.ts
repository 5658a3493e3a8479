import assert from 'node:assert/strict';
import { mkdir, open, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { host, MachineScratch, notInMachine } from './support.ts';

const MIB = 1024n * 1024n;

describe('a file system that grows while it is mounted', { skip: notInMachine }, () => {
  const scratch = new MachineScratch();

  for (const fsType of ['ext4', 'xfs', 'btrfs'])
    it(`${fsType}, with a file open in it`, async (test) => {
      const image = join(scratch.directory, `${fsType}.img`);
      const target = join(scratch.directory, fsType);
      await host.files.allocate(image, 320n * MIB);
      const device = await host.loops.attach(image);
      await host.disks.format(device, fsType);
      await mkdir(target);
      await host.mounts.mount({ source: device, target, fsType });
      test.after(async () => {
        await host.mounts.unmount(target);
        await host.loops.detach(device);
      });
      const file = await open(join(target, 'open'), 'w');
      try {
        const before = await statfs(target);
        await host.files.allocate(image, 640n * MIB);
        await host.loops.refresh(device);
        await host.disks.grow(device, target, fsType);
        const after = await statfs(target);
        assert.ok(after.blocks * after.bsize > 1.5 * before.blocks * before.bsize);
        await file.write('still here');
      } finally {
        await file.close();
      }
      await writeFile(join(target, 'big'), Buffer.alloc(1024 * 1024));
    });
});
