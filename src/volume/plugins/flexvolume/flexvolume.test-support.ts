import { mkdtempSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { systemClock } from '../../../base/index.ts';
import { createLinuxHost, type Host } from '../../../host/index.ts';
import { FlexDriver } from './driver.ts';

export const host = createLinuxHost({ clock: systemClock });

/** A directory for one test, which goes with it, and what is mounted there. */
export function directoryFor(test: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'flexvolume-'));
  test.after(async () => {
    for (const { target } of [...(await host.mounts.list())].reverse())
      if (target.startsWith(`${directory}/`)) await host.mounts.unmount(target);
    await host.files.removeTree(directory);
  });
  return directory;
}

/**
 * Writes a driver whose commands are shell: `$1` … are what it is given after the command. Each call is noted in `calls`
 * beside it, a line each. What is not told is not supported.
 */
export async function writeDriver(path: string, commands: Readonly<Record<string, string>>): Promise<void> {
  const cases = Object.entries(commands).map(([command, script]) => `${command}) ${script} ;;\n`);
  const script = `#!/bin/sh
echo "$@" >>"$(dirname "$0")/calls"
command=$1; shift
case $command in
${cases.join('')}
*) echo '{"status":"Not supported"}'; exit 1 ;;
esac
`;
  await fs.mkdir(dirname(path), { recursive: true });
  await fs.writeFile(`${path}.new`, script, { mode: 0o755 });
  await fs.rename(`${path}.new`, path);
}

export const SUCCESS = `echo '{"status":"Success"}'`;

/** The calls of a driver so far. */
export async function callsOf(executable: string): Promise<string[]> {
  const text = await fs.readFile(join(dirname(executable), 'calls'), 'utf8').catch(() => '');
  return text.split('\n').slice(0, -1);
}

export async function driver(
  test: TestContext,
  commands: Readonly<Record<string, string>>,
  options: { callLimitMs?: number; host?: Host } = {},
): Promise<FlexDriver> {
  const executable = join(directoryFor(test), 'v~d/d');
  await writeDriver(executable, commands);
  return new FlexDriver({ host, name: 'v/d', executable, ...options });
}
