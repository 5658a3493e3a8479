import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { inDirectory } from '../../../../test/support/in-directory.ts';
import type { Engine } from '../engine.ts';
import { openEngine } from '../open.ts';
import { BackupError } from './backup-file.ts';
import { createBackup, openExistingEngine } from './create.ts';
import { restoreBackup } from './restore.ts';

const CREATED = '2026-11-21T10:00:00.000Z';

/** One batch; the revision after it. */
async function commit(engine: Engine, after: number, names: readonly string[]): Promise<number> {
  const writes = names.map((name, index) => ({
    table: 'configmaps',
    key: name,
    revision: after + index + 1,
    deleted: false,
    value: Buffer.from(JSON.stringify({ metadata: { name }, data: 'x'.repeat(3000) })),
  }));
  const revision = after + writes.length;
  await engine.commit({ revision, writes });
  return revision;
}

function stateOf(engine: Engine) {
  const { revision, rows } = engine.load();
  return { revision, rows: [...rows].map((row) => `${row.table} ${row.key} ${row.revision} ${row.value}`) };
}

/** A data directory with 200 objects, and its backup. */
async function backedUp(
  directory: string,
  then: (parts: { file: string; before: ReturnType<typeof stateOf> }) => Promise<void>,
): Promise<void> {
  const file = join(directory, 'backup');
  const pki = join(directory, 'pki');
  const engine = await openEngine(join(directory, 'state'));
  const names = Array.from({ length: 200 }, (_, index) => `object-${index}`);
  await commit(engine, 0, names);
  const before = stateOf(engine);
  await mkdir(pki);
  await writeFile(join(pki, 'ca.key'), 'the key');
  await writeFile(join(pki, 'ca.crt.new'), 'half a certificate');
  const state = await engine.snapshot!();
  // What comes later is not part of it.
  await commit(engine, 200, ['later']);
  const summary = await createBackup(file, { state, pkiDirectory: pki, createdAt: CREATED });
  assert.deepEqual(summary, { createdAt: CREATED, revision: 200, objects: 200, encrypted: false });
  await engine.close();
  await then({ file, before });
}

describe('backup and restore', () => {
  it('brings objects, revisions and keys back, with the revision far ahead', () =>
    inDirectory((directory) =>
      backedUp(directory, async ({ file, before }) => {
        assert.equal((await stat(file)).mode & 0o777, 0o600);
        const restored = join(directory, 'restored');
        await restoreBackup(file, restored);
        assert.deepEqual((await readdir(restored)).sort(), ['pki', 'state']);
        assert.deepEqual(await readdir(join(restored, 'pki')), ['ca.key']);
        assert.equal(await readFile(join(restored, 'pki/ca.key'), 'utf8'), 'the key');
        assert.equal((await stat(join(restored, 'pki/ca.key'))).mode & 0o777, 0o600);
        const engine = await openExistingEngine(join(restored, 'state'));
        const after = stateOf(engine);
        await engine.close();
        assert.deepEqual(after.rows, before.rows);
        assert.equal(after.revision, before.revision + 1_000_000_000);
        const left = (await readdir(directory)).filter((name) => /partial|restoring/.test(name));
        assert.deepEqual(left, []);
        assert.deepEqual(
          (await readdir(join(directory, 'state'))).filter((name) => /snapshot/.test(name)),
          [],
        );
      }),
    ));

  it('notices any damage, and then leaves nothing behind', () =>
    inDirectory((directory) =>
      backedUp(directory, async ({ file }) => {
        const whole = await readFile(file);
        const bad = join(directory, 'bad');
        const target = join(directory, 'target');
        const refused = async (what: string, content: Uint8Array) => {
          await writeFile(bad, content);
          await assert.rejects(restoreBackup(bad, target), BackupError, what);
          await assert.rejects(stat(target), { code: 'ENOENT' });
        };
        await refused('empty', new Uint8Array());
        await refused('text', Buffer.from('root:x:0:0'));
        await refused('cut short', whole.subarray(0, whole.length / 2));
        // A value's byte, which the database itself does not check.
        const flipped = Buffer.from(whole);
        const place = flipped.indexOf('object-117"},"data"') + 30;
        assert.ok(place > 30);
        flipped[place]! ^= 1;
        await refused('a flipped bit', flipped);
      }),
    ));

  it('takes no file out of its directory, no other database, no newer format', () =>
    inDirectory((directory) =>
      backedUp(directory, async ({ file }) => {
        const target = join(directory, 'target');
        const changed = async (statement: string, says: RegExp) => {
          const bad = join(directory, 'bad');
          await writeFile(bad, await readFile(file));
          const db = new DatabaseSync(bad);
          db.exec(statement);
          db.close();
          await assert.rejects(restoreBackup(bad, target), (error: Error) => {
            assert.ok(error instanceof BackupError);
            assert.match(error.message, says);
            return true;
          });
        };
        await changed("UPDATE meta SET value = 2 WHERE name = 'backup-format'", /format 2.*format 1/);
        await changed("DELETE FROM meta WHERE name = 'backup-format'", /a database, but no backup/);
        await changed("INSERT INTO files VALUES ('pki/../../etc/x', 'y')", /damaged|of the name/);
        await changed("UPDATE meta SET value = 7 WHERE name = 'revision'", /damaged/);
      }),
    ));

  it('overwrites neither a file nor a directory', () =>
    inDirectory((directory) =>
      backedUp(directory, async ({ file }) => {
        const engine = await openExistingEngine(join(directory, 'state'));
        const state = await engine.snapshot!();
        await engine.close();
        const again = createBackup(file, { state, pkiDirectory: join(directory, 'pki'), createdAt: CREATED });
        await assert.rejects(again, /exists; nothing is overwritten/);
        await assert.rejects(restoreBackup(file, directory), /is not empty/);
      }),
    ));

  it('gives two snapshots at once, and clears away what a crash left', () =>
    inDirectory(async (directory) => {
      const left = join(directory, 'snapshot-left');
      await mkdir(left);
      await writeFile(join(left, 'state.db'), 'half');
      const engine = await openEngine(directory);
      await commit(engine, 0, ['one']);
      const streams = await Promise.all([engine.snapshot!(), engine.snapshot!()]);
      const sizes = await Promise.all(
        streams.map(async (stream) => Buffer.concat(await stream.toArray()).length),
      );
      assert.equal(sizes[0], sizes[1]);
      assert.ok(sizes[0]! > 8192);
      await engine.close();
      assert.deepEqual(
        (await readdir(directory)).filter((name) => /snapshot/.test(name)),
        [],
      );
    }));

  it('says that there is no state, and makes none', () =>
    inDirectory(async (directory) => {
      await assert.rejects(openExistingEngine(join(directory, 'none')), /there is no state to back up/);
      assert.deepEqual(await readdir(directory), []);
    }));
});
