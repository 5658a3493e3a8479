import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { makeDirectories } from './make-directories.ts';

describe('makeDirectories', { timeout: 120_000 }, () => {
  let root: string;
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'stowage-mkdir-'));
  });
  after(() => rm(root, { recursive: true, force: true }));

  it('makes what is missing, with the mode', async () => {
    await makeDirectories(join(root, 'a', 'b', 'c'), 0o700);
    for (const path of ['a', 'a/b', 'a/b/c'])
      assert.equal((await stat(join(root, path))).mode & 0o777, 0o700);
  });

  it('leaves what is there, also behind a link, also when many ask at once', async () => {
    await mkdir(join(root, 'there'), 0o755);
    await symlink(join(root, 'there'), join(root, 'link'));
    await makeDirectories(join(root, 'link'), 0o700);
    assert.equal((await stat(join(root, 'there'))).mode & 0o777, 0o755);
    await Promise.all(Array.from({ length: 20 }, () => makeDirectories(join(root, 'at', 'once'))));
    assert.ok((await stat(join(root, 'at', 'once'))).isDirectory());
  });

  it('refuses a file in the place or on the way', async () => {
    await writeFile(join(root, 'file'), '');
    await assert.rejects(makeDirectories(join(root, 'file')), { code: 'EEXIST' });
    await assert.rejects(makeDirectories(join(root, 'file', 'below')), { code: 'ENOTDIR' });
  });

  it('ends where nothing can be made', async () => {
    await assert.rejects(makeDirectories('/proc/nowhere/x'), { code: 'ENOENT' });
  });
});
