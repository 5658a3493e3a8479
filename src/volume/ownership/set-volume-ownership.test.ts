import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FakeClock, silentLogger, systemClock } from '../../base/index.ts';
import { createLinuxHost } from '../../host/index.ts';
import { startSwapping } from '../subpath/swapping.test-support.ts';
import { groupMode, rootNeedsChange, setVolumeOwnership } from './set-volume-ownership.ts';

const GROUP = 4242;
const skip = process.getuid?.() !== 0 && 'giving files away needs root';

describe('groupMode', () => {
  const cases: [string, 'file' | 'directory', number, boolean, number][] = [
    ['a file', 'file', 0o600, false, 0o660],
    ['a program', 'file', 0o755, false, 0o775],
    ['a directory passes its group on and can be entered', 'directory', 0o700, false, 0o2770],
    ['a read-only file', 'file', 0o400, true, 0o440],
    ['a read-only directory', 'directory', 0o500, true, 0o2550],
  ];
  for (const [what, kind, mode, readOnly, expected] of cases)
    it(what, () => assert.equal(groupMode({ kind, mode }, readOnly).toString(8), expected.toString(8)));
});

describe('rootNeedsChange', () => {
  const cases: [string, { gid?: number; mode?: number; kind?: 'file' | 'directory' }, boolean, boolean][] = [
    ['a root that is right stays', {}, false, false],
    ['more rights than needed are right', { mode: 0o2777 }, false, false],
    ['another group', { gid: 0 }, false, true],
    ['no set-group-id', { mode: 0o770 }, false, true],
    ['the group may not write', { mode: 0o2750 }, false, true],
    ['which it need not if read-only', { mode: 0o2750 }, true, false],
    ['no directory', { kind: 'file' }, false, true],
  ];
  for (const [what, root, readOnly, expected] of cases) {
    it(what, () => {
      const stat = { kind: 'directory' as const, mode: 0o2770, gid: GROUP, ...root };
      assert.equal(rootNeedsChange(stat, GROUP, readOnly), expected);
    });
  }
});

describe('setVolumeOwnership', { skip: process.getuid?.() === 0 ? false : 'chown needs root' }, () => {
  it('gives every file and directory to the group and leaves what links lead to', async (test) => {
    const root = await fs.mkdtemp(join(tmpdir(), 'ownership-'));
    test.after(() => fs.rm(root, { recursive: true }));
    const volume = join(root, 'volume');
    await fs.mkdir(join(volume, 'deep/er'), { recursive: true });
    await fs.writeFile(join(volume, 'deep/er/file'), 'x', { mode: 0o600 });
    await fs.writeFile(join(root, 'outside'), 'x', { mode: 0o600 });
    await fs.symlink(join(root, 'outside'), join(volume, 'link'));
    const latin = Buffer.concat([Buffer.from(`${volume}/gr`), Buffer.of(0xfc), Buffer.from('n')]);
    await fs.writeFile(latin, 'x', { mode: 0o600 });
    const { files } = createLinuxHost({ clock: systemClock });
    const request = { path: volume, fsGroup: GROUP, policy: 'OnRootMismatch' as const };
    assert.equal(await setVolumeOwnership(files, request), 6);
    assert.equal(await setVolumeOwnership(files, request), 0, 'the root tells that it is done');
    const file = await fs.stat(join(volume, 'deep/er/file'));
    assert.deepEqual([file.gid, file.mode & 0o7777], [GROUP, 0o660]);
    assert.equal((await fs.stat(latin)).gid, GROUP, 'a name that is no UTF-8');
    const directory = await fs.stat(join(volume, 'deep'));
    assert.deepEqual([directory.gid, directory.mode & 0o7070], [GROUP, 0o2070]);
    const outside = await fs.stat(join(root, 'outside'));
    assert.deepEqual([outside.gid, outside.mode & 0o7777], [process.getgid!(), 0o600]);
    assert.equal(await setVolumeOwnership(files, { path: volume }), 0, 'no group, no change');
  });

  it('uses as it is what cannot change hands, and says so once', async (test) => {
    const volume = await fs.mkdtemp(join(tmpdir(), 'ownership-'));
    test.after(() => fs.rm(volume, { recursive: true }));
    await fs.mkdir(join(volume, 'deep'));
    await fs.writeFile(join(volume, 'deep/file'), 'x', { mode: 0o600 });
    const { files } = createLinuxHost({ clock: systemClock });
    const chown = () => Promise.reject(new Error('EPERM: operation not permitted'));
    const warned: unknown[] = [];
    const log = { ...silentLogger, warn: (_message: string, fields?: object) => void warned.push(fields) };
    const reporter = { podUid: 'u', clock: new FakeClock(), log, tell: () => assert.fail('it was quick') };
    const request = { path: volume, fsGroup: GROUP, reporter };
    assert.equal(await setVolumeOwnership({ ...files, chown }, request), 3);
    assert.equal(
      (await fs.stat(join(volume, 'deep/file'))).mode & 0o777,
      0o660,
      'its mode changes all the same',
    );
    assert.deepEqual(warned, [{ path: volume, files: 3, error: 'EPERM: operation not permitted' }]);
    const list = () => Promise.reject(new Error('EIO: i/o error'));
    await assert.rejects(setVolumeOwnership({ ...files, list }, request), /^Error: EIO/);
  });

  it('tells the pod when it takes long, and how far it is', async (test) => {
    const root = await fs.mkdtemp(join(tmpdir(), 'ownership-'));
    test.after(() => fs.rm(root, { recursive: true }));
    const volume = join(root, 'pods/uid-1/volumes/v/mount');
    await fs.mkdir(volume, { recursive: true });
    for (const name of ['a', 'b', 'c']) await fs.writeFile(join(volume, name), '');
    const { files } = createLinuxHost({ clock: systemClock });
    const clock = new FakeClock();
    const told: string[] = [];
    let changed = 0;
    const third = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const chown: typeof files.chown = async (...args) => {
      if (++changed === 3) {
        third.resolve();
        await goOn.promise;
      }
      await files.chown(...args);
    };
    const tell = (text: string) => void told.push(text);
    const reporter = { podUid: 'uid-1', clock, log: silentLogger, tell };
    const done = setVolumeOwnership({ ...files, chown }, { path: volume, fsGroup: GROUP, reporter });
    await third.promise;
    await clock.advance(29_999);
    assert.deepEqual(told, []);
    await clock.advance(1);
    await clock.advance(60_000);
    const name = 'uid-1/volumes/v/mount';
    assert.match(
      told[0]!,
      new RegExp(`^Setting volume ownership for ${name} is taking longer than expected, consider`),
    );
    assert.equal(told[1], `Setting volume ownership for ${name}, processed 3 files.`);
    goOn.resolve();
    assert.equal(await done, 4);
    await clock.advance(120_000);
    assert.equal(told.length, 2);
    assert.equal(clock.pending, 0);
  });

  it('leaves what is outside alone while directories and links change places', { skip }, async (test) => {
    const root = await fs.realpath(await fs.mkdtemp(join(tmpdir(), 'ownership-')));
    test.after(() => fs.rm(root, { recursive: true, force: true }));
    const [volume, outside] = [join(root, 'volume'), join(root, 'outside')];
    // The same names in both, so that a path means something whichever it leads through.
    const names = Array.from({ length: 30 }, (_, index) => `file-${index}`);
    for (const directory of [join(volume, 'sub'), outside]) {
      await fs.mkdir(directory, { recursive: true });
      for (const name of names) await fs.writeFile(join(directory, name), '');
    }
    await fs.symlink(outside, join(volume, 'link'));
    const swapper = await startSwapping(test, volume);
    const host = createLinuxHost({ clock: systemClock });
    for (let round = 0; round < 100; round++)
      await setVolumeOwnership(host.files, { path: volume, fsGroup: GROUP + round });
    swapper.kill();
    await once(swapper, 'exit');
    for (const path of [outside, ...names.map((name) => join(outside, name))])
      assert.equal((await fs.stat(path)).gid, process.getgid!(), path);
  });
});
