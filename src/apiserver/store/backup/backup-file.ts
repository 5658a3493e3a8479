import { createHash, type Hash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { isEncrypted } from '../encryption/index.ts';

/** Of a backup file; a change of its tables is a new number. */
const BACKUP_FORMAT = 1;
/** Files that a backup may hold: a name in a directory, never a way out of it. */
const FILE_NAME = /^pki\/[A-Za-z0-9_][A-Za-z0-9._-]*$/;

/** A small file beside the database: certificates and keys. */
export interface KeptFile {
  /** Relative to the data directory, e.g. pki/ca.key. */
  readonly name: string;
  readonly content: Uint8Array;
}

export interface BackupSummary {
  /** RFC 3339. */
  readonly createdAt: string;
  /** The revision that it holds. */
  readonly revision: number;
  readonly objects: number;
  /** Some objects can only be read with the key file that they were written with. */
  readonly encrypted: boolean;
}

/** The file is no backup, or not a whole one. */
export class BackupError extends Error {
  override name = 'BackupError';
}

/**
 * Makes a backup of a copy of the store's database: adds the files and a digest over everything, and gives the file a
 * form that needs no second file.
 */
export function sealBackup(path: string, files: readonly KeptFile[], createdAt: string): BackupSummary {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA journal_mode = DELETE; BEGIN');
    db.exec('CREATE TABLE files (name TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID');
    const add = db.prepare('INSERT INTO files (name, content) VALUES (?, ?)');
    for (const { name, content } of files) add.run(name, content);
    const set = db.prepare('INSERT INTO meta (name, value) VALUES (?, ?)');
    set.run('backup-format', BACKUP_FORMAT);
    set.run('backup-created', createdAt);
    set.run('backup-digest', digestOf(db));
    db.exec('COMMIT');
    return summaryOf(db);
  } finally {
    db.close();
  }
}

/** Reads a backup and checks every byte that matters. @throws BackupError */
export function checkBackup(path: string): BackupSummary {
  return reading(path, (db) => {
    const format = metaOf(db, 'backup-format');
    if (format === undefined) throw new BackupError(`${path} is a database, but no backup`);
    if (format !== BACKUP_FORMAT)
      throw new BackupError(
        `${path} has backup format ${format}, this version reads format ${BACKUP_FORMAT}; use the version that wrote it`,
      );
    const { integrity_check: integrity } = db.prepare('PRAGMA integrity_check(1)').get() as {
      integrity_check: string;
    };
    if (integrity !== 'ok' || metaOf(db, 'backup-digest') !== digestOf(db))
      throw new BackupError(
        `${path} is damaged: its contents are not what was backed up; use another backup`,
      );
    for (const { name } of keptFiles(db))
      if (!FILE_NAME.test(name))
        throw new BackupError(`${path} holds a file of the name ${JSON.stringify(name)}`);
    return summaryOf(db);
  });
}

/** The files of a backup that `checkBackup` has passed. */
export function filesOf(path: string): KeptFile[] {
  return reading(path, (db) => [...keptFiles(db)]);
}

/** Makes a store's database of a copy of a backup, its revision raised by `ahead`. */
export function unsealBackup(path: string, ahead: number): void {
  const db = new DatabaseSync(path);
  try {
    db.exec('PRAGMA secure_delete = ON; BEGIN; DROP TABLE files');
    db.exec("DELETE FROM meta WHERE name LIKE 'backup-%'");
    db.prepare("UPDATE meta SET value = value + ? WHERE name = 'revision'").run(ahead);
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}

function reading<T>(path: string, read: (db: DatabaseSync) => T): T {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { readOnly: true });
    return read(db);
  } catch (error) {
    if (error instanceof BackupError) throw error;
    throw new BackupError(`${path} is no backup, or not a whole one: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    db?.close();
  }
}

function metaOf(db: DatabaseSync, name: string): unknown {
  const row = db.prepare('SELECT value FROM meta WHERE name = ?').get(name);
  return row?.value;
}

function summaryOf(db: DatabaseSync): BackupSummary {
  let objects = 0;
  let encrypted = false;
  for (const { value } of db.prepare('SELECT value FROM objects').iterate()) {
    objects++;
    encrypted ||= isEncrypted(Buffer.from(value as Uint8Array));
  }
  return {
    createdAt: String(metaOf(db, 'backup-created')),
    revision: Number(metaOf(db, 'revision') ?? 0),
    objects,
    encrypted,
  };
}

function* keptFiles(db: DatabaseSync): Iterable<KeptFile> {
  for (const { name, content } of db.prepare('SELECT name, content FROM files ORDER BY name').iterate())
    yield { name: String(name), content: content as Uint8Array };
}

/** SHA-256 over all that a restore takes over. */
function digestOf(db: DatabaseSync): string {
  const hash = createHash('sha256');
  add(hash, String(metaOf(db, 'revision') ?? 0));
  add(hash, String(metaOf(db, 'backup-created')));
  const objects = db.prepare('SELECT resource, key, revision, value FROM objects ORDER BY resource, key');
  for (const { resource, key, revision, value } of objects.iterate()) {
    add(hash, `${resource} ${key} ${revision}`);
    add(hash, value as Uint8Array);
  }
  for (const { name, content } of keptFiles(db)) {
    add(hash, name);
    add(hash, content);
  }
  return hash.digest('hex');
}

/** With its length, so that no two contents look alike. */
function add(hash: Hash, part: string | Uint8Array): void {
  hash.update(`${part.length}:`).update(part);
}
