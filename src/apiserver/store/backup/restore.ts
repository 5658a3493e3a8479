import { copyFile, mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { BackupError, type BackupSummary, checkBackup, filesOf, unsealBackup } from './backup-file.ts';

/**
 * How far the revision of a restored store is ahead of its backup's. What was written after the backup has used
 * revisions that are gone; whoever watched must not take new writes for those. So nobody's resourceVersion of before is
 * in the window: lists and watches get 410 and start anew (etcd's restore has --bump-revision for it, and advises this
 * number).
 */
const REVISIONS_AHEAD = 1_000_000_000;

/**
 * Makes a data directory from a backup, whole or not at all.
 * @throws BackupError when the backup is no good, or the directory is there and not empty.
 */
export async function restoreBackup(file: string, dataDir: string): Promise<BackupSummary> {
  const directory = resolve(dataDir);
  const summary = checkBackup(file);
  if ((await entriesOf(directory)).length > 0)
    throw new BackupError(
      `the data directory ${directory} is not empty; nothing is overwritten: name another one`,
    );
  const temporary = `${directory}.restoring-${process.pid}`;
  await mkdir(dirname(directory), { recursive: true });
  await mkdir(temporary, { mode: 0o700 });
  try {
    await mkdir(join(temporary, 'state'), { mode: 0o700 });
    const database = join(temporary, 'state', 'state.db');
    await copyFile(file, database);
    unsealBackup(database, REVISIONS_AHEAD);
    await sync(database);
    for (const { name, content } of filesOf(file)) {
      const path = join(temporary, name);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, content, { mode: 0o600, flag: 'wx', flush: true });
    }
    await sync(join(temporary, 'state'));
    // Replaces an empty directory, and refuses any other.
    await rename(temporary, directory);
    await sync(dirname(directory));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return summary;
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
