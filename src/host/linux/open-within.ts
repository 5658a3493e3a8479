import { constants } from 'node:fs';
import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import type { PlaceHandle } from '../host.ts';
import { fileStat } from './file-stat.ts';
import { bytesOf } from './path-bytes.ts';

/** open(2): a handle on the place, not on what is in it. The same number on every architecture that Node runs on. */
export const O_PATH = 0o10000000;

/**
 * Opens a place below a directory part by part, each relative to the handle of the one before, as openat(2) does: a path
 * that begins with a descriptor's in /proc leads to what is open there, whatever its name leads to by now.
 */
export async function openWithin(
  base: string,
  parts: readonly string[],
  makeMode?: number,
): Promise<PlaceHandle> {
  let at = await fs.open(base, O_PATH | constants.O_DIRECTORY);
  try {
    for (const part of parts) {
      const next = await openChild(at.fd, part, makeMode).catch((error: unknown) => {
        throw told(error, base, parts);
      });
      await at.close();
      at = next;
    }
    // A link at the end is opened as the link that it is.
    if ((await at.stat()).isSymbolicLink()) throw told(linkError(), base, parts);
  } catch (error) {
    await at.close();
    throw error;
  }
  const place = at;
  return {
    path: `/proc/${process.pid}/fd/${place.fd}`,
    stat: async () => fileStat(await place.stat({ bigint: true })),
    close: () => place.close(),
  };
}

async function openChild(parent: number, name: string, makeMode?: number): Promise<fs.FileHandle> {
  if (name === '' || name === '.' || name === '..' || name.includes('/'))
    throw Object.assign(new Error(`EINVAL: ${JSON.stringify(name)} is no name`), { code: 'EINVAL' });
  // A link is no directory either, so that nothing is found below one.
  const path = `/proc/self/fd/${parent}/${name}`;
  try {
    return await fs.open(bytesOf(path), O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (makeMode === undefined || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await fs.mkdir(path, makeMode);
  const made = await fs.open(path, O_PATH | constants.O_NOFOLLOW | constants.O_DIRECTORY);
  // The mode of a mkdir is subject to the umask.
  await fs.chmod(`/proc/self/fd/${made.fd}`, makeMode);
  return made;
}

function linkError(): Error {
  return Object.assign(new Error('ELOOP: it is a symbolic link'), { code: 'ELOOP' });
}

/** With a path that says something to whoever reads it. */
function told(error: unknown, base: string, parts: readonly string[]): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const path = join(base, ...parts);
  const what = message.replace(/, open .*$|, mkdir .*$/, '');
  return Object.assign(new Error(`open ${path} without following links: ${what}`, { cause: error }), {
    code,
    path,
  });
}
