import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a directory, and those above it that are missing, all with the mode. One that is there stays as it is.
 *
 * Not mkdir's `recursive`: that asks for ever where the kernel answers ENOENT below a directory that is there (/proc),
 * and reports a read-only file system as ENOENT.
 * @throws the failure of the system call, for the directory that could not be made.
 */
export async function makeDirectories(path: string, mode?: number): Promise<void> {
  try {
    await mkdir(path, mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const above = dirname(path);
    if (code === 'ENOENT' && above !== path) {
      await makeDirectories(above, mode);
      // Somebody else may have made it meanwhile.
      await mkdir(path, mode).catch((second: unknown) => ignoreDirectory(path, second));
      return;
    }
    await ignoreDirectory(path, error);
  }
}

/** A failure that only says that the directory is there is none; also EROFS and EACCES say so of one that is. */
async function ignoreDirectory(path: string, error: unknown): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) throw error;
}
