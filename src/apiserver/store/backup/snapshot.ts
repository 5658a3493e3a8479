import { createReadStream, rmSync } from 'node:fs';
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { backup, type DatabaseSync } from 'node:sqlite';
import type { Readable } from 'node:stream';

const TEMPORARY = 'snapshot.tmp';

/**
 * A consistent copy of an open database, as the bytes of a database file. Commits go on meanwhile: SQLite's backup takes
 * some pages at a time and brings what changes up to date. It needs as much room in the directory as the database.
 */
export async function snapshotOf(db: DatabaseSync, directory: string): Promise<Readable> {
  const file = join(directory, TEMPORARY);
  clearSnapshots(directory);
  try {
    await backup(db, file);
    const handle = await open(file, 'r');
    return createReadStream('', { fd: handle });
  } finally {
    // The stream keeps what it reads; nothing is left behind, whatever becomes of it.
    await unlink(file).catch(() => undefined);
  }
}

/** Removes what a snapshot left behind that a crash cut short. */
export function clearSnapshots(directory: string): void {
  for (const suffix of ['', '-journal', '-wal'])
    rmSync(join(directory, `${TEMPORARY}${suffix}`), { force: true });
}
