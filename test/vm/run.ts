// npm run test:vm [-- TEST_FILE...]: what needs a kernel of its own, in a virtual machine; docs/vm-tests.md.
import { globSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { boot } from './boot.ts';
import { findBusybox, findKernel, findTool } from './machine.ts';
import { missingAdvice } from './requirements.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

async function main(args: readonly string[]): Promise<number> {
  const kernel = findKernel();
  const busybox = findBusybox();
  const advice = missingAdvice((what) => {
    if (what.startsWith('a kernel')) return kernel !== undefined;
    if (what.startsWith('a busybox')) return busybox !== undefined;
    return findTool(what) !== undefined;
  });
  if (process.arch !== 'x64') throw new Error('the virtual machine is made for x86-64 only');
  if (advice !== undefined || !kernel || !busybox) throw new Error(advice);
  const chosen = args.map((file) => resolve(file));
  const files = args.length > 0 ? chosen : globSync(join(import.meta.dirname, '*.vm.test.ts'));
  return await boot(kernel, busybox, testCommand(files.sort()));
}

/** One file after another: they share a kernel. */
function testCommand(files: readonly string[]): string {
  const words = [process.execPath, '--test', '--test-concurrency=1', '--test-reporter=spec', ...files];
  return `cd ${quote(REPOSITORY)} && STOWAGE_VM=1 exec ${words.map(quote).join(' ')}`;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`test:vm: ${error.message}\n`);
  return 2;
});
