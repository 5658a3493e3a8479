import assert from 'node:assert/strict';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { systemClock } from '../base/index.ts';
import { createLinuxHost } from '../host/index.ts';
import { directoryStats, diskUsage } from './disk-usage.ts';

const { files } = createLinuxHost({ clock: systemClock });

it('a directory takes what lies in it: each file once, no links followed', async (test) => {
  const root = await fs.mkdtemp(join(tmpdir(), 'disk-usage-'));
  test.after(() => fs.rm(root, { recursive: true }));
  const empty = await diskUsage(files, root);
  assert.equal(empty.inodes, 1);
  await fs.mkdir(join(root, 'a/b'), { recursive: true });
  await fs.writeFile(join(root, 'a/b/file'), Buffer.alloc(1 << 20, 1));
  await fs.link(join(root, 'a/b/file'), join(root, 'a/again'));
  await fs.symlink('/', join(root, 'a/everything'));
  await fs.truncate(join(root, 'a/b/file'), 1 << 30); // a hole
  const { bytes, inodes } = await diskUsage(files, root);
  assert.equal(inodes, 5);
  assert.ok(bytes - empty.bytes >= 1 << 20 && bytes - empty.bytes < 1.2 * 2 ** 20, String(bytes));
  const { used, inodesUsed, capacity } = await directoryStats(files, root);
  assert.deepEqual([used, inodesUsed], [bytes, inodes]);
  assert.equal(capacity, Number((await files.statFs(root)).totalBytes));
});

it('a directory that becomes a link while it is looked at is not followed', async (test) => {
  const root = await fs.mkdtemp(join(tmpdir(), 'disk-usage-'));
  test.after(() => fs.rm(root, { recursive: true }));
  await fs.mkdir(join(root, 'volume/sub'), { recursive: true });
  await fs.mkdir(join(root, 'outside'));
  await fs.writeFile(join(root, 'outside/big'), Buffer.alloc(1 << 20, 1));
  const replacing = {
    ...files,
    async stat(path: string) {
      const stat = await files.stat(path);
      if (path.endsWith('/sub')) {
        await fs.rename(path, join(root, 'away'));
        await fs.symlink(join(root, 'outside'), path);
      }
      return stat;
    },
  };
  const { bytes, inodes } = await diskUsage(replacing, join(root, 'volume'));
  assert.equal(inodes, 2);
  assert.ok(bytes < 1 << 20, String(bytes));
});

it('directories that are too deep are an error, not a descriptor each', async () => {
  const directory = { kind: 'directory', device: 1n, allocatedBytes: 512 } as const;
  let inode = 0n;
  let open = 0;
  const deep = {
    stat: async () => ({ ...directory, inode: inode++ }),
    list: async () => ['d'],
    openWithin: async () => {
      open++;
      return { path: '/d', close: async () => void open-- };
    },
  } as unknown as typeof files;
  await assert.rejects(diskUsage(deep, '/volume'), /^Error: \/volume: directories more than 512 deep$/);
  assert.equal(open, 0);
});

it('what goes meanwhile does not count', async () => {
  const directory = { kind: 'directory', device: 1n, inode: 1n, allocatedBytes: 512 } as const;
  const stat = async (path: string) => (path === '/d' ? directory : undefined);
  const going = { stat, list: async () => ['gone'] } as unknown as typeof files;
  assert.deepEqual(await diskUsage(going, '/d'), { bytes: 512, inodes: 1 });
  const list = async () => Promise.reject(Object.assign(new Error('ENOENT'), { code: 'ENOENT' }));
  assert.deepEqual(await diskUsage({ stat, list } as unknown as typeof files, '/d'), {
    bytes: 512,
    inodes: 1,
  });
});
