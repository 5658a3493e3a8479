import { createReadStream, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { backup, type DatabaseSync } from 'node:sqlite';
import type { Readable } from 'node:stream';

const PREFIX = 'snapshot-';

/**
 * A consistent copy of an open database, as the bytes of a database file. Commits go on meanwhile: SQLite's backup takes
 * some pages at a time and brings what changes up to date. It needs as much room in the directory as the database.
 */
export async function snapshotOf(db: DatabaseSync, directory: string): Promise<Readable> {
  // Each has a directory of its own: two may be asked for at once.
  const own = mkdtempSync(join(directory, PREFIX));
  try {
    const file = join(own, 'state.db');
    await backup(db, file);
    const handle = await open(file, 'r');
    return createReadStream('', { fd: handle });
  } finally {
    // The stream keeps what it reads; nothing is left behind, whatever becomes of it.
    await rm(own, { recursive: true, force: true });
  }
}

/** Removes what snapshots left behind that a crash cut short. */
export function clearSnapshots(directory: string): void {
  for (const name of readdirSync(directory))
    if (name.startsWith(PREFIX)) rmSync(join(directory, name), { recursive: true, force: true });
}
