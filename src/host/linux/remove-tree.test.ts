import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { scratchDirectory } from './leftovers.test-support.ts';

/** Directories in one another, deeper than any path reaches. */
const DEEP =
  'mkdir $ARGV[0]; chdir $ARGV[0]; for (1 .. 2500) { mkdir "d"; chdir "d" or die $! } open(F, ">", "file")';

const ROUNDS = 10;

/** Puts links in the place of directories and takes them away again as long as there are any. Resolves once it does, to what stops it. */
async function startReplacing(
  test: TestContext,
  tree: string,
  outside: string,
): Promise<() => Promise<void>> {
  const program = `my ($tree, $outside) = @ARGV; chdir $tree; $| = 1; print "replacing\\n";
    while (-e $tree) {
      for my $d (glob "sub-*") { rename $d, "$d.away" and symlink $outside, $d; rename "$d.away", "$d.back" }
      for my $d (glob "*.back") { my $n = $d =~ s/.back//r; unlink $n; rename $d, $n }
    }`;
  const replacer: ChildProcess = spawn('perl', ['-e', program, tree, outside], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(replacer, 'exit');
  const stop = async () => {
    replacer.kill('SIGKILL');
    await ended;
  };
  test.after(stop);
  await once(replacer.stdout!, 'data');
  return stop;
}

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
    for (let round = 0; round < ROUNDS; round++) {
      const tree = join(directory, `tree-${round}`);
      for (let number = 0; number < 20; number++)
        mkdirSync(join(tree, `sub-${number}`, 'deeper'), { recursive: true });
      const stop = await startReplacing(test, tree, outside);
      // It may find that a directory is not empty; what it must not do is to leave the tree.
      await host.files.removeTree(tree).catch(() => undefined);
      await stop();
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
