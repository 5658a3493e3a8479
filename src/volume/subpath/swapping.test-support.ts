import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';

/** renameat2(2), which perl has no name for. */
const RENAMEAT2 = process.arch === 'x64' ? 316 : 276;

/**
 * A process that exchanges `sub`, a directory, and `link`, a link to the outside, as fast as it can: each name always
 * leads somewhere. Resolves once it does.
 */
export async function startSwapping(test: TestContext, directory: string): Promise<ChildProcess> {
  // In variables: perl hands no constant to a system call.
  const program = `my ($number, $at_fdcwd, $exchange, $sub, $link) = (0 + shift, -100, 2, 'sub', 'link');
    chdir shift; $| = 1;
    for (my $n = 0; ; $n++) {
      syscall($number, $at_fdcwd, $sub, $at_fdcwd, $link, $exchange) == 0 or die "renameat2: $!";
      print "swapping\\n" if $n == 10;
    }`;
  const args = ['-e', program, String(RENAMEAT2), directory];
  const swapper = spawn('perl', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  test.after(() => swapper.kill('SIGKILL'));
  const ended = once(swapper, 'exit').then(() => {
    throw new Error('the process that swaps has ended');
  });
  await Promise.race([once(swapper.stdout!, 'data'), ended]);
  ended.catch(() => undefined);
  return swapper;
}
