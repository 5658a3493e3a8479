import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { systemClock } from '../../base/index.ts';
import { checkPrivileges, createLinuxHost } from '../linux/index.ts';
import { LET_GO_OF_OTHERS_LOOPS } from './index.ts';

const { sufficient } = await checkPrivileges();
const run = (command: string, ...args: string[]) => execFileSync(command, args, { encoding: 'utf8' });

describe('a new mount namespace', { skip: !sufficient && 'needs root and loop devices' }, () => {
  it('keeps no loop device from being detached, and sees what is shared with it until it goes', async (t) => {
    const { loops, mounts } = createLinuxHost({ clock: systemClock });
    const directory = mkdtempSync(join(tmpdir(), 'stowage-let-go-'));
    const [alone, around] = [join(directory, 'a place alone'), join(directory, 'around')];
    const shared = join(around, 'shared');
    for (const path of [alone, around]) mkdirSync(path);
    t.after(async () => {
      for (const { target } of (await mounts.list()).toReversed())
        if (target.startsWith(`${directory}/`)) await mounts.unmount(target);
      for (const { device, backingFile } of await loops.list())
        if (backingFile.startsWith(`${directory}/`)) await loops.detach(device);
      rmSync(directory, { recursive: true, force: true });
    });
    run('mount', '--bind', around, around);
    run('mount', '--make-private', around);
    run('mount', '--make-shared', around);
    mkdirSync(shared);
    const devices: string[] = [];
    for (const target of [alone, shared]) {
      const image = join(directory, `${devices.length}.img`);
      writeFileSync(image, '');
      truncateSync(image, 16 << 20);
      run('mkfs.ext4', '-q', image);
      devices.push(await loops.attach(image));
      run('mount', devices.at(-1)!, target);
    }
    run('mount', '--make-private', alone);

    const script = `${LET_GO_OF_OTHERS_LOOPS}; cat /proc/self/mountinfo; echo end; exec cat`;
    const args = ['--mount', '--propagation', 'slave', '/bin/sh', '-c', script];
    const child = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    try {
      const seen: string[] = [];
      for await (const line of createInterface({ input: child.stdout })) {
        if (line === 'end') break;
        seen.push(line);
      }
      const sees = (name: string) => seen.some((line) => line.includes(name));
      assert.deepEqual([sees('alone'), sees(shared)], [false, true]);
      // It is still there, and holds neither.
      for (const target of [alone, shared]) await mounts.unmount(target);
      for (const device of devices) await loops.detach(device);
    } finally {
      child.kill('SIGKILL');
      await exit;
    }
  });
});
