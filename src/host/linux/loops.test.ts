import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '../../base/index.ts';
import { checkPrivileges } from './index.ts';
import { createLoopDevices } from './loops.ts';
import { createProcesses } from './processes.ts';

const { sufficient } = await checkPrivileges();

describe('loop devices', { skip: !sufficient && 'needs root and loop devices', timeout: 60_000 }, () => {
  it('are listed while a file is attached, however small, also when it is deleted', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'stowage-loops-'));
    const file = join(directory, 'file');
    writeFileSync(file, Buffer.alloc(512));
    const loops = createLoopDevices(createProcesses(systemClock), systemClock);
    const device = await loops.attach(file, { readOnly: true });
    t.after(async () => {
      if ((await loops.get(device))?.backingFile === file) await loops.detach(device);
      rmSync(directory, { recursive: true, force: true });
    });
    const found = async () => (await loops.list()).find(({ backingFile }) => backingFile === file);
    assert.deepEqual(await found(), { device, backingFile: file, readOnly: true, deleted: false });
    rmSync(file);
    assert.deepEqual(await found(), { device, backingFile: file, readOnly: true, deleted: true });
    await loops.detach(device);
    assert.equal(await found(), undefined);
  });

  it('a device that somebody else has got meanwhile was detached', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'stowage-loops-'));
    const [ours, theirs] = [join(directory, 'ours'), join(directory, 'theirs')];
    for (const file of [ours, theirs]) {
      writeFileSync(file, '');
      truncateSync(file, 1 << 20);
    }
    const processes = createProcesses(systemClock);
    const loops = createLoopDevices(
      {
        ...processes,
        async exec(command, args, options) {
          const result = await processes.exec(command, args, options);
          // On a busy machine it may be a third one's by now: as good.
          if (args.includes('--detach')) await processes.exec('losetup', [args.at(-1)!, theirs]);
          return result;
        },
      },
      systemClock,
    );
    const device = await loops.attach(ours);
    t.after(() => {
      const attached = execFileSync('losetup', ['--noheadings', '--output', 'NAME', '--associated', theirs]);
      for (const name of attached.toString().split('\n').filter(Boolean))
        execFileSync('losetup', ['--detach', name.trim()]);
      rmSync(directory, { recursive: true, force: true });
    });
    await loops.detach(device);
    assert.notEqual((await loops.get(device))?.backingFile, ours);
  });
});
