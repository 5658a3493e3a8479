import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { silentLogger, systemClock } from '../../base/index.ts';
import { createLinuxHost } from '../../host/linux/index.ts';
import { cleanDevice, emptyDirectory } from './clean.ts';

const host = createLinuxHost({ clock: systemClock });
const MIB = 1 << 20;

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'stowage-local-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

describe('emptying a directory', () => {
  it('leaves nothing in it, and follows no link', async (t) => {
    const [volume, outside] = [directoryOf(t), directoryOf(t)];
    writeFileSync(join(outside, 'precious'), 'x');
    mkdirSync(join(volume, 'a', 'b'), { recursive: true });
    writeFileSync(join(volume, 'a', 'b', '.hidden'), 'x');
    for (const [target, name] of [
      [outside, 'directory'],
      [join(outside, 'precious'), 'file'],
      ['..', 'up'],
      ['nowhere', 'dangling'],
    ] as const)
      symlinkSync(target, join(volume, 'a', name));
    symlinkSync(outside, join(volume, 'top'));
    await emptyDirectory(volume, host.files);
    assert.deepEqual(readdirSync(volume), []);
    assert.deepEqual(readdirSync(outside), ['precious']);
  });

  const isRoot = process.getuid?.() === 0;
  it('leaves alone what is mounted in it, says so, and takes the rest', {
    skip: !isRoot && 'needs root',
  }, async (t) => {
    const volume = directoryOf(t);
    mkdirSync(join(volume, 'a', 'inner'), { recursive: true });
    writeFileSync(join(volume, 'z'), 'x');
    const inner = join(volume, 'a', 'inner');
    execFileSync('mount', ['-t', 'tmpfs', 'inner', inner]);
    try {
      writeFileSync(join(inner, 'kept'), 'x');
      await assert.rejects(
        emptyDirectory(volume, host.files),
        /inner is mounted at .*\/a\/inner; nothing was removed/,
      );
      assert.deepEqual(readdirSync(volume), ['a']);
      assert.deepEqual(readdirSync(inner), ['kept']);
    } finally {
      execFileSync('umount', [inner]);
    }
  });
});

function cannotLoop(): string | false {
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    execFileSync('losetup', ['--find'], { stdio: 'pipe' });
    for (const tool of ['shred', 'blkdiscard', 'wipefs', 'mkfs', 'ionice', 'blockdev'])
      execFileSync(tool, ['--version'], { stdio: 'pipe' });
    return false;
  } catch (error) {
    return `needs loop devices and the tools of util-linux: ${(error as Error).message.split('\n')[0]}`;
  }
}

describe("upstream's cleaners, which this machine does not have", {
  skip: cannotLoop(),
  timeout: 120_000,
}, () => {
  const signal = new AbortController().signal;
  const clean = (device: string, program: string, ...args: string[]) =>
    cleanDevice(device, [program, ...args], { host, log: silentLogger, signal });
  /** A disk with a file system, and text in its last block. */
  const disk = (t: TestContext) => {
    const image = join(directoryOf(t), 'image');
    writeFileSync(image, Buffer.alloc(4 * MIB, 'secret '));
    execFileSync('mkfs.ext4', ['-q', '-F', image], { stdio: 'pipe' });
    const device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim();
    t.after(() => execFileSync('losetup', ['--detach', device]));
    return { image, device };
  };
  const isBlank = (device: string) => {
    try {
      execFileSync('blkid', ['-p', device], { stdio: 'pipe' });
      return false;
    } catch (error) {
      return (error as { status?: number }).status === 2;
    }
  };

  for (const [program, args] of [
    ['/scripts/shred.sh', ['1']],
    ['/scripts/dd_zero.sh', ['2']],
    ['/scripts/dd_zero.sh', []],
    ['/scripts/blkdiscard.sh', []],
  ] as const)
    it(`${[program, ...args].join(' ')} leaves zeros alone`, async (t) => {
      const { image, device } = disk(t);
      assert.ok(!isBlank(device));
      await clean(device, program, ...args);
      execFileSync('blockdev', ['--flushbufs', device]);
      const bytes = readFileSync(image);
      assert.equal(bytes.length, 4 * MIB);
      assert.ok(bytes.every((byte) => byte === 0));
    });

  it('/scripts/quick_reset.sh makes the disk look new', async (t) => {
    const { device } = disk(t);
    await clean(device, '/scripts/quick_reset.sh');
    assert.ok(isBlank(device));
  });

  it('say what is wrong', async (t) => {
    const { device } = disk(t);
    await assert.rejects(
      clean(device, '/scripts/shred.sh', 'twice'),
      /exit status 1: twice is not a number of times$/,
    );
    await assert.rejects(
      clean(tmpdir(), '/scripts/quick_reset.sh'),
      /exit status 1: .* is not a block device$/,
    );
    await assert.rejects(clean('', '/scripts/quick_reset.sh'), /LOCAL_PV_BLKDEVICE is not set$/);
    await assert.rejects(clean(device, '/scripts/none.sh'), /none\.sh/);
    assert.ok(!isBlank(device), 'untouched');
  });
});
