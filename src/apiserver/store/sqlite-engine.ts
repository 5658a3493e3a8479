import {
  chmodSync,
  closeSync,
  constants,
  fdatasync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { clearSnapshots, snapshotOf } from './backup/snapshot.ts';
import { DataDirInUseError, type Engine, type EngineRow, StorageFullError } from './engine.ts';

const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;
/** Of the tables; a change of theirs is a new number. */
const FORMAT = 1;

/**
 * SQLite in WAL mode. A commit appends to the log through SQLite (page cache, tens of microseconds), then one
 * fdatasync of the log runs in libuv's pool, so that the event loop never waits for the disk. synchronous=NORMAL
 * makes SQLite itself sync around checkpoints, which keeps that order safe; what FULL adds, a sync after each
 * commit, is the fdatasync here. docs/decisions/0001-store.md has the figures.
 *
 * The exclusive lock on the database file frees itself with its holder's death.
 * @throws DataDirInUseError
 */
export function sqliteEngine(dataDir: string): Engine {
  const dir = resolve(dataDir);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  chmodSync(dir, 0o700);
  const file = join(dir, 'state.db');
  const db = open(file, dir);
  clearSnapshots(dir);
  const walFd = openSync(`${file}-wal`, constants.O_RDWR);
  syncDirectory(dir);
  const put = db.prepare(
    // In place, unlike INSERT OR REPLACE, which takes the old row out of table and index first: half the work.
    'INSERT INTO objects (resource, key, revision, value) VALUES (?, ?, ?, ?) ' +
      'ON CONFLICT (resource, key) DO UPDATE SET revision = excluded.revision, value = excluded.value',
  );
  const remove = db.prepare('DELETE FROM objects WHERE resource = ? AND key = ?');
  const setRevision = db.prepare(
    "INSERT INTO meta (name, value) VALUES ('revision', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
  );
  return {
    load() {
      const row = db.prepare("SELECT value FROM meta WHERE name = 'revision'").get() as
        | { value: number }
        | undefined;
      return { revision: row?.value ?? 0, rows: rows(db) };
    },
    async commit({ revision, writes }) {
      try {
        db.exec('BEGIN');
        for (const { table, key, revision: written, value } of writes) {
          if (value) put.run(table, key, written, value);
          else remove.run(table, key);
        }
        setRevision.run(revision);
        db.exec('COMMIT');
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK');
        if ((error as { errcode?: number }).errcode === SQLITE_FULL) {
          throw new StorageFullError(`write to ${file}: no space left on device; free some space`, {
            cause: error,
          });
        }
        throw error;
      }
      await sync(walFd);
    },
    async scrub() {
      const emptyLog = 'PRAGMA wal_checkpoint(TRUNCATE)';
      for (const statement of [emptyLog, 'VACUUM', emptyLog]) db.exec(statement);
      await sync(walFd);
    },
    snapshot: () => snapshotOf(db, dir),
    async close() {
      closeSync(walFd);
      db.close();
    },
  };
}

function open(file: string, dir: string): DatabaseSync {
  const owner = join(dir, 'owner.pid');
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file, { timeout: 0 });
    // In this order: the page size only takes before the log exists; exclusive mode before the first access also
    // keeps the log's index in memory instead of in a shared file.
    db.exec('PRAGMA page_size = 8192; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL');
    db.exec('PRAGMA synchronous = NORMAL');
    db.exec('CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value)');
    db.exec(
      'CREATE TABLE IF NOT EXISTS objects (resource TEXT, key TEXT, revision INTEGER, value BLOB, PRIMARY KEY (resource, key))',
    );
    // A first write: takes the lock for good and makes the log file.
    db.exec(`INSERT OR IGNORE INTO meta (name, value) VALUES ('format', ${FORMAT})`);
    const { value } = db.prepare("SELECT value FROM meta WHERE name = 'format'").get() as { value: number };
    if (value !== FORMAT) {
      throw new Error(
        `it has format ${value}, this version reads format ${FORMAT}; use the version that wrote it`,
      );
    }
  } catch (error) {
    db?.close();
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY)
      throw new DataDirInUseError(dir, readPid(owner));
    if ((error as { errcode?: number }).errcode === SQLITE_FULL) {
      throw new StorageFullError(`open data directory ${dir}: no space left on device; free some space`, {
        cause: error,
      });
    }
    throw new Error(`open data directory ${dir}: ${(error as Error).message}`, { cause: error });
  }
  writeFileSync(owner, `${process.pid}\n`, { mode: 0o600 });
  return db;
}

/** Only a hint for the message: the lock decides. */
function readPid(file: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(file, 'utf8'), 10) || undefined;
  } catch {
    return undefined;
  }
}

function* rows(db: DatabaseSync): Iterable<EngineRow> {
  for (const row of db.prepare('SELECT resource, key, revision, value FROM objects').iterate()) {
    const value = row.value as Uint8Array;
    yield {
      table: row.resource as string,
      key: row.key as string,
      revision: row.revision as number,
      value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    };
  }
}

function sync(fd: number): Promise<void> {
  return new Promise((done, fail) => fdatasync(fd, (error) => (error ? fail(error) : done())));
}

/** Makes the names of new files durable too. */
function syncDirectory(dir: string): void {
  const fd = openSync(dir, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
