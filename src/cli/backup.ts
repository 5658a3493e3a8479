import { BackupError, restoreBackup } from '../apiserver/index.ts';
import { systemClock } from '../base/index.ts';
import { backup as backupDirectory } from '../cluster/backup.ts';
import { UsageError } from './usage-error.ts';

/** `stowage backup FILE`. Resolves to the exit code. */
export async function backup(
  file: string,
  options: { dataDir: string; kubeconfig?: string },
): Promise<number> {
  const { objects, revision, encrypted } = await forUsers(() =>
    backupDirectory({ ...options, file, clock: systemClock }),
  );
  process.stdout.write(
    `${file}: ${objects} objects at revision ${revision}, certificates and keys.${encrypted ? ' Some objects are encrypted: keep the key file too, elsewhere.' : ''}\nIt can do all that the administrator can: keep it safe. What is in volumes is not part of it.\n`,
  );
  return 0;
}

/** `stowage restore FILE`. Resolves to the exit code. */
export async function restore(file: string, options: { dataDir: string }): Promise<number> {
  const { objects, createdAt, encrypted } = await forUsers(() => restoreBackup(file, options.dataDir));
  process.stdout.write(
    `${options.dataDir}: ${objects} objects as of ${createdAt}.\n  stowage up --data-dir ${options.dataDir}${encrypted ? ' --encryption-key-file FILE' : ''}\n`,
  );
  return 0;
}

async function forUsers<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof BackupError) throw new UsageError(error.message);
    throw error;
  }
}
