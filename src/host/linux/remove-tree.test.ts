import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startSwapping } from '../../volume/subpath/swapping.test-support.ts';
import { scratchDirectory } from './leftovers.test-support.ts';

/** Directories in one another, deeper than any path reaches. */
const DEEP =
  'mkdir $ARGV[0]; chdir $ARGV[0]; for (1 .. 5000) { mkdir "d"; chdir "d" or die $! } open(F, ">", "file")';

describe('removing a tree', () => {
  it('removes links, not what they lead to', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const outside = join(directory, 'outside');
    mkdirSync(join(directory, 'tree/deep'), { recursive: true });
    mkdirSync(outside);
    writeFileSync(join(outside, 'keep'), '');
    symlinkSync(outside, join(directory, 'tree/deep/link'));
    await host.files.removeTree(join(directory, 'tree'));
    await host.files.removeTree(join(directory, 'tree'));
    assert.equal(existsSync(join(directory, 'tree')), false);
    assert.equal(existsSync(join(outside, 'keep')), true);
  });

  it('never enters a link that takes the place of a directory meanwhile', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const outside = join(directory, 'outside');
    mkdirSync(join(outside, 'deeper'), { recursive: true });
    writeFileSync(join(outside, 'keep'), '');
    writeFileSync(join(outside, 'deeper', 'keep'), '');
    for (let round = 0; round < 300; round++) {
      const tree = join(directory, `tree-${round}`);
      mkdirSync(join(tree, 'sub', 'deeper'), { recursive: true });
      symlinkSync(outside, join(tree, 'link'));
      const swapper = round % 20 === 0 ? await startSwapping(test, tree) : undefined;
      // It may find new names for ever, or that one is not empty; what it must not do is to leave the tree.
      await host.files.removeTree(tree).catch(() => undefined);
      swapper?.kill('SIGKILL');
      assert.deepEqual(readdirSync(outside).sort(), ['deeper', 'keep']);
      assert.deepEqual(readdirSync(join(outside, 'deeper')), ['keep']);
    }
  });

  it('gets to the bottom of directories that no path reaches', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const tree = join(directory, 'tree');
    assert.equal(spawnSync('perl', ['-e', DEEP, tree]).status, 0);
    mkdirSync(join(tree, '.stowage-removed-0', 'not ours'), { recursive: true });
    await host.files.removeTree(tree);
    assert.equal(existsSync(tree), false);
  });

  it('removes what has a name that is no text', async (test) => {
    const { host, directory } = scratchDirectory(test);
    const tree = join(directory, 'tree');
    const name = Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(tree);
    mkdirSync(name);
    writeFileSync(Buffer.concat([name, Buffer.from('/'), Buffer.from([0x80])]), '');
    await host.files.removeTree(tree);
    assert.equal(existsSync(tree), false);
  });
});
