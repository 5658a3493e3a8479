import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../base/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import { hasMountsBelow } from '../mount/index.ts';
import { cleanSubpaths, prepareSubpath } from './index.ts';
import { startSwapping } from './swapping.test-support.ts';

const host = createLinuxHost({ clock: systemClock });
const skip = process.getuid?.() !== 0 && 'mounting needs root';

async function start(test: TestContext) {
  const directory = await fs.realpath(await fs.mkdtemp(join(tmpdir(), 'subpath-')));
  const volumePath = join(directory, 'volume');
  const outside = join(directory, 'outside');
  const podDirectory = join(directory, 'pods/uid');
  for (const path of [volumePath, outside]) await fs.mkdir(path);
  await fs.writeFile(join(outside, 'secret'), 'secret');
  test.after(async () => {
    await cleanSubpaths(host, podDirectory, 'pv');
    assert.equal(await hasMountsBelow(host, directory), false);
    await host.files.removeTree(directory);
  });
  const prepare = (subPath: string, index = 0) =>
    prepareSubpath(host, {
      podDirectory,
      volumeName: 'pv',
      containerName: 'c',
      index,
      volumePath,
      subPath,
    });
  return { directory, volumePath, outside, podDirectory, prepare };
}

describe('a subPath', { skip }, () => {
  it('is bound in its place, a directory or a file; once', async (test) => {
    const { volumePath, podDirectory, prepare } = await start(test);
    await fs.mkdir(join(volumePath, 'a/b'), { recursive: true });
    await fs.writeFile(join(volumePath, 'a/b/file'), 'content');
    const target = await prepare('a//./b/');
    assert.equal(target, join(podDirectory, 'volume-subpaths/pv/c/0'));
    assert.equal(await fs.readFile(join(target, 'file'), 'utf8'), 'content');
    assert.equal(await fs.readFile(await prepare('a/b/file', 1), 'utf8'), 'content');
    await prepare('a/b');
    const mounts = (await host.mounts.list()).filter((entry) => entry.target === target);
    assert.equal(mounts.length, 1);
    await cleanSubpaths(host, podDirectory, 'pv');
    await cleanSubpaths(host, podDirectory, 'pv');
    assert.deepEqual(await fs.readdir(podDirectory), []);
    assert.equal(await fs.readFile(join(volumePath, 'a/b/file'), 'utf8'), 'content');
  });

  it('is made where it is missing, with the mode of the volume', async (test) => {
    const { volumePath, prepare } = await start(test);
    await fs.chmod(volumePath, 0o2775);
    await prepare('new/deep');
    for (const path of ['new', 'new/deep'])
      assert.equal((await fs.stat(join(volumePath, path))).mode & 0o7777, 0o2775);
  });

  it('is bound anew when it is something else by now', async (test) => {
    const { volumePath, prepare } = await start(test);
    await prepare('a');
    await fs.rename(join(volumePath, 'a'), join(volumePath, 'old'));
    await fs.writeFile(join(volumePath, 'a'), 'a file');
    assert.equal(await fs.readFile(await prepare('a'), 'utf8'), 'a file');
  });

  it('may go through links that stay in the volume', async (test) => {
    const { volumePath, prepare } = await start(test);
    await fs.mkdir(join(volumePath, 'real/sub'), { recursive: true });
    await fs.writeFile(join(volumePath, 'real/sub/file'), '');
    await fs.symlink('real', join(volumePath, 'link'));
    await fs.symlink(join(volumePath, 'real'), join(volumePath, 'absolute'));
    for (const [index, path] of ['link/sub', 'absolute/sub'].entries())
      assert.deepEqual(await fs.readdir(await prepare(path, index)), ['file']);
  });

  it('never leads out, whatever links there are', async (test) => {
    const { directory, volumePath, outside, prepare } = await start(test);
    await fs.mkdir(join(volumePath, 'in'));
    const links: Record<string, string> = {
      absolute: outside,
      relative: '../outside',
      'in/deep': '../../outside',
      chain: 'absolute',
      file: join(outside, 'secret'),
      root: '/',
      self: '/proc/self/root',
      beside: `${directory}/volume-too`,
    };
    await fs.mkdir(join(directory, 'volume-too'));
    for (const [name, to] of Object.entries(links)) await fs.symlink(to, join(volumePath, name));
    for (const name of [...Object.keys(links), 'absolute/secret', 'absolute/new', 'root/etc', 'chain/new/x'])
      await assert.rejects(prepare(name), /is outside of allowed base/, name);
    assert.deepEqual(await fs.readdir(outside), ['secret']);
    assert.deepEqual(await fs.readdir(join(directory, 'volume-too')), []);
  });

  it('never leads out while directories and links change places', async (test) => {
    const { volumePath, outside, prepare } = await start(test);
    await fs.mkdir(join(volumePath, 'sub/deep'), { recursive: true });
    await fs.symlink(outside, join(volumePath, 'link'));
    await fs.mkdir(join(outside, 'deep'));
    const secret = await fs.stat(join(outside, 'deep'));
    const swapper = await startSwapping(test, volumePath);
    let opened = 0;
    let refused = 0;
    for (let round = 0; round < 10_000; round++) {
      try {
        const place = await host.files.openWithin(volumePath, ['sub', 'deep']);
        const { inode } = await place.stat();
        await place.close();
        assert.notEqual(inode, BigInt(secret.ino));
        opened++;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        refused++;
      }
    }
    for (let round = 0; round < 50; round++) {
      const target = await prepare('sub/deep/made').catch(() => undefined);
      if (target) assert.deepEqual(await fs.readdir(target), []);
    }
    swapper.kill();
    await once(swapper, 'exit');
    // A race that only one side wins proves nothing.
    assert.ok(opened > 100 && refused > 100, `opened ${opened}, refused ${refused}`);
    assert.deepEqual(await fs.readdir(join(outside, 'deep')), []);
  });
});
