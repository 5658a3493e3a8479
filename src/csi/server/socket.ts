import { chmod, lstat, mkdtemp, rename, rmdir, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { checkSocketPath } from '../endpoint.ts';

/** A socket file that is ours. */
export interface SocketFile {
  /** Removes it, unless another server has put its own in place. */
  remove(): Promise<void>;
}

/**
 * Puts a listening socket at `path`, readable and writable by its owner only. `listen` binds the path it is given.
 *
 * The socket is bound inside a private directory beside `path`, then renamed: it appears complete, with its mode,
 * and takes the place of a stale one in one step. A umask would do to the mode, but it belongs to the whole
 * process, and other components create files meanwhile.
 * @throws Error if something else than a socket is at `path`, or a socket that somebody answers on, or if the
 * parent directory does not exist.
 */
export async function placeSocket(
  path: string,
  listen: (path: string) => Promise<void>,
): Promise<SocketFile> {
  await checkFree(path);
  // A dot file: the kubelet's plugin watcher ignores those. Not join(): it would drop the dot.
  const directory = await mkdtemp(`${dirname(path)}/.`);
  const temporary = join(directory, 's');
  try {
    checkSocketPath(temporary);
    await listen(temporary);
    await chmod(temporary, 0o600);
    const { ino } = await lstat(temporary);
    await rename(temporary, path);
    return { remove: () => removeOwn(path, ino) };
  } finally {
    await unlink(temporary).catch(() => {}); // it is there only if something failed
    await rmdir(directory);
  }
}

async function checkFree(path: string): Promise<void> {
  const stat = await lstat(path).catch(ignoreMissing);
  if (!stat) return;
  if (!stat.isSocket())
    throw new Error(`socket ${path}: something else is there; remove it or choose another path`);
  if (await answers(path)) {
    throw new Error(`socket ${path}: another process serves it; stop that one or choose another path`);
  }
}

/** Whether somebody listens on the socket. A refused connection is the mark of a process that died. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else
        reject(
          new Error(`socket ${path}: cannot tell whether it is in use: ${error.message}`, { cause: error }),
        );
    });
  });
}

async function removeOwn(path: string, ino: number): Promise<void> {
  const stat = await lstat(path).catch(ignoreMissing);
  if (stat?.ino === ino) await unlink(path).catch(ignoreMissing);
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
