import { join } from 'node:path';
import type { Files } from '../../host/index.ts';

export interface FoundSockets {
  /** Path to what tells this socket from a later one at the same path. */
  readonly sockets: ReadonlyMap<string, string>;
  /** Directories that were looked into. */
  readonly directories: readonly string[];
}

/** Every Unix socket in a directory and those below it. What begins with a dot is nobody's. */
export async function findSockets(files: Files, directory: string): Promise<FoundSockets> {
  const sockets = new Map<string, string>();
  const directories: string[] = [];
  const look = async (path: string): Promise<void> => {
    directories.push(path);
    for (const name of await files.list(path)) {
      if (name.startsWith('.')) continue;
      const child = join(path, name);
      const stat = await files.stat(child);
      if (stat?.kind === 'directory') await look(child).catch(gone);
      else if (stat?.kind === 'socket')
        sockets.set(child, `${stat.device}:${stat.inode}:${stat.modifiedAtMs}`);
    }
  };
  await look(directory);
  return { sockets, directories };
}

/** A directory may go while it is looked at. */
function gone(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
