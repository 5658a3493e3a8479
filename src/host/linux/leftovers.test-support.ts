import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { sleep, systemClock } from '../../base/index.ts';
import type { Host } from '../host.ts';
import { checkPrivileges, createLinuxHost } from './index.ts';

const privileges = await checkPrivileges();

/** Why tests of mounts, devices and namespaces cannot run here; false when they can. */
export const skipReason: string | false = privileges.sufficient ? false : privileges.problems.join('; ');

/** Whether a mounted ext4 can be grown here. */
export const canGrow: boolean = privileges.sysResource;

export interface Scratch {
  readonly host: Host;
  readonly directory: string;
  /** Calls `cleanUp` at the end of the test, before it is looked at what was left; the last one first. */
  defer(cleanUp: () => Promise<void> | void): void;
}

/** A directory for one test. At its end nothing of it may be mounted, attached or running; then it goes. */
export function scratchDirectory(test: TestContext): Scratch {
  const host = createLinuxHost({ clock: systemClock });
  const directory = mkdtempSync(join(tmpdir(), 'stowage-test-'));
  const deferred: (() => Promise<void> | void)[] = [];
  test.after(async () => {
    const failures: unknown[] = [];
    for (const cleanUp of deferred.reverse()) {
      try {
        await cleanUp();
      } catch (error) {
        failures.push(error);
      }
    }
    const left = await leftovers(host, directory);
    for (const undo of left) await undo.remove();
    rmSync(directory, { recursive: true, force: true });
    assert.deepEqual(
      left.map(({ what }) => what),
      [],
      'left behind',
    );
    if (failures.length > 0) throw failures[0];
  });
  return { host, directory, defer: (cleanUp) => deferred.push(cleanUp) };
}

/** Looks until it is so, half a minute at most. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = systemClock.monotonic() + 30_000;
  while (!(await isSo())) {
    if (systemClock.monotonic() > deadline) throw new Error(`not within half a minute: ${what}`);
    await sleep(systemClock, 5);
  }
}

interface Leftover {
  readonly what: string;
  remove(): Promise<void>;
}

/** What of the machine still has to do with a directory. */
async function leftovers(host: Host, directory: string): Promise<Leftover[]> {
  const found: Leftover[] = [];
  for (const pid of processesNaming(directory))
    found.push({
      what: `process ${pid}`,
      remove: async () => {
        const id = await host.processes.find(pid);
        if (id) await host.processes.kill(id, 'SIGKILL', { group: true });
      },
    });
  const mounts = (await host.mounts.list()).filter(({ target }) => target.startsWith(`${directory}/`));
  for (const { target } of mounts.reverse())
    found.push({ what: `mount ${target}`, remove: () => host.mounts.unmount(target) });
  for (const { device, backingFile } of await host.loops.list())
    if (backingFile.startsWith(`${directory}/`))
      found.push({ what: `loop device ${device}`, remove: () => host.loops.detach(device) });
  return found;
}

/** Processes of which an argument names something below the directory. */
function processesNaming(directory: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\u0000');
        return line.some((argument) => argument.startsWith(`${directory}/`));
      } catch {
        return false;
      }
    })
    .map(Number);
}
