import { readdir, readFile, rm } from 'node:fs/promises';
import { systemClock } from '../../src/base/index.ts';
import { createLinuxHost } from '../../src/host/linux/index.ts';

/**
 * Takes away what a failed test left below a directory: processes, mounts, loop devices, and the directory itself.
 * After a test that went well there is nothing to do but the last.
 */
export async function scrub(directory: string): Promise<void> {
  const host = createLinuxHost({ clock: systemClock });
  for (const pid of await processesNaming(directory)) {
    // A container's processes do not name the directory, but are in the group of the one that holds them.
    for (const target of [-pid, pid]) {
      try {
        process.kill(target, 'SIGKILL');
      } catch {
        // Gone already, or no leader of a group.
      }
    }
  }
  const below = (path: string) => path === directory || path.startsWith(`${directory}/`);
  // Those in use go with their last user: an image on the store of a pool keeps that mounted.
  for (const loop of await host.loops.list()) {
    if (below(loop.backingFile)) await host.processes.exec('losetup', ['--detach', loop.device]);
  }
  for (const { target } of [...(await host.mounts.list())].reverse()) {
    if (below(target)) await host.processes.exec('umount', ['-l', target]);
  }
  await rm(directory, { recursive: true, force: true });
}

/** Processes, but for this one, whose command line names the directory. */
export async function processesNaming(directory: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const commandLine = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (commandLine.includes(directory)) found.push(pid);
  }
  return found;
}
