import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../base/index.ts';
import { createLinuxHost } from './index.ts';
import { bytesOf, nameOf } from './path-bytes.ts';

describe('names of files', () => {
  it('are text that leads back to their bytes, whatever these are', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 16 }),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, (name) => {
        assert.deepEqual(Buffer.from(bytesOf(nameOf(Buffer.from(name)))), Buffer.from(name));
      }),
    );
    assert.equal(nameOf(Buffer.from('größe \ufffd 🙂')), 'größe \ufffd 🙂');
  });

  it('that are no UTF-8 are listed, and found by what was listed', async (test) => {
    const directory = await mkdtemp(join(tmpdir(), 'path-bytes-'));
    test.after(() => rm(directory, { recursive: true }));
    const { files } = createLinuxHost({ clock: systemClock });
    const odd = Buffer.concat([Buffer.from(`${directory}/gr`), Buffer.of(0xf6, 0xdf), Buffer.from('e')]);
    await writeFile(odd, 'latin');
    await writeFile(join(directory, 'größe'), 'utf8');
    const names = await files.list(directory);
    assert.deepEqual(names.toSorted(), ['größe', 'gr\udcf6\udcdfe']);
    for (const name of names) {
      const path = join(directory, name);
      assert.equal((await files.stat(path))?.kind, 'file');
      await files.chmod(path, 0o640);
      await files.chown(path, process.getuid!(), process.getgid!());
      assert.equal((await files.stat(path))?.mode, 0o640);
      const place = await files.openWithin(directory, [name]);
      assert.equal((await place.stat()).kind, 'file');
      await place.close();
    }
  });
});
