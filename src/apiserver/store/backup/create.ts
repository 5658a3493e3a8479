import { access, constants, link, open, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { errorMessage } from '../../../base/index.ts';
import type { Engine } from '../engine.ts';
import { openEngine } from '../open.ts';
import { BackupError, type BackupSummary, type KeptFile, sealBackup } from './backup-file.ts';

export interface BackupSource {
  /** The store's state, as Engine.snapshot gives it. */
  readonly state: Readable;
  /** Where certificates and keys are. */
  readonly pkiDirectory: string;
  /** RFC 3339. */
  readonly createdAt: string;
}

/**
 * Makes a backup: one file of mode 0600, whole or not at all.
 * @throws BackupError when the file exists
 */
export async function createBackup(path: string, source: BackupSource): Promise<BackupSummary> {
  const file = resolve(path);
  const partial = `${file}.partial-${process.pid}`;
  // Made by us and for us alone: it holds keys.
  const handle = await open(partial, 'wx', 0o600);
  try {
    for await (const chunk of source.state) await handle.writeFile(chunk);
    const summary = sealBackup(partial, await keysOf(source.pkiDirectory), source.createdAt);
    await handle.sync();
    // Unlike a rename, a link takes no other file's place.
    await link(partial, file);
    await syncDirectory(dirname(file));
    return summary;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new BackupError(`${file} exists; nothing is overwritten: name another file`);
    throw error;
  } finally {
    await handle.close();
    await rm(partial, { force: true });
  }
}

/**
 * The engine of a directory that has state, without reading it: what is encrypted needs no key.
 * @throws BackupError when there is none; DataDirInUseError
 */
export async function openExistingEngine(directory: string): Promise<Engine> {
  try {
    await access(join(directory, 'state.db'), constants.R_OK);
  } catch (error) {
    throw new BackupError(
      `there is no state to back up (${errorMessage(error)}); name the data directory with --data-dir`,
    );
  }
  return openEngine(directory);
}

async function keysOf(directory: string): Promise<KeptFile[]> {
  const names = (await readdir(directory)).filter((name) => !name.endsWith('.new')).sort();
  return Promise.all(
    names.map(async (name) => ({ name: `pki/${name}`, content: await readFile(join(directory, name)) })),
  );
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
